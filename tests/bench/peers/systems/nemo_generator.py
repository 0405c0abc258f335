"""NeMo Guardrails' `LLMRails` as a filter over a ready stream (`generator=`), without its own handling of models."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from nemoguardrails import LLMRails
from systems.nemo_llmrails import Model, action_of, config_of, texts
from work import Judge, Source


class Guarded:
    """A configuration with an action for each judge."""

    def __init__(self, case: dict[str, Any], judges: list[Judge]) -> None:
        self._rails = LLMRails(config_of(judges, case), llm=Model({}))
        for number, judge in enumerate(judges):
            self._rails.register_action(action_of(judge), f"judge_{number}")

    def stream(self, source: Source) -> AsyncIterator[str]:
        """Guard a stream that exists already."""
        messages = [{"role": "user", "content": "hello"}]
        return texts(self._rails.stream_async(messages=messages, generator=source.__aiter__()))


def refuses(case: dict[str, Any]) -> str | None:
    """Return why a case cannot be done; None if it can."""
    return None
