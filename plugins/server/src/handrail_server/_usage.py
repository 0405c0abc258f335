"""The tokens of an answer, as OpenAI tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from handrail_server._leaves import words_only

if TYPE_CHECKING:
    from handrail import Usage


def usage_fields(usage: Usage, told: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return tokens as OpenAI does, with all that the model's server has told of them unless they were counted here."""
    counted: dict[str, Any] = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }
    if usage.estimated:
        return {**counted, "estimated": True}
    if told:
        told = words_only(told)
        counted["total_tokens"] = told.get("total_tokens") or usage.total_tokens
        return {**told, **counted}
    if usage.cached_tokens:
        counted["prompt_tokens_details"] = {"cached_tokens": usage.cached_tokens}
    if usage.reasoning_tokens:
        counted["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return counted
