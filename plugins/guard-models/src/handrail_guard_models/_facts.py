"""A rail that asks Patronus AI's Lynx whether an answer is faithful to its evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.errors import InvalidRailsConfigurationError
from handrail_self_check.judging import IS_IT_SUPPORTED, Judge, Task, find_evidence

from handrail_guard_models._choosing import Choice
from handrail_guard_models._flow import configured

if TYPE_CHECKING:
    from handrail import RailContext, Turn, Verdict, Window
    from handrail_self_check import SelfCheckSettings

_MODEL = "patronus_lynx"
_FACTS = Task(
    "patronus_lynx_check_output_hallucination",
    IS_IT_SUPPORTED,
    given=("provided_context", "bot_response", "user_input"),
    judged=("provided_context", "bot_response"),
    finding="the judge finds no support for the answer in the evidence",
    max_tokens=1024,
)


class LynxFacts:
    """`patronus lynx check output hallucination`: asks the model of the type `patronus_lynx`.

    Raises:
        ConfigurationError: its model or its prompt is missing or cannot be used.
    """

    def __init__(self, settings: SelfCheckSettings, context: RailContext) -> None:
        if context.arguments:
            raise InvalidRailsConfigurationError(f"rail {context.name!r} takes no arguments")
        self._name = context.name
        choose = Choice(_FACTS, context, only="lynx")
        context = context.with_task(_FACTS.name, prompt=_FACTS.name, model=configured(context, _MODEL))
        self._judge = Judge(_FACTS, settings, context, choose=choose)

    async def check(self, window: Window, turn: Turn) -> Verdict:
        """Judge a window of the answer.

        Raises:
            RailError: there is no evidence.
        """
        values = {
            "provided_context": find_evidence(turn, self._name),
            "bot_response": window.text,
            "user_input": turn.user_message,
        }
        return await self._judge.verdict(values, turn)
