"""A regular expression as a tree: the one place that knows how Python's own parser represents it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from string import ascii_letters, ascii_lowercase, digits
from typing import Any, Literal, TypeAlias

Mode: TypeAlias = Literal["greedy", "lazy", "possessive"]


class UnsupportedPatternError(ValueError):
    """A pattern uses what cannot be followed through a stream; the message says what, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Char:
    """Exactly one character, out of those that `source` matches."""

    source: str


@dataclass(frozen=True, slots=True)
class Seq:
    """One item after the other."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of the options; earlier ones are preferred."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The body, at least and at most so many times; `most` is None for any number."""

    body: Node
    least: int
    most: int | None
    mode: Mode = "greedy"


@dataclass(frozen=True, slots=True)
class Atomic:
    """The first way in which the body matches, and no other."""

    body: Node


@dataclass(frozen=True, slots=True)
class Look:
    """A look-around: consumes nothing."""

    body: Node
    behind: bool
    negative: bool


@dataclass(frozen=True, slots=True)
class Edge:
    """A position, such as a word boundary.

    Attributes:
        source: the regular expression.
        undecided: matches where the answer hangs on text that has not come; None if it never does.
    """

    source: str
    undecided: str | None = None


Node: TypeAlias = Char | Seq | Either | Repeat | Atomic | Look | Edge

NOTHING = Seq(())
NEVER = Edge("(?!)")

_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}
_EDGES = {
    "AT_BEGINNING": ("^", None),
    "AT_BEGINNING_STRING": (r"\A", None),
    "AT_BOUNDARY": (r"\b", r"\Z"),
    "AT_NON_BOUNDARY": (r"\B", r"\Z"),
    "AT_END": ("$", r"\n?\Z"),
    "AT_END_STRING": (r"\Z", r"\Z"),
}
_REPEATS: dict[str, Mode] = {"MAX_REPEAT": "greedy", "MIN_REPEAT": "lazy", "POSSESSIVE_REPEAT": "possessive"}
# A search passes over a set faster than over a letter that ignores its case.
_CASES_OF = {letter: f"[{letter}{letter.upper()}]" for letter in ascii_lowercase} | {
    "i": "[iI\\u0130\\u0131]",
    "k": "[kK\\u212a]",
    "s": "[sS\\u017f]",
}
_LETTER_OF = {char: char.lower() for char in ascii_letters + digits} | {cases: one for one, cases in _CASES_OF.items()}
"""The letter, without its case, that the source of a single letter or digit is about."""

_KEPT_FLAGS = re.IGNORECASE | re.MULTILINE | re.DOTALL | re.ASCII


def parse(pattern: str, flags: int = 0) -> Node:
    """Parse a pattern; the flags end up in the characters and edges, so that any part can be used by itself.

    Raises:
        re.error: it is no regular expression.
        UnsupportedPatternError: it uses back-references or conditions.
    """
    parser: Any = import_module("re._parser")
    tree = parser.parse(pattern, flags)
    return _Reader(parser).sequence(tree, tree.state.flags)


def seq(items: Iterable[Node]) -> Node:
    """Join items into one node, without sequences inside sequences."""
    flat: list[Node] = []
    for item in items:
        flat.extend(item.items if isinstance(item, Seq) else (item,))
    return flat[0] if len(flat) == 1 else Seq(tuple(flat))


def in_common(options: Sequence[Node]) -> Node:
    """Join options, those that begin with the same letter behind one, so that a list of words becomes a tree.

    The order of options counts where two can match at one place. Of options that begin with different letters only one
    can, so each may move up to the first one with its letter, but not past an option that begins in another way.
    """
    groups: list[list[Node]] = []
    open_groups: dict[str, list[Node]] = {}
    for option in options:
        letter = _LETTER_OF.get(_first_source(option))
        group = None if letter is None else open_groups.get(letter)
        if group is not None and _first_source(group[0]) == _first_source(option):
            group.append(option)
            continue
        groups.append([option])
        if letter is None or group is not None:
            open_groups.clear()
        if letter is not None:
            open_groups[letter] = groups[-1]
    joined = list(dict.fromkeys(map(_behind_one, groups)))  # of two that are the same the second never counts
    return joined[0] if len(joined) == 1 else Either(tuple(joined))


def _behind_one(group: Sequence[Node]) -> Node:
    if len(group) == 1:
        return group[0]
    rest = [seq(option.items[1:]) if isinstance(option, Seq) else NOTHING for option in group]
    return seq((Char(_first_source(group[0])), in_common(rest)))


def _first_source(option: Node) -> str:
    head = option.items[0] if isinstance(option, Seq) and option.items else option
    return head.source if isinstance(head, Char) else ""


class _Reader:
    """Turns the parser's `(operation, argument)` pairs into nodes."""

    def __init__(self, parser: Any) -> None:
        self._unlimited = parser.MAXREPEAT

    def sequence(self, pairs: Iterable[tuple[Any, Any]], flags: int) -> Node:
        return seq(self._node(str(operation), argument, flags) for operation, argument in pairs)

    def _node(self, operation: str, argument: Any, flags: int) -> Node:
        if operation in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            return _char(operation, argument, flags)
        if operation == "AT":
            return _edge(str(argument), flags)
        if operation == "BRANCH":
            return in_common([self.sequence(option, flags) for option in argument[1]])
        if operation == "SUBPATTERN":
            _, added, removed, body = argument
            return self.sequence(body, (flags | added) & ~removed)
        if operation in _REPEATS:
            return self._repeat(_REPEATS[operation], argument, flags)
        if operation == "ATOMIC_GROUP":
            return Atomic(self.sequence(argument, flags))
        if operation in ("ASSERT", "ASSERT_NOT"):
            direction, body = argument
            return Look(self.sequence(body, flags), direction < 0, operation == "ASSERT_NOT")
        if operation == "FAILURE":
            return NEVER
        raise UnsupportedPatternError(_unsupported(operation))

    def _repeat(self, mode: Mode, argument: Any, flags: int) -> Node:
        least, most, body = argument
        limit = None if most == self._unlimited else int(most)
        return Repeat(self.sequence(body, flags), int(least), limit, mode)


def _unsupported(operation: str) -> str:
    if operation.startswith("GROUPREF"):
        return (
            "it refers back to a group, so how long it waits cannot be known before all of it has come; "
            "write the alternatives out instead"
        )
    return f"it uses {operation}, which this version cannot follow through a stream; write it differently"


def _char(operation: str, argument: Any, flags: int) -> Char:
    if operation == "ANY":
        return Char(r"[\s\S]" if flags & re.DOTALL else r"[^\n]")
    if operation == "IN":
        source = _char_class(argument)
    else:
        source = escape(argument) if operation == "LITERAL" else f"[^{escape(argument)}]"
    return Char(_with_flags(source, flags & (re.IGNORECASE | re.ASCII)))


def _char_class(members: Iterable[tuple[Any, Any]]) -> str:
    parts = []
    for kind, value in members:
        match str(kind):
            case "NEGATE":
                parts.append("^")
            case "LITERAL":
                parts.append(escape(value))
            case "RANGE":
                parts.append(f"{escape(value[0])}-{escape(value[1])}")
            case "CATEGORY" if str(value) in _CATEGORIES:
                parts.append(_CATEGORIES[str(value)])
            case other:
                raise UnsupportedPatternError(_unsupported(f"{other} {value}"))
    return f"[{''.join(parts)}]"


def _edge(code: str, flags: int) -> Edge:
    if code not in _EDGES:
        raise UnsupportedPatternError(_unsupported(code))
    source, undecided = _EDGES[code]
    if code == "AT_END" and flags & re.MULTILINE:
        undecided = r"\Z"
    return Edge(_with_flags(source, flags & (re.MULTILINE | re.ASCII)), undecided)


def _with_flags(source: str, flags: int) -> str:
    if not flags & _KEPT_FLAGS or source.isdigit():
        return source
    if flags & _KEPT_FLAGS == re.IGNORECASE and len(source) == 1:
        return _CASES_OF.get(source.lower(), f"(?i:{source})")
    letters = {"i": re.IGNORECASE, "m": re.MULTILINE, "a": re.ASCII}
    return f"(?{''.join(letter for letter, flag in letters.items() if flags & flag)}:{source})"


def escape(code: int) -> str:
    """Write one character so that it means itself anywhere in a pattern."""
    char = chr(code)
    if char.isascii() and (char.isalnum() or char == "_"):
        return char
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
