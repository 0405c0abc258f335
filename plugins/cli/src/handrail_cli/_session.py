"""A conversation: its history, and one answer after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from handrail_cli._answer import Answer, show_answer
from handrail_cli._streams import open_stream

if TYPE_CHECKING:
    from handrail import GenerationResponse, LLMRails, Message

    from handrail_cli._answer import View


class Session:
    """Asks a guarded model, and remembers what may be remembered.

    Args:
        rails: the model behind its rails.
        view: where answers are shown.
        whole: whether an answer is generated whole and shown at its end.
    """

    def __init__(self, rails: LLMRails, view: View, *, whole: bool) -> None:
        self._rails = rails
        self._view = view
        self._whole = whole
        self.messages: tuple[Message, ...] = ()

    def forget(self) -> None:
        """Start over."""
        self.messages = ()

    async def ask(self, message: str) -> Answer:
        """Ask, and show the answer.

        A turn that was refused or has failed leaves nothing in the history. One that was stopped, by cancelling this
        call, leaves what was shown.
        """
        question: Message = {"role": "user", "content": message}
        stream = open_stream(self._rails, (*self.messages, question), whole=self._whole)
        try:
            answer = await show_answer(stream, self._view, whole=self._whole)
        except anyio.get_cancelled_exc_class():
            if not self._whole:
                self._remember(question, stream.response)
            raise
        self._remember(question, answer.response)
        return answer

    def _remember(self, question: Message, response: GenerationResponse) -> None:
        if response.outcome not in {"finished", "left"} or not response.text:
            return
        if any(run.direction == "input" and run.decision == "rewrite" for run in response.rail_runs):
            # Only the newest message passes the input rails, so a later turn would send what they have removed.
            self._view.note("A rail rewrote your message, so this turn is not remembered.")
            return
        self.messages = (*self.messages, question, {"role": "assistant", "content": response.text})
