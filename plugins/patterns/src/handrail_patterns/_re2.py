"""RE2, where it is installed, for patterns on which backtracking could blow up: it takes linear time on any text."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from handrail_patterns._live import full, live
from handrail_patterns._tree import Char, Edge, Either, Node, Repeat, Seq

if TYPE_CHECKING:
    from handrail_patterns._hit import Seek

_SPACE = r"\t-\r\x1c-\x20\x85\xa0\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
_SETS = {r"\d": r"\p{Nd}", r"\D": r"\P{Nd}", r"\w": r"\p{L}\p{N}_", r"\s": _SPACE}
_SURROGATE = re.compile("[\ud800-\udfff]")
_ASCII_SETS = {r"\d": "0-9", r"\w": "0-9A-Za-z_", r"\s": r"\t-\r\x20"}


@dataclass(frozen=True, slots=True)
class Pair:
    """The two searches that a rule needs."""

    seek: Seek
    seek_last: Seek


def is_installed() -> bool:
    """Return whether google-re2 is installed."""
    return find_spec("re2") is not None


def compile_pair(node: Node) -> Pair | None:
    """Compile a pattern for RE2; None if it is not installed or cannot run this pattern with the same meaning."""
    translated = _translated(node)
    if translated is None or not is_installed():
        return None
    re2: Any = import_module("re2")
    options = re2.Options()
    options.log_errors = False
    try:
        matching = re2.compile(_in_re2(full(translated)), options)
        undecided = live(translated)
        living = None if undecided is None else re2.compile(_in_re2(undecided), options)
    except re2.error:
        return None
    return Pair(_seek(matching, living), _seek(matching, None))


def _seek(matching: Any, living: Any) -> Seek:
    from handrail_patterns._hit import Hit

    def seek(text: str, position: int, /) -> Hit | None:
        text = _without_surrogates(text)
        match = matching.search(text, position)
        alive = None if living is None else living.search(text, position)
        if alive is not None and alive.start() < len(text) and (match is None or alive.start() <= match.start()):
            return Hit.pending(alive.start(), len(text))
        return None if match is None else Hit(match.start(), match.end(), undecided=False, value=match.start())

    return seek


def _without_surrogates(text: str) -> str:
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _in_re2(source: str) -> str:
    """Drop the possessive form, which only saves time, and write the end as RE2 does."""
    return source.replace("*+\\Z", "*\\Z").replace("}+\\Z", "}\\Z").replace("\\Z", "\\z")


def _translated(node: Node) -> Node | None:
    """Write every character in RE2's form; None if RE2 has no such thing."""
    match node:
        case Char(source):
            char = _char(source)
            return None if char is None else Char(char)
        case Edge(source, undecided):
            return node if source in (r"\Z", r"\A", "^") or (undecided == r"\Z" and source.startswith("(?")) else None
        case Seq(inner) | Either(inner):
            children = tuple(_translated(child) for child in inner)
            return None if None in children else type(node)(children)  # type: ignore[arg-type]  # None was ruled out
        case Repeat(body, _, _, "greedy" | "lazy"):
            child = _translated(body)
            return None if child is None else replace(node, body=child)
        case _:
            return None


def _char(source: str) -> str | None:
    if source == r"[\s\S]":
        return "(?s:.)"
    flags, body = "", source
    if wrapped := re.fullmatch(r"\(\?([ia]+):(.*)\)", source, re.DOTALL):
        flags, body = wrapped.groups()
    sets = _ASCII_SETS if "a" in flags else _SETS
    body = body if body.startswith("[") else f"[{body}]"
    body = re.sub(r"\\u([0-9a-f]{4})|\\U([0-9a-f]{8})", lambda found: f"\\x{{{found[1] or found[2]}}}", body)
    for name in set(re.findall(r"\\[dDsSwW]", body)):
        if name not in sets:
            return None
        body = body.replace(name, sets[name])
    return f"(?i:{body})" if "i" in flags else body
