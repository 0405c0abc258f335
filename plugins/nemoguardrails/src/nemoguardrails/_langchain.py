"""Models of LangChain as providers: whatever has `astream`. LangChain itself is not imported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, cast

from handrail import Chunk, ConfigurationError, Message, Provider, ProviderError, ToolCallDelta, Usage


class LangChainProvider:
    """Streams what a model of LangChain says.

    Args:
        model: has `astream(messages, **parameters)`, which gives texts or message chunks.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.name = str(getattr(model, "model_name", None) or getattr(model, "model", None) or type(model).__name__)
        if hasattr(model, "stream_usage"):
            model.stream_usage = True

    async def stream(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncIterator[Chunk]:
        """Ask the model."""
        source = self.model.astream([dict(message) for message in messages], **params)
        try:
            async for piece in source:
                yield _chunk(piece)
        except ProviderError:
            raise
        except Exception as exc:
            raise ProviderError(f"{self.name}: {type(exc).__name__}: {exc}", engine="langchain") from exc
        finally:
            await source.aclose()


def as_provider(llm: object) -> Provider:
    """Give a provider for what a program passes as `llm`.

    Raises:
        ConfigurationError: it is neither a provider nor a model of LangChain.
    """
    if callable(getattr(llm, "astream", None)):
        return LangChainProvider(llm)
    if callable(getattr(llm, "stream", None)):
        return cast("Provider", llm)
    raise ConfigurationError(
        f"llm is {type(llm).__name__!r}; it must have stream(messages, params), as providers of Handrail have, "
        f"or astream(messages), as models of LangChain have"
    )


def _chunk(piece: Any) -> Chunk:
    if isinstance(piece, str):
        return Chunk(piece)
    usage = getattr(piece, "usage_metadata", None)
    metadata = getattr(piece, "response_metadata", None) or {}
    return Chunk(
        text=_text(getattr(piece, "content", "")),
        reasoning=str((getattr(piece, "additional_kwargs", None) or {}).get("reasoning_content") or ""),
        tool_calls=tuple(map(_tool_call, getattr(piece, "tool_call_chunks", None) or ())),
        usage=Usage(usage["input_tokens"], usage["output_tokens"]) if usage else None,
        finish_reason=metadata.get("finish_reason"),
        metadata=metadata or None,
    )


def _text(content: object) -> str:
    """Give a content's text; of one in parts, those that are text."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list | tuple) else ()
    return "".join(part if isinstance(part, str) else str(part.get("text") or "") for part in parts)


def _tool_call(call: Mapping[str, Any]) -> ToolCallDelta:
    return ToolCallDelta(call.get("index") or 0, call.get("id"), call.get("name"), call.get("args") or "")
