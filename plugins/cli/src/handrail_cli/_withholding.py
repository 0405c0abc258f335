"""Leaves out what may not be shown: reasoning that no rail guards, where rails guard the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail import ReasoningDelta

from handrail_cli._answer import WaitingView

if TYPE_CHECKING:
    from handrail import Event

    from handrail_cli._answer import Answer, View

_WITHHELD = "The model's reasoning is withheld: no rail guards it (rails.output.deliver_unguarded shows it)."


class WithoutReasoning:
    """A view of everything but the reasoning, which it mentions once an answer.

    Args:
        view: where the rest is shown.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._withheld = False

    def begin(self) -> None:
        """A new answer is asked for."""
        self._withheld = False
        self._view.begin()

    def show(self, event: Event) -> None:
        """Show what was delivered, unless it is reasoning."""
        if isinstance(event, ReasoningDelta):
            self._withheld = True
        else:
            self._view.show(event)

    def wait(self, held: int, seconds: float) -> None:
        """Nothing has been delivered yet."""
        if isinstance(self._view, WaitingView):
            self._view.wait(held, seconds)

    def fail(self, error: Exception) -> None:
        """The generation broke."""
        self._view.fail(error)

    def stop(self) -> None:
        """The answer was stopped by the person who asked."""
        self._view.stop()

    def end(self, answer: Answer) -> None:
        """The answer is over, in whichever way."""
        self._view.end(answer)
        if self._withheld:
            self._view.note(_WITHHELD)

    def note(self, text: str) -> None:
        """Show a note that is no part of any answer."""
        self._view.note(text)
