"""What raises where a result of rails, or a configuration of them, is not for a host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handrail import Blocked, ConfigurationError, RailFailed

from handrail_hosts._errors import AnswerRefusedError, GuardFailedError

if TYPE_CHECKING:
    from handrail import LLMRails, RailsResult


def raise_if_stopped(result: RailsResult, direction: Any) -> None:
    """Raise what a check of one direction has come to, if that is a refusal or a failure."""
    if result.status != "blocked":
        return
    rail = result.rail or ""
    if result.failed:
        raise GuardFailedError.of(RailFailed(rail, direction, result.reason, message=result.content))
    raise AnswerRefusedError(
        Blocked(rail, direction, result.reason, result.category, result.span, message=result.content)
    )


def refuse_text_before_its_verdict(rails: LLMRails) -> None:
    """Raise if output rails would let text out before they have judged it."""
    for plan in rails.composition.output_rails:
        if plan.stream_first:
            raise ConfigurationError(
                f"{plan.name!r} has 'stream_first': a host cannot withdraw what it has delivered; set it to False"
            )
