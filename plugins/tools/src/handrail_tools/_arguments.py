"""The arguments of a tool call: JSON text, read strictly, and where in it a value stands."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from handrail.errors import message_of

_SPACE = " \t\n\r"
_DECODER = json.JSONDecoder()


class ArgumentsError(ValueError):
    """The text is not one JSON object.

    Attributes:
        start, end: the characters to blame.
    """

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start = start
        self.end = end


def read(text: str) -> Mapping[str, Any]:
    """Read arguments.

    Stricter than most readers, so that no reader behind the rail can take them for something else: keys must not come
    twice, and NaN and Infinity are not valid.

    Raises:
        ArgumentsError: they are not a JSON object.
    """
    try:
        value = json.loads(text, object_pairs_hook=_without_repetition, parse_constant=_refuse_constant)
    except json.JSONDecodeError as exc:
        at = min(exc.pos, max(len(text) - 1, 0))
        raise ArgumentsError(f"the arguments are not valid JSON: {exc.msg}", at, min(at + 1, len(text))) from exc
    except RecursionError as exc:
        raise ArgumentsError("the arguments are nested too deeply", 0, len(text)) from exc
    except ValueError as exc:  # from the two functions above, or a number of thousands of digits
        raise ArgumentsError(f"the arguments are ambiguous JSON: {message_of(exc)}", 0, len(text)) from exc
    if not isinstance(value, dict):
        raise ArgumentsError("the arguments are not a JSON object", 0, len(text))
    return value


def span_of(text: str, path: Sequence[str | int]) -> tuple[int, int]:
    """Return where the value at a path stands in JSON text that `read` has accepted."""
    start = _after_space(text, 0)
    for step in path:
        start = _item(text, start, step) if isinstance(step, int) else _member(text, start, step)
    return start, _DECODER.raw_decode(text, start)[1]


def _member(text: str, start: int, name: str) -> int:
    position = _after_space(text, start + 1)
    while True:
        key, position = _DECODER.raw_decode(text, position)
        position = _after_space(text, _after_space(text, position) + 1)
        if key == name:
            return position
        position = _next(text, position)


def _item(text: str, start: int, index: int) -> int:
    position = _after_space(text, start + 1)
    for _ in range(index):
        position = _next(text, position)
    return position


def _next(text: str, position: int) -> int:
    """Skip a value and the comma behind it."""
    end = _DECODER.raw_decode(text, position)[1]
    return _after_space(text, _after_space(text, end) + 1)


def _after_space(text: str, position: int) -> int:
    while text[position] in _SPACE:
        position += 1
    return position


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} comes twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not valid in JSON")
