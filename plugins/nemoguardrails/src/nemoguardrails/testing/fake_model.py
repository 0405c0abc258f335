"""A model that answers what a test has written down."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

from nemoguardrails.types import LLMResponse, LLMResponseChunk

if TYPE_CHECKING:
    from nemoguardrails.types import ChatMessage


class FakeLLMModel:
    """Answers each request with the next of the given responses; a stream yields them word by word.

    Args:
        responses: the texts of the answers, in order.
        exception: raised by every request, in place of an answer.
        llm_responses: whole answers, for those with reasoning or tool calls, in place of `responses`.
    """

    model_name, provider_name, provider_url = "fake", "fake", None

    def __init__(
        self,
        responses: Sequence[str] | None = None,
        exception: Exception | None = None,
        *,
        llm_responses: Sequence[LLMResponse] | None = None,
    ) -> None:
        self.responses = list(responses or ())
        self.exception = exception
        self._answers = [LLMResponse(text) for text in self.responses] if llm_responses is None else list(llm_responses)
        self._asked = 0

    async def generate_async(
        self, prompt: str | Sequence[ChatMessage], *, stop: Sequence[str] | None = None, **kwargs: Any
    ) -> LLMResponse:
        """Return the next answer.

        Raises:
            RuntimeError: there is none left.
        """
        del prompt, stop, kwargs  # the answers are the test's
        if self.exception is not None:
            raise self.exception
        if self._asked == len(self._answers):
            raise RuntimeError(f"No responses available: all {self._asked} have been used; pass more as responses")
        self._asked += 1
        return self._answers[self._asked - 1]

    async def stream_async(
        self, prompt: str | Sequence[ChatMessage], *, stop: Sequence[str] | None = None, **kwargs: Any
    ) -> AsyncIterator[LLMResponseChunk]:
        """Yield the next answer word by word; reasoning and tool calls come with its end.

        Raises:
            RuntimeError: there is none left.
        """
        answer = await self.generate_async(prompt, stop=stop, **kwargs)
        for number, word in enumerate(answer.content.split(" ")):
            yield LLMResponseChunk(f" {word}" if number else word)
        yield LLMResponseChunk(
            delta_reasoning=answer.reasoning,
            delta_tool_calls=answer.tool_calls,
            finish_reason=answer.finish_reason or "stop",
            usage=answer.usage,
        )
