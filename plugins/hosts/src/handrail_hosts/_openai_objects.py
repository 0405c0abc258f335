"""Events and items of OpenAI's SDK, made as the SDK makes them of what servers send: an odd value is no error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from openai import BaseModel
from openai.types.responses import ResponseOutputItem, ResponseStreamEvent


def _by_type(union: Any) -> Iterator[tuple[str, type[BaseModel]]]:
    for kind in get_args(get_args(union)[0]):
        yield from ((name, kind) for name in get_args(kind.model_fields["type"].annotation))


_EVENTS = dict(_by_type(ResponseStreamEvent))
_ITEMS = dict(_by_type(ResponseOutputItem))


def event_of(value: Mapping[str, Any]) -> Any:
    """Return an event of a stream."""
    return _EVENTS.get(value["type"], BaseModel).construct(**value)


def item_of(value: Mapping[str, Any]) -> Any:
    """Return an item of a response."""
    return _ITEMS.get(value["type"], BaseModel).construct(**value)
