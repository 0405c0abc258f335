"""Running the sessions of a stream rail by hand, and telling what they must come to."""

# ruff: noqa: S101  # this is part of tests

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handrail import Edit, Ruling, Verdict

if TYPE_CHECKING:
    from handrail import Turn


@dataclass(slots=True)
class Transcript:
    """What a session has said so far.

    Attributes:
        fed: the text that it was given.
        text: what it has let out.
        edits: what it has rewritten.
        block: the verdict with which it ended the stream.
    """

    fed: str = ""
    text: str = ""
    edits: tuple[Edit, ...] = ()
    block: Verdict | None = None

    @property
    def fate(self) -> tuple[str, bool]:
        """What must not hang on how the text was split."""
        return self.text, self.block is not None

    @property
    def consumed(self) -> int:
        """How many characters of what was fed are out, as they were or rewritten, by what the edits say."""
        return len(self.text) - sum(len(edit.replacement) - (edit.end - edit.start) for edit in self.edits)

    @property
    def held(self) -> int:
        """How many characters of what was fed are not out."""
        return len(self.fed) - self.consumed

    def explained(self) -> str:
        """Return what must be out by what the edits say."""
        parts, at = [], 0
        for edit in sorted(self.edits, key=lambda edit: (edit.start, edit.end)):
            parts += [self.fed[at : edit.start], edit.replacement]
            at = edit.end
        return "".join([*parts, self.fed[at : self.consumed]])

    def add(self, ruling: Any, piece: str) -> None:
        """Take what the session said of a piece."""
        assert type(ruling) is Ruling, f"the session returned {ruling!r}; it must return a Ruling"
        assert type(ruling.text) is str, f"the session returned the text {ruling.text!r}"
        assert isinstance(ruling.edits, tuple), f"the session returned the edits {ruling.edits!r}; they must be a tuple"
        assert all(type(edit) is Edit for edit in ruling.edits), f"the session returned the edits {ruling.edits!r}"
        block = ruling.block
        if block is not None:
            right = type(block) is Verdict and block.decision == "block"
            assert right, f"the session returned block={block!r}; make it with Verdict.block(...)"
        self.fed += piece
        self.text += ruling.text
        self.edits += ruling.edits
        self.block = block


class Run:
    """A session that is fed by hand."""

    def __init__(self, rail: Any, turn: Turn) -> None:
        self.session = rail.open(turn)
        self.said = Transcript()

    def feed(self, piece: str) -> Run:
        """Feed a piece, unless the stream has ended."""
        if self.said.block is None:
            self.said.add(self.session.feed(piece), piece)
        return self

    def finish(self) -> Transcript:
        """Finish the session, and return everything that it said."""
        if self.said.block is None:
            self.said.add(self.session.finish(), "")
        return self.said


def run_session(rail: Any, turn: Turn, pieces: Iterable[str]) -> Transcript:
    """Feed all pieces to a new session, and end it."""
    run = Run(rail, turn)
    for piece in pieces:
        run.feed(piece)
    return run.finish()


def most_held(run: Run, pieces: Sequence[str]) -> int:
    """Feed pieces; return the most characters that were held after any of them."""
    most = 0
    for piece in pieces:
        run.feed(piece)
        most = max(most, run.said.held)
    return most
