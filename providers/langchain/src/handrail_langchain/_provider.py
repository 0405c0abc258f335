"""Whatever has `astream`, as LangChain's models have, as a provider. LangChain itself is not imported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from handrail import Chunk, ConfigurationError, Message, ProviderError, ToolCallDelta, Usage

_REASONING = ("reasoning", "thinking")  # the types of parts, and the keys under which their text may stand


class LangChainProvider:
    """Streams what a model of LangChain says.

    Args:
        model: has `astream(messages, **parameters)`, which gives texts or message chunks.

    Raises:
        ConfigurationError: it has not.
    """

    def __init__(self, model: Any) -> None:
        if not callable(getattr(model, "astream", None)):
            raise ConfigurationError(
                f"the model is {type(model).__name__!r}; it must have astream(messages), as models of LangChain have; "
                f"a provider of Handrail needs no shell"
            )
        self.model = model
        self.name = str(getattr(model, "model_name", None) or getattr(model, "model", None) or type(model).__name__)
        if hasattr(model, "stream_usage"):
            model.stream_usage = True

    async def stream(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncIterator[Chunk]:
        """Ask the model.

        Raises:
            ProviderError: it could not answer.
        """
        source = self.model.astream([dict(message) for message in messages], **params)
        usage = Usage()
        try:
            async for piece in source:
                chunk = _chunk(piece)
                if chunk.usage is None:
                    yield chunk
                else:
                    usage += chunk.usage
                    yield _with_usage(chunk, usage)
        except ProviderError:
            raise
        except Exception as exc:
            raise ProviderError(f"{self.name}: {type(exc).__name__}: {exc}", engine="langchain") from exc
        finally:
            if (close := getattr(source, "aclose", None)) is not None:
                await close()


def _chunk(piece: Any) -> Chunk:
    if isinstance(piece, str):
        return Chunk(piece)
    content = getattr(piece, "content", "")
    further = getattr(piece, "additional_kwargs", None) or {}
    usage = getattr(piece, "usage_metadata", None)
    metadata = getattr(piece, "response_metadata", None) or {}
    return Chunk(
        text=content if isinstance(content, str) else "".join(_texts(content, ("text",))),
        reasoning=str(further.get("reasoning_content") or "") + "".join(_texts(content, _REASONING)),
        tool_calls=tuple(map(_tool_call, getattr(piece, "tool_call_chunks", None) or ())),
        usage=Usage(usage["input_tokens"], usage["output_tokens"]) if usage else None,
        finish_reason=metadata.get("finish_reason") or metadata.get("stop_reason"),
        metadata=metadata or None,
    )


def _with_usage(chunk: Chunk, usage: Usage) -> Chunk:
    return Chunk(chunk.text, chunk.reasoning, chunk.tool_calls, usage, chunk.finish_reason, chunk.metadata)


def _texts(content: object, types: Sequence[str]) -> Iterable[str]:
    """Give the text of a content's parts of these types; a part that is a text itself is of the type `text`."""
    for part in content if isinstance(content, list | tuple) else ():
        if isinstance(part, str):
            yield part if "text" in types else ""
        elif part.get("type", "text") in types:
            yield next((str(part[key]) for key in types if part.get(key)), "")


def _tool_call(call: Mapping[str, Any]) -> ToolCallDelta:
    return ToolCallDelta(call.get("index") or 0, call.get("id"), call.get("name"), call.get("args") or "")
