"""Reads what a call has cost, by whichever names a server calls it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handrail import Usage
from handrail_http import count_of

_CACHED = ("cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens")


def usage_in(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an event says of tokens: beside its choices, within the first (Moonshot), or where Groq has it."""
    choices = event.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    for place in (event, first, event.get("x_groq")):
        if isinstance(place, Mapping) and isinstance(usage := place.get("usage"), Mapping) and usage:
            return usage
    return {}


def usage_of(usage: object) -> Usage | None:
    """Return what a call has cost; None if the server does not say."""
    if not isinstance(usage, Mapping):
        return None
    prompt = _first(usage, "prompt_tokens", "input_tokens")
    completion = _first(usage, "completion_tokens", "output_tokens")
    if prompt is None and completion is None:
        return None
    details = _mapping(usage, "prompt_tokens_details", "input_tokens_details")
    cached = _first({**usage, **details}, *_CACHED)
    details = _mapping(usage, "completion_tokens_details", "output_tokens_details")
    reasoning = _first({**usage, **details}, "reasoning_tokens")
    return Usage(prompt or 0, completion or 0, cached_tokens=cached or 0, reasoning_tokens=reasoning or 0)


def _first(usage: Mapping[str, Any], *names: str) -> int | None:
    return next((count for name in names if (count := count_of(usage.get(name))) is not None), None)


def _mapping(usage: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    return next((found for name in names if isinstance(found := usage.get(name), Mapping)), {})
