"""Which parameters of a model clients may set: the usual ones, an operator's changes, and what can never be set."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

EVERY = "*"

USUAL = (
    # OpenAI's, which other servers know too
    "frequency_penalty",
    "logit_bias",
    "max_completion_tokens",
    "max_tokens",
    "parallel_tool_calls",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "stop",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
    "user",
    "verbosity",
    # vLLM's, SGLang's and llama.cpp's
    "guided_choice",
    "guided_grammar",
    "guided_json",
    "guided_regex",
    "ignore_eos",
    "include_stop_str_in_output",
    "length_penalty",
    "min_p",
    "min_tokens",
    "repetition_penalty",
    "stop_token_ids",
    "structured_outputs",
    "top_k",
    # OpenRouter's, and those of vendors with models that think
    "enable_thinking",
    "include_reasoning",
    "random_seed",
    "reasoning",
    "thinking",
    "thinking_budget",
    "top_a",
    "usage",
)
"""Allowed unless the operator says otherwise. None of them brings text before a model that no rail has read, chooses
another model or provider, cuts the prompt or keeps the conversation anywhere: what does (`chat_template_kwargs`,
`documents`, `extra_body`, `models`, `plugins`, `prediction`, `provider`, `transforms`, `truncate_prompt_tokens`,
`web_search_options` and the like) an operator may add."""

SET_ASIDE = frozenset(("metadata", "service_tier", "store"))
"""OpenAI's parameters that say nothing about the answer, but cost or keep something. Clients send them unasked, so
they are accepted; they reach the model where the operator adds them."""

_SOUND = "an answer that is sound cannot be judged; ask for text"
_ODDS = "log probabilities tell text that no rail has judged; ask without them"
CANNOT: Mapping[str, str] = MappingProxyType(
    {
        "audio": _SOUND,
        "best_of": "a request has one answer; send it several times",
        "echo": "an answer that repeats the prompt is not told from one; leave it out",
        "logprobs": _ODDS,
        "messages": "messages are no parameter; 'policy.roles' is about them",
        "modalities": _SOUND,
        "model": "models are named in 'policy.models'",
        "n": "a request has one answer; send it several times",
        "prompt_logprobs": _ODDS,
        "stream": "whether an answer is streamed is always the client's choice; leave it out",
        "stream_options": "how a stream ends is always the client's choice; leave it out",
        "top_logprobs": _ODDS,
    }
)
"""Never reaches a model, and what to do instead."""


def refused(names: tuple[str, ...]) -> str | None:
    """Return why names cannot be allowed; None if all can."""
    problems = [f"{name!r}: {CANNOT[name]}" for name in names if name in CANNOT]
    return "; ".join(problems) or None


def unknown(names: tuple[str, ...]) -> str | None:
    """Return why names cannot be removed; None if all can. A misspelt one would leave a parameter allowed."""
    every = (*USUAL, *SET_ASIDE)
    for name in names:
        if name not in every:
            near = get_close_matches(name, every, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            return f"unknown parameter {name!r}, which is not allowed in any case{hint}"
    return None
