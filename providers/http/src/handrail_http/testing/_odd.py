"""Values as a server of a protocol should not send them, in every place of an event."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_ODD: tuple[Any, ...] = (None, {}, [1], "x", -1.5, True, "\ud83d")


def odd_variants(event: bytes) -> Iterator[bytes]:
    """Yield the data of an event again and again, each time with another value in one of its places."""
    said = json.loads(event.partition(b"data: ")[2] or event)
    for place in _places(said):
        for odd in _ODD:
            yield json.dumps(_with(said, place, odd)).encode()


def _places(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if before:
        yield before
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from _places(item, (*before, key))


def _with(value: Any, place: tuple[Any, ...], odd: Any) -> Any:
    changed = copy.deepcopy(value)
    found = changed
    for key in place[:-1]:
        found = found[key]
    found[place[-1]] = odd
    return changed
