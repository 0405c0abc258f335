"""The three rails: what each asks its judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail_self_check._evidence import find_evidence
from handrail_self_check._judge import Judge, Task
from handrail_self_check._question import IS_IT_SUPPORTED, MUST_THE_ANSWER_BE_BLOCKED, MUST_THE_MESSAGE_BE_BLOCKED

if TYPE_CHECKING:
    from handrail import RailContext, Turn, Verdict, Window

    from handrail_self_check._settings import SelfCheckSettings

_INPUT = Task(
    "self_check_input",
    MUST_THE_MESSAGE_BE_BLOCKED,
    given=("user_input",),
    judged=("user_input",),
    finding="the judge said the message must be blocked",
)
_OUTPUT = Task(
    "self_check_output",
    MUST_THE_ANSWER_BE_BLOCKED,
    given=("bot_response", "user_input"),
    judged=("bot_response",),
    finding="the judge said the answer must be blocked",
)
_FACTS = Task(
    "self_check_facts",
    IS_IT_SUPPORTED,
    given=("evidence", "response", "user_input"),
    judged=("evidence", "response"),
    finding="the judge finds no support for the answer in the evidence",
)


class SelfCheckInput:
    """`self check input`: asks whether what the user writes must be blocked."""

    def __init__(self, settings: SelfCheckSettings, context: RailContext) -> None:
        self._judge = Judge(_INPUT, settings, context)

    async def check(self, window: Window, turn: Turn) -> Verdict:
        """Judge the user's message."""
        return await self._judge.verdict({"user_input": window.text}, turn)


class SelfCheckOutput:
    """`self check output`: asks whether the answer, or as much of it as the window shows, must be blocked."""

    def __init__(self, settings: SelfCheckSettings, context: RailContext) -> None:
        self._judge = Judge(_OUTPUT, settings, context)

    async def check(self, window: Window, turn: Turn) -> Verdict:
        """Judge a window of the answer."""
        return await self._judge.verdict({"user_input": turn.user_message, "bot_response": window.text}, turn)


class SelfCheckFacts:
    """`self check facts`: asks whether the answer follows from the evidence."""

    def __init__(self, settings: SelfCheckSettings, context: RailContext) -> None:
        self._name = context.name
        self._judge = Judge(_FACTS, settings, context)

    async def check(self, window: Window, turn: Turn) -> Verdict:
        """Judge a window of the answer.

        Raises:
            RailError: there is no evidence.
        """
        evidence = find_evidence(turn, self._name)
        values = {"evidence": evidence, "response": window.text, "user_input": turn.user_message}
        return await self._judge.verdict(values, turn)
