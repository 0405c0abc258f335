"""Finds the evidence that an answer is checked against."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from handrail import message_text
from handrail.errors import RailError

if TYPE_CHECKING:
    from handrail import Turn

_VARIABLES = ("evidence", "relevant_chunks")
_TEXT_KEYS = ("text", "content", "body", "page_content")


class Evidence(tuple[str, ...]):
    """Pieces of evidence. A template may go through them; as a text they are parted by blank lines."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n\n".join(self)


def find_evidence(turn: Turn, rail: str) -> Evidence:
    """Collect the evidence of a turn: from its context variables, then from the messages of tools.

    Raises:
        RailError: there is none, or it is of a kind that cannot be read.
    """
    pieces: list[str] = []
    for name in _VARIABLES:
        pieces += _pieces(turn.variables.get(name), name, rail)
    pieces += [message_text(message) for message in turn.messages if message.get("role") == "tool"]
    found = Evidence(dict.fromkeys(piece.strip() for piece in pieces if piece.strip()))
    if not found:
        raise RailError(
            "there is no evidence to check the answer against; give it as 'relevant_chunks' or 'evidence' in a message "
            "of the role 'context', or in messages of the role 'tool'",
            rail=rail,
        )
    return found


def _pieces(value: object, name: str, rail: str) -> Iterator[str]:
    if value is None:
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield _text_of(value, name, rail)
    elif isinstance(value, Iterable) and not isinstance(value, bytes):
        for piece in value:
            yield piece if isinstance(piece, str) else _text_of(piece, name, rail)
    else:
        raise _unreadable(value, name, rail)


def _text_of(piece: object, name: str, rail: str) -> str:
    if isinstance(piece, Mapping):
        for key in _TEXT_KEYS:
            if isinstance(text := piece.get(key), str):
                return text
    raise _unreadable(piece, name, rail)


def _unreadable(value: object, name: str, rail: str) -> RailError:
    found = (
        f"a mapping with the keys {', '.join(map(repr, value))}" if isinstance(value, Mapping) else type(value).__name__
    )
    return RailError(
        f"the context variable {name!r} holds {found}; evidence is a text, or a list of texts or of mappings with "
        f"a text under {', '.join(map(repr, _TEXT_KEYS))}",
        rail=rail,
    )
