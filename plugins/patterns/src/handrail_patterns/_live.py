r"""The exact hold-back: from a pattern, the pattern of what may still become one of its matches.

Take a text that goes on. An attempt to match at some position either is decided by what has come, or at some moment
asks for a character, or the end, that has not come. `live` derives a pattern that matches, up to the end of what has
come, just where such a moment exists:

    live(c)       = end                                for one character c
    live(A B)     = live(A) or A live(B)
    live(A|B)     = live(A) or live(B)
    live(A{m,n})  = A{0,n-1} live(A)
    live(A{m,n}?) = the same, but with another A only where what follows does not match already
    live((?=A))   = (?=live(A)), the same for (?!A)
    live(\b), live($), live(\Z) = end

Where it does not match, no text to come can change what the pattern gives there. Where a priority between
alternatives would decide, it may match in vain: text is then held longer, and never delivered too early.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from handrail_patterns._tree import (
    NOTHING,
    Atomic,
    Char,
    Edge,
    Either,
    Look,
    Node,
    Repeat,
    Seq,
    UnsupportedPatternError,
    seq,
)

END = r"\Z"
_MOST_HEADS = 16
_MOST_PEELED = 12
_LONGEST_SPELT = 6
_ANY = Char(r"[\s\S]")


@dataclass(frozen=True, slots=True)
class Head:
    """One way in which a pattern may begin.

    Attributes:
        first: the pattern of its first character, or nothing if that is not known.
        rest: what follows.
    """

    first: str
    rest: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Gate:
    """How a search in common with other patterns tells where this one may begin.

    Attributes:
        lead: the look-behinds and boundaries with which it begins.
        shifted_lead: the same, to be asked one character later; None if that cannot be.
        heads: the ways in which it goes on.
    """

    lead: tuple[str, ...]
    shifted_lead: tuple[Node, ...] | None
    heads: tuple[Head, ...]


def full(node: Node) -> str:
    """Write a tree as a pattern again, without groups."""
    match node:
        case Char(source) | Edge(source):
            return source
        case Seq(items):
            return "".join(full(item) for item in items)
        case Either(options):
            return f"(?:{'|'.join(full(option) for option in options)})"
        case Repeat(body, least, most, mode):
            suffix = {"greedy": "", "lazy": "?", "possessive": "+"}[mode]
            return f"{_unit(full(body), body)}{_count(least, most)}{suffix}"
        case Atomic(body):
            return f"(?>{full(body)})"
        case Look(body, behind, negative):
            return f"(?{'<' if behind else ''}{'!' if negative else '='}{full(body)})"


def live(node: Node, rest: str | None = "") -> str | None:
    """Derive the pattern of an undecided attempt, or None if there is none.

    Args:
        node: the pattern.
        rest: what follows it as a pattern, None if that is not known.

    Raises:
        UnsupportedPatternError: a look-behind looks ahead.
    """
    match node:
        case Char():
            return END
        case Edge(_, undecided):
            return undecided
        case Seq(items):
            return _live_sequence(items, rest)
        case Either(options):
            return _any_of(live(option, rest) for option in options)
        case Repeat(body, least, most, "possessive"):
            return live(Repeat(body, least, most), "")
        case Repeat():
            return _live_repeat(node, rest)
        case Atomic(body):
            return live(body, "")
        case Look(body, behind=True):
            return _live_behind(body)
        case Look(body):
            ahead = live(body, "")
            return None if ahead is None else f"(?={ahead})"


def undecided_or_full(node: Node) -> str:
    """Write a pattern that matches where the attempt is undecided, with a group, or else where the pattern does."""
    undecided = live(node)
    return full(node) if undecided is None else f"(?:(?:{undecided})()|{full(node)})"


def gate(node: Node) -> Gate:
    """Derive how a pattern begins, so that a common search can pass over most of a text."""
    items = list(node.items) if isinstance(node, Seq) else [node]
    lead: list[Node] = []
    while items and _is_lead(items[0]):
        lead.append(items.pop(0))
    heads = _heads(tuple(items))
    if len(heads) > _MOST_HEADS:
        heads = [("", tuple(items))]
    shifted = [Look(seq((node.body, _ANY)), node.behind, node.negative) for node in lead if isinstance(node, Look)]
    return Gate(
        tuple(map(full, lead)),
        tuple(shifted) if len(shifted) == len(lead) else None,
        tuple(Head(first, _spelt_out(rest)) for first, rest in heads),
    )


def _spelt_out(items: Sequence[Node]) -> tuple[Node, ...]:
    """Write short repeats of a set one by one, so that patterns that begin alike have more in common."""
    spelt: list[Node] = []
    for item in items:
        match item:
            case Repeat(Char() as body, least, most, "greedy") if least == most and least <= _LONGEST_SPELT:
                spelt.extend([body] * least)
            case Seq(inner):
                spelt.extend(_spelt_out(inner))
            case _:
                spelt.append(item)
    return tuple(spelt)


def in_common(ways: Iterable[tuple[Node, ...]]) -> Node:
    """Join sequences of which any may match, those that begin with the same node behind one."""
    groups: dict[Node | None, list[tuple[Node, ...]]] = {}
    for way in dict.fromkeys(ways):
        groups.setdefault(way[0] if way else None, []).append(way)
    joined: list[Node] = []
    for first, group in groups.items():
        if first is None:
            joined.append(NOTHING)
        elif len(group) == 1:
            joined.append(seq(group[0]))
        else:
            joined.append(seq((first, in_common(way[1:] for way in group))))
    return joined[0] if len(joined) == 1 else Either(tuple(joined))


def _is_lead(node: Node) -> bool:
    """Return whether a node is decided by what stands before any character of the text."""
    return (isinstance(node, Edge) and node.undecided in (None, END)) or (isinstance(node, Look) and node.behind)


def _heads(items: tuple[Node, ...]) -> list[tuple[str, tuple[Node, ...]]]:
    """Part a pattern by its first character: each head is that character's pattern and what follows it."""
    if not items:
        return [("", ())]
    first, rest = items[0], items[1:]
    match first:
        case Char(source):
            return [(source, rest)]
        case Seq(inner):
            return _heads((*inner, *rest))
        case Either(options) if len(options) <= _MOST_HEADS:
            return [head for option in options for head in _heads((option, *rest))]
        case Repeat(Char() as body, least, most, "greedy") if most != 0:
            fewer = Repeat(body, max(least - 1, 0), None if most is None else most - 1)
            return [(body.source, (fewer, *rest)), *([] if least else _heads(rest))]
        case Repeat(body, 0, 1, "greedy"):
            return [*_heads((body, *rest)), *_heads(rest)]
        case Repeat(body, least, most, "greedy") if least:
            return _heads((body, Repeat(body, least - 1, None if most is None else most - 1), *rest))
        case _:
            return [("", items)]


def _live_sequence(items: Sequence[Node], rest: str | None, peeled: int = 0) -> str | None:
    if not items:
        return None
    if len(items) == 1:
        return live(items[0], rest)
    first = items[0]
    if peeled < _MOST_PEELED and (isinstance(first, Char) or (isinstance(first, Look) and live(first) is None)):
        # One after the other, so that a first character that does not fit ends the attempt at once.
        later = _live_sequence(items[1:], rest, peeled + 1)
        return _any_of((live(first), None if later is None else f"{full(first)}{later}"))
    # Halving keeps the nesting low, and what is written twice to a logarithm.
    middle = len(items) // 2
    after = None if rest is None else "".join(full(item) for item in items[middle:]) + rest
    second = _live_sequence(items[middle:], rest)
    return _any_of(
        (
            _live_sequence(items[:middle], after),
            None if second is None else f"{_path(Seq(tuple(items[:middle])), after)}{second}",
        )
    )


def _live_repeat(node: Repeat, rest: str | None) -> str | None:
    body, most = node.body, node.most
    if most == 0:
        return None
    before = None if most is None else most - 1
    if node.mode == "lazy" and rest is not None:
        inner = live(body, None)
        if inner is None:
            return None
        more = None if before is None else before - node.least
        early = f"{_repeated(body, 0, node.least - 1)}{inner}" if node.least else None
        late = f"{_tempered(body, node.least, more, rest)}(?!{rest}){inner}" if more is None or more >= 0 else None
        return _any_of((early, late))
    if isinstance(body, Char):
        return f"{body.source}{_count(0, before)}+{END}" if before != 0 else END
    inner = live(body, None)
    return None if inner is None else f"{_repeated(body, 0, before)}{inner}"


def _live_behind(body: Node) -> str | None:
    for node in descendants(body):
        if isinstance(node, Look) and not node.behind:
            raise UnsupportedPatternError("it looks ahead inside a look-behind; put the look-ahead after it")
    undecided = any(isinstance(node, Edge) and node.undecided for node in descendants(body))
    return END if undecided else None


def _path(node: Node, rest: str | None) -> str:
    """Write a tree as a pattern in which lazy repeats take only what they would have taken before `rest`."""
    if rest is None or not any(isinstance(inner, Repeat) and inner.mode == "lazy" for inner in descendants(node)):
        return full(node)
    match node:
        case Seq(items):
            parts = []
            for index, item in enumerate(items):
                parts.append(_path(item, "".join(full(later) for later in items[index + 1 :]) + rest))
            return "".join(parts)
        case Either(options):
            return f"(?:{'|'.join(_path(option, rest) for option in options)})"
        case Repeat(body, least, most, "lazy"):
            return _tempered(body, least, None if most is None else most - least, rest)
        case _:
            return full(node)


def _tempered(body: Node, least: int, more: int | None, rest: str) -> str:
    return f"{_repeated(body, least, least)}(?:(?!{rest}){full(body)}){_count(0, more)}"


def _repeated(body: Node, least: int, most: int | None) -> str:
    return "" if most == 0 else f"{_unit(full(body), body)}{_count(least, most)}"


def _unit(source: str, node: Node) -> str:
    return source if isinstance(node, Char) else f"(?:{source})"


def _count(least: int, most: int | None) -> str:
    if (least, most) in ((0, None), (1, None)):
        return "+" if least else "*"
    return f"{{{least},{'' if most is None else most}}}"


def _any_of(options: object) -> str | None:
    found = list(dict.fromkeys(option for option in options if option is not None))  # type: ignore[attr-defined]
    if len(found) < 2:
        return found[0] if found else None
    return f"(?:{'|'.join(found)})"


def descendants(node: Node) -> list[Node]:
    """List a node and everything inside it."""
    found: list[Node] = [node]
    for current in found:
        match current:
            case Seq(inner) | Either(inner):
                found.extend(inner)
            case Repeat(body) | Atomic(body) | Look(body):
                found.append(body)
            case _:
                pass
    return found
