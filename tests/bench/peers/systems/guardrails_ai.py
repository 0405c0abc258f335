"""Guardrails AI: an `AsyncGuard` with a validator for each judge, which raises; it checks by the sentence."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

os.environ |= {"OTEL_SDK_DISABLED": "true", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}

from guardrails import AsyncGuard, OnFailAction  # noqa: E402  # after telemetry is off
from guardrails.errors import ValidationError  # noqa: E402
from guardrails.validator_base import FailResult, PassResult, Validator, register_validator  # noqa: E402
from work import BlockedError, Judge, Source  # noqa: E402


def _validator(number: int, judge: Judge) -> Any:
    @register_validator(name=f"bench/judge_{number}", data_type="string")
    class JudgeValidator(Validator):
        def _validate(self, value: Any, metadata: dict[str, Any]) -> Any:
            allowed = judge.allows_blocking(value)
            return PassResult() if allowed else FailResult(error_message="forbidden")

    return JudgeValidator(on_fail=OnFailAction.EXCEPTION)


class Guarded:
    """A guard with a validator for each judge; a new one for each stream, since a guard keeps the history of all."""

    def __init__(self, case: dict[str, Any], judges: list[Judge]) -> None:
        self._validators = [_validator(number, judge) for number, judge in enumerate(judges)]

    async def stream(self, source: Source) -> AsyncIterator[str]:
        """Stream an answer as an application would."""
        guard = AsyncGuard()
        guard.configure(allow_metrics_collection=False)
        guard.use(*self._validators)

        async def model(*args: Any, messages: Any, **kwargs: Any) -> Any:
            return SimpleNamespace(completion_stream=source.__aiter__())  # as a stream of LiteLLM's has it

        stream = await guard(model, messages=[{"role": "user", "content": "hello"}], stream=True)
        try:
            async for outcome in stream:
                if outcome.validated_output:
                    yield outcome.validated_output
        except ValidationError as exc:
            raise BlockedError from exc


def refuses(case: dict[str, Any]) -> str | None:
    """Return why a case cannot be done; None if it can."""
    return None
