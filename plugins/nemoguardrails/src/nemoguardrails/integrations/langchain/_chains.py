"""A chain as the model that rails guard: it gets what came in, and what it says goes through the rails."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handrail import Chunk, ToolCallDelta
from handrail.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from handrail import Message


@dataclass(slots=True)
class ChainCall:
    """One call of a chain.

    Attributes:
        given: what came in.
        said: the user's message in it.
        config: LangChain's, for the chain.
        kwargs: what else the caller passes to the chain.
        streams: whether the chain's pieces are wanted one by one.
        output: what the chain has returned; in a stream, its last piece.
    """

    given: Any
    said: str
    config: Any
    kwargs: Mapping[str, Any]
    streams: bool
    output: Any = None


running: ContextVar[ChainCall | None] = ContextVar("running_chain", default=None)
"""The call that is under way."""


class ChainProvider:
    """Asks a chain in place of a model.

    Args:
        runnable: the chain.
        input_key: where a mapping that comes in has the user's message.
        output_key: where a mapping that goes out has the answer.
    """

    def __init__(self, runnable: Any, input_key: str, output_key: str) -> None:
        self.name = type(runnable).__name__
        self._runnable = runnable
        self._input_key = input_key
        self._output_key = output_key

    async def stream(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncIterator[Chunk]:  # noqa: ARG002  # the interface
        """Yield what the chain says.

        Raises:
            ProviderError: it said no text, or an input rail has rewritten what the chain cannot be given again.
        """
        call = running.get()
        if call is None:
            raise ProviderError("a chain is asked by invoke, stream and their like only")
        given = self._rewritten(call, str(messages[-1].get("content") or ""))
        if not call.streams:
            call.output = await self._runnable.ainvoke(given, call.config, **call.kwargs)
            yield self._chunk(call.output)
            return
        pieces: AsyncGenerator[Any, None] = self._runnable.astream(given, call.config, **call.kwargs)
        async with aclosing(pieces):
            async for piece in pieces:
                if not isinstance(piece, Mapping) or self._output_key in piece:  # others are of other keys
                    call.output = piece
                    yield self._chunk(piece)

    def _rewritten(self, call: ChainCall, now: str) -> Any:
        """Return what came in, with the user's message as the input rails let it through."""
        if now == call.said:
            return call.given
        if isinstance(call.given, str):
            return now
        if isinstance(call.given, Mapping) and isinstance(call.given.get(self._input_key), str):
            return {**call.given, self._input_key: now}
        raise ProviderError(f"an input rail has rewritten a message, and {type(call.given).__name__} cannot take it")

    def _chunk(self, output: Any) -> Chunk:
        inner = output.get(self._output_key) if isinstance(output, Mapping) else output
        text = inner if isinstance(inner, str) else _text(inner)
        if text is None:
            where = f" under {self._output_key!r}" if isinstance(output, Mapping) else ""
            raise ProviderError(
                f"the chain returned {type(output).__name__} without a text{where}: no rail can judge it"
            )
        return Chunk(text, tool_calls=tuple(_tool_calls(inner)))


def with_answer(output: Any, answer: Mapping[str, Any], output_key: str) -> Any:
    """Return what a chain has returned, with the guarded answer in it."""
    if isinstance(output, Mapping):
        return {**output, output_key: with_answer(output[output_key], answer, output_key)}
    text = str(answer.get("content") or "")
    if isinstance(output, str):
        return text
    update: dict[str, Any] = {} if _text(output) == text else {"content": text}
    if calls := answer.get("tool_calls"):
        update["tool_calls"] = [
            {
                "name": call["function"]["name"],
                "args": call["function"]["arguments"],
                "id": call["id"],
                "type": "tool_call",
            }
            for call in calls
        ]
    return output.model_copy(update=update)


def _text(message: Any) -> str | None:
    """Return the text of a message; None if it is none."""
    content = getattr(message, "content", None)
    if not isinstance(content, list):
        return content if isinstance(content, str) else None
    return "".join(part if isinstance(part, str) else str(part.get("text") or "") for part in content)


def _tool_calls(message: Any) -> Iterator[ToolCallDelta]:
    pieces = getattr(message, "tool_call_chunks", None)
    if pieces:
        for number, piece in enumerate(pieces):
            index = number if piece.get("index") is None else piece["index"]
            yield ToolCallDelta(index, piece.get("id"), piece.get("name"), piece.get("args") or "")
        return
    for index, call in enumerate(getattr(message, "tool_calls", None) or ()):
        yield ToolCallDelta(index, call.get("id"), call["name"], json.dumps(call["args"]))
