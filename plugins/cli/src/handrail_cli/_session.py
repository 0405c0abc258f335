"""A conversation: its history, and one answer after the other."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from handrail_cli._answer import Answer, show_answer, show_whole
from handrail_cli._withholding import WithoutReasoning

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handrail import GenerationResponse, LLMRails, Message

    from handrail_cli._answer import View


class Session:
    """Asks a guarded model, and remembers what may be remembered.

    Args:
        rails: the model behind its rails.
        view: where answers are shown.
        whole: whether an answer is generated whole and shown at its end.
        variables: what rails and prompts are told beside the messages.
    """

    def __init__(
        self, rails: LLMRails, view: View, *, whole: bool, variables: Mapping[str, object] | None = None
    ) -> None:
        self._rails = rails
        self._view = WithoutReasoning(view) if "reasoning" in rails.composition.withheld else view
        self._whole = whole
        self.variables: dict[str, object] = dict(variables or {})
        self.messages: tuple[Message, ...] = ()

    def forget(self) -> None:
        """Forget the conversation; the variables stay."""
        self.messages = ()

    async def ask(self, message: str) -> Answer:
        """Ask, and show the answer.

        A turn that was refused or has failed leaves nothing in the history. One that was stopped, by cancelling this
        call, leaves what was shown.

        Raises:
            StreamingNotSupportedError: the configuration does not allow answers to stream.
        """
        question: Message = {"role": "user", "content": message}
        messages = (*self._context(), *self.messages, question)
        if self._whole:
            answer = await show_whole(partial(self._rails.generate_async, messages=messages, options={}), self._view)
            self._remember(question, answer.response)
            return answer
        stream = self._rails.stream(messages=messages)
        try:
            return await show_answer(stream, self._view)
        finally:
            self._remember(question, stream.response)

    def _context(self) -> tuple[Message, ...]:
        return ({"role": "context", "content": self.variables},) if self.variables else ()

    def _remember(self, question: Message, response: GenerationResponse) -> None:
        if response.outcome not in {"finished", "left"} or not response.text:
            return
        if any(run.direction == "input" and run.decision == "rewrite" for run in response.rail_runs):
            # Only the newest message passes the input rails, so a later turn would send what they have removed.
            self._view.note("A rail rewrote your message, so this turn is not remembered.")
            return
        self.messages = (*self.messages, question, {"role": "assistant", "content": response.text})
