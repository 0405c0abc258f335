"""A model of LangChain, in the shell in which `LLMRails(config, llm=...)` takes it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from handrail import ToolCallDelta
from handrail_langchain import LangChainProvider

from nemoguardrails._tool_calls import encoded_in
from nemoguardrails.types import ChatMessage, LLMResponse, LLMResponseChunk, ToolCall, UsageInfo

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from handrail import Chunk, Message


class LangChainLLMAdapter(LangChainProvider):
    """A model of LangChain as a provider of Handrail, and with the interface `LLMModel`.

    Args:
        llm: the model.
    """

    def __init__(self, llm: object) -> None:
        super().__init__(llm)
        self.llm = llm

    @property
    def model_name(self) -> str:
        """The model's name, as it says itself; else that of its class."""
        said = (getattr(self.llm, name, None) for name in ("model_name", "model"))
        return next((name for name in said if isinstance(name, str)), type(self.llm).__name__)

    async def generate_async(
        self, prompt: str | Sequence[ChatMessage], *, stop: Sequence[str] | None = None, **kwargs: Any
    ) -> LLMResponse:
        """Return the whole answer.

        Raises:
            ProviderError: the model could not answer.
        """
        parts = [part async for part in self.stream_async(prompt, stop=stop, **kwargs)]
        usage = [part.usage for part in parts if part.usage is not None]
        finish = [part.finish_reason for part in parts if part.finish_reason is not None]
        return LLMResponse(
            "".join(part.delta_content or "" for part in parts),
            "".join(part.delta_reasoning or "" for part in parts) or None,
            [call for part in parts for call in part.delta_tool_calls or ()] or None,
            finish_reason=finish[-1] if finish else None,
            usage=usage[-1] if usage else None,
        )

    async def stream_async(
        self, prompt: str | Sequence[ChatMessage], *, stop: Sequence[str] | None = None, **kwargs: Any
    ) -> AsyncIterator[LLMResponseChunk]:
        """Yield the answer in pieces; tool calls come whole, after the text.

        Raises:
            ProviderError: the model could not answer.
        """
        params = kwargs if stop is None else {**kwargs, "stop": list(stop)}
        calls: dict[int, list[ToolCallDelta]] = {}
        async with aclosing(cast("AsyncGenerator[Chunk, None]", self.stream(_messages(prompt), params))) as chunks:
            async for chunk in chunks:
                for delta in chunk.tool_calls:
                    calls.setdefault(delta.index, []).append(delta)
                yield _piece(chunk)
        if calls:
            yield LLMResponseChunk(delta_tool_calls=[_call(calls[index]) for index in sorted(calls)])


def _messages(prompt: str | Sequence[ChatMessage]) -> Sequence[Message]:
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    return encoded_in([message.to_dict() for message in prompt]) or ()


def _piece(chunk: Chunk) -> LLMResponseChunk:
    usage = chunk.usage
    spent = None if usage is None else UsageInfo(usage.input_tokens, usage.output_tokens, usage.total_tokens)
    finish: Any = chunk.finish_reason
    return LLMResponseChunk(chunk.text or None, chunk.reasoning or None, finish_reason=finish, usage=spent)


def _call(deltas: Sequence[ToolCallDelta]) -> ToolCall:
    arguments = "".join(delta.arguments or "" for delta in deltas)
    said = {name: next((value for delta in deltas if (value := getattr(delta, name))), "") for name in ("id", "name")}
    return ToolCall.from_dict({"id": said["id"], "function": {"name": said["name"], "arguments": arguments}})


__all__ = ["LangChainLLMAdapter"]
