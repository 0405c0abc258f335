"""Edits of a text: joining those that overlap, applying them, and following offsets through them."""

from __future__ import annotations

from collections.abc import Iterable

from handrail._types import Edit


def merge(edits: Iterable[Edit]) -> list[Edit]:
    """Sort edits and join those that overlap: the union of their spans gets the replacement of the first.

    The first is the one that begins first and, of two that begin together, the longer or else the earlier. Whatever
    any of them wanted to remove is removed.
    """
    merged: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        before = merged[-1] if merged else None
        if before is not None and (edit.start < before.end or edit == before):
            if edit.end > before.end:
                merged[-1] = Edit(before.start, edit.end, before.replacement)
        else:
            merged.append(edit)
    return merged


def lowered(limit: int, edits: Iterable[Edit]) -> int:
    """Lower a limit so that it cuts through none of these edits, which must be sorted and apart."""
    return next((edit.start for edit in edits if edit.start < limit < edit.end), limit)


def apply(text: str, start: int, edits: Iterable[Edit]) -> str:
    """Apply sorted edits, all within `text`, which begins at the offset `start`."""
    parts: list[str] = []
    position = start
    for edit in edits:
        parts += (text[position - start : edit.start - start], edit.replacement)
        position = edit.end
    parts.append(text[position - start :])
    return "".join(parts)


def unapplied(edit: Edit, applied: Iterable[Edit]) -> Edit | None:
    """Return what is left of an edit that repeats others in whole or in part; None if that is nothing."""
    for done in applied:
        if done.start <= edit.start and edit.end <= done.end:
            return None
        if done.start <= edit.start < done.end:
            edit = Edit(done.end, edit.end, "")
    return edit


class OffsetMap:
    """Where offsets of a text lie after its edits; only ever asked about text that was already released."""

    __slots__ = ("_applied",)

    def __init__(self) -> None:
        self._applied: list[Edit] = []

    def add(self, edits: Iterable[Edit]) -> None:
        """Note edits that were applied, in ascending order."""
        self._applied.extend(edits)

    def to_output(self, offset: int) -> int:
        """Return the offset after the edits; one inside an edit becomes the beginning of its replacement."""
        shift = 0
        for edit in self._applied:
            if edit.start >= offset:
                break
            if edit.end > offset:
                return edit.start + shift
            shift += len(edit.replacement) - (edit.end - edit.start)
        return offset + shift
