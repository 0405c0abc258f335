"""A conversation that a test writes down, turn by turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nemoguardrails.rails.llm.llmrails import LLMRails
from nemoguardrails.testing.fake_model import FakeLLMModel

if TYPE_CHECKING:
    from nemoguardrails.rails.llm.config import RailsConfig

_REPORTING = ("openai", "azure_openai", "nim")  # engines whose answers say what they cost


class TestChat:
    """Says what the user says, and checks what the bot answers: `chat >> "hi"`, then `chat << "Hello!"`.

    Args:
        config: the configuration that is tested.
        llm_completions: what its main model answers, in order; None for the model that it configures.
        streaming: kept for existing code.
        llm_exception: raised by the model, in place of an answer.
        token_usage: what each answer costs, in order.
        llm: the main model, in place of one that is made of the completions.
    """

    __test__ = False

    def __init__(
        self,
        config: RailsConfig,
        llm_completions: Sequence[str] | None = None,
        streaming: bool = False,  # noqa: FBT001, FBT002  # the published signature
        llm_exception: Exception | None = None,
        token_usage: Sequence[Mapping[str, int]] | None = None,
        llm: object = None,
    ) -> None:
        if llm is None and (llm_completions is not None or llm_exception is not None):
            reports = any(model.type == "main" and model.engine in _REPORTING for model in config.models)
            llm = FakeLLMModel(
                llm_completions,
                llm_exception=llm_exception,
                token_usage=token_usage,
                should_return_token_usage=reports,
            )
        self.llm = llm
        self.config = config
        self.app = LLMRails(config, llm)
        self.history: list[dict[str, Any]] = []
        self.streaming = streaming

    def user(self, msg: str) -> None:
        """Add what the user says to the conversation."""
        self.history.append({"role": "user", "content": msg})

    def bot(self, expected: str) -> None:
        """Let the bot answer.

        Raises:
            AssertionError: it answers something else.
        """
        self._compare(self.app.generate(messages=self.history), expected)

    async def bot_async(self, msg: str) -> None:
        """Do the same in code that is asynchronous."""
        self._compare(await self.app.generate_async(messages=self.history), msg)

    def _compare(self, answer: Any, expected: str) -> None:
        received = answer["content"]
        if received != expected:
            raise AssertionError(f"Expected `{expected}` and received `{received}`")
        self.history.append(answer)

    def __rshift__(self, msg: str) -> None:
        self.user(msg)

    def __lshift__(self, msg: str) -> None:
        self.bot(msg)
