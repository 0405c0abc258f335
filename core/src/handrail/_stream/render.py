"""What a consumer sees of the engine's items: plain text, text with metadata, or typed events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from handrail._events import Blocked, Finished, RailFailed, StreamError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from handrail._stream.gate import Gate
    from handrail._stream.steps import Item
    from handrail._types import Usage


class Renderer(Protocol):
    """Turns items into what a consumer iterates over.

    Attributes:
        plain_text: True if text is delivered as it is, so that it need not be rendered.
    """

    plain_text: bool

    def render(self, item: Item) -> Any:
        """Return what the consumer sees of the item; None for nothing."""
        ...

    def render_error(self, error: Exception) -> Any:
        """Return what the consumer sees of a broken generation; None if it is to be raised."""
        ...


class AsText:
    """Text as plain strings; a block or an error as a `StreamError`."""

    plain_text = True

    def render(self, item: Item) -> str | None:
        """Return text and errors, and None for everything else."""
        if isinstance(item, str):
            return item
        return _as_text(item) if isinstance(item, Blocked | RailFailed) else None

    def render_error(self, error: Exception) -> str:
        """Return the error as a text of its own kind."""
        return StreamError.of_generation(error)


class AsTextWithMetadata:
    """Text in dictionaries; the last one has the metadata of the answer.

    Args:
        key: the key under which metadata stands.
        usage: gives the tokens of the answer where the provider did not.
    """

    plain_text = False

    def __init__(self, key: str = "metadata", usage: Callable[[], Usage | None] = lambda: None) -> None:
        self._key = key
        self._usage = usage

    def render(self, item: Item) -> dict[str, Any] | None:
        """Return text, errors and, at the end, usage and what else the provider sent."""
        if isinstance(item, str):
            return {"text": item}
        if isinstance(item, Blocked | RailFailed):
            return {"text": _as_text(item)}
        if isinstance(item, Finished):
            return {"text": "", self._key: _metadata(item, item.usage or self._usage())}
        return None

    def render_error(self, error: Exception) -> dict[str, Any]:
        """Return the error as a text of its own kind."""
        return {"text": StreamError.of_generation(error)}


class AsItems:
    """Everything as it is; a broken generation is raised."""

    plain_text = True

    def render(self, item: Item) -> Item:
        """Return the item."""
        return item

    def render_error(self, error: Exception) -> None:  # noqa: ARG002  # the error is raised instead
        """Return None."""
        return


def _as_text(stop: Blocked | RailFailed) -> str:
    """Return the refusal of an input rail as ordinary text, anything else as an error."""
    if isinstance(stop, Blocked) and stop.direction == "input":
        return stop.message
    return StreamError.of(stop)


def _metadata(finished: Finished, usage: Usage | None) -> dict[str, Any]:
    return {
        "usage": _usage(usage) if usage is not None else None,
        "response_metadata": dict(finished.metadata) or None,
        "usage_metadata": None,
    }


def _usage(usage: Usage) -> dict[str, int | bool]:
    tokens = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }
    return {**tokens, "estimated": True} if usage.estimated else dict(tokens)


def take_rendered(gate: Gate, renderer: Renderer) -> Sequence[Any]:
    """Take what goes out of a gate, as the consumer sees it."""
    items = gate.step.items
    if not items:
        return ()
    if gate.telling is not None:
        gate.telling.first_released(items)
    plain, rendered = renderer.plain_text, []
    for item in items:
        one = item if plain and type(item) is str else renderer.render(item)
        if one is not None:
            rendered.append(one)
    items.clear()
    return rendered
