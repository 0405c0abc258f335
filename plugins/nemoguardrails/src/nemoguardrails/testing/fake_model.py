"""A model that answers what a test has written down."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nemoguardrails.types import LLMResponse, LLMResponseChunk, UsageInfo

if TYPE_CHECKING:
    from nemoguardrails.types import ChatMessage


class FakeLLMModel:
    """Answers each request with the next of the given responses; a stream yields them word by word.

    Args:
        responses: the texts of the answers, in order.
        llm_responses: whole answers, for those with reasoning or tool calls, in place of `responses`.
        llm_exception: raised by every request, in place of an answer.
        token_usage: what each answer costs, in order.
        should_return_token_usage: whether it comes with the answer.

    Attributes:
        inference_count: how many requests have been answered.
    """

    model_name, provider_name, provider_url = "fake", "test", None

    def __init__(
        self,
        responses: Sequence[str] | None = None,
        llm_responses: Sequence[LLMResponse] | None = None,
        llm_exception: Exception | None = None,
        token_usage: Sequence[Mapping[str, int]] | None = None,
        should_return_token_usage: bool = False,  # noqa: FBT001, FBT002  # the published signature
    ) -> None:
        texts = list(responses or ())
        self._answers = list(map(LLMResponse, texts)) if llm_responses is None else list(llm_responses)
        self.responses = texts or [answer.content for answer in self._answers]
        self.inference_count = 0
        self.llm_exception = llm_exception
        self.token_usage = token_usage
        self.should_return_token_usage = should_return_token_usage

    async def generate_async(
        self, prompt: str | Sequence[ChatMessage], *, stop: Sequence[str] | None = None, **kwargs: Any
    ) -> LLMResponse:
        """Return the next answer.

        Raises:
            RuntimeError: there is none left.
        """
        del prompt, stop, kwargs  # the answers are the test's
        if self.llm_exception is not None:
            raise self.llm_exception
        number = self.inference_count
        if number == len(self._answers):
            raise RuntimeError(f"No responses available: all {number} have been used; pass more as responses")
        self.inference_count += 1
        costs = self.token_usage or () if self.should_return_token_usage else ()
        answer = self._answers[number]
        return replace(answer, usage=_usage(costs[number])) if number < len(costs) else answer

    async def stream_async(
        self, prompt: str | Sequence[ChatMessage], *, stop: Sequence[str] | None = None, **kwargs: Any
    ) -> AsyncIterator[LLMResponseChunk]:
        """Yield the next answer word by word; reasoning, tool calls and what it costs come with the last word.

        Raises:
            RuntimeError: there is none left.
        """
        answer = await self.generate_async(prompt, stop=stop, **kwargs)
        *words, last = answer.content.split(" ")
        for word in words:
            yield LLMResponseChunk(f"{word} ")
        finish = answer.finish_reason or "stop"
        yield LLMResponseChunk(last, answer.reasoning, answer.tool_calls, finish_reason=finish, usage=answer.usage)


def _usage(cost: Mapping[str, int]) -> UsageInfo:
    given = cost.get("prompt_tokens", cost.get("input_tokens", 0))
    made = cost.get("completion_tokens", cost.get("output_tokens", 0))
    return UsageInfo(given, made, cost.get("total_tokens", 0))
