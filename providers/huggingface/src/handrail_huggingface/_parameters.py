"""The parameters of a call: OpenAI's names and transformers' own, checked and turned into what `generate` takes."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from handrail.errors import ProviderBadRequestError

from handrail_huggingface._conversation import whole_text

if TYPE_CHECKING:
    from collections.abc import Mapping

GENERATION_PARAMETERS = frozenset(
    [
        "bad_words_ids",
        "begin_suppress_tokens",
        "bos_token_id",
        "cache_config",
        "cache_implementation",
        "disable_compile",
        "do_sample",
        "early_stopping",
        "encoder_no_repeat_ngram_size",
        "encoder_repetition_penalty",
        "eos_token_id",
        "epsilon_cutoff",
        "eta_cutoff",
        "exponential_decay_length_penalty",
        "forced_bos_token_id",
        "forced_eos_token_id",
        "guidance_scale",
        "length_penalty",
        "max_length",
        "max_new_tokens",
        "max_time",
        "min_length",
        "min_new_tokens",
        "min_p",
        "no_repeat_ngram_size",
        "pad_token_id",
        "prompt_lookup_num_tokens",
        "remove_invalid_values",
        "renormalize_logits",
        "repetition_penalty",
        "sequence_bias",
        "suppress_tokens",
        "temperature",
        "token_healing",
        "top_h",
        "top_k",
        "top_p",
        "typical_p",
        "use_cache",
        "watermarking_config",
        "assistant_model",
        "generation_config",
        "logits_processor",
        "negative_prompt_ids",
        "prefix_allowed_tokens_fn",
        "stopping_criteria",
    ]
)
"""What `generate` takes and makes sense for one streamed text."""

OWN_PARAMETERS = frozenset({"stop", "seed", "tools", "tool_choice", "chat_template_kwargs"})

_OTHER_NAMES = {
    "max_tokens": "max_new_tokens",
    "max_completion_tokens": "max_new_tokens",
    "stop_strings": "stop",
    "stop_sequence": "stop",
}
_WITHOUT_EFFECT: Mapping[str, tuple[object, ...]] = {
    "n": (1,),
    "num_beams": (1,),
    "num_return_sequences": (1,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "stream": (True, False),
    "return_full_text": (True, False),
}
"""Parameters that change nothing at these values, and cannot be had at any other."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What one call asks for.

    Attributes:
        generate: keyword arguments for `generate`.
        stop: strings that end the answer.
        seed: makes sampling repeatable.
        tools: functions that the model may call.
        template: variables for the chat template.
    """

    generate: Mapping[str, Any] = field(default_factory=dict)
    stop: tuple[str, ...] = ()
    seed: int | None = None
    tools: tuple[Mapping[str, Any], ...] = ()
    template: Mapping[str, Any] = field(default_factory=dict)


def is_known(name: str) -> bool:
    """Return whether a parameter of this name exists."""
    return name in GENERATION_PARAMETERS | OWN_PARAMETERS | _OTHER_NAMES.keys() | _WITHOUT_EFFECT.keys()


def suggestion(name: str) -> str:
    """Name the parameter that was probably meant."""
    known = [*GENERATION_PARAMETERS, *OWN_PARAMETERS, *_OTHER_NAMES]
    nearest = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""


def parse(*layers: Mapping[str, Any]) -> Parameters:
    """Merge layers of parameters, later ones over earlier ones; None takes a parameter back.

    Raises:
        ProviderBadRequestError: a parameter is unknown or has an impossible value.
    """
    merged = {_OTHER_NAMES.get(name, name): value for layer in layers for name, value in layer.items()}
    given = {name: value for name, value in merged.items() if value is not None and not _is_idle(name, value)}
    for name in given:
        if not is_known(name):
            raise _bad(f"unknown parameter {name!r}{suggestion(name)}")
    own = {name: given.pop(name, None) for name in OWN_PARAMETERS}
    tools = () if own["tool_choice"] == "none" else own["tools"] or ()
    if own["tool_choice"] not in {None, "none", "auto"}:
        raise _bad(f"tool_choice is {own['tool_choice']!r}; a local model takes 'auto' or 'none'")
    return Parameters(
        generate=_sampled(given),
        stop=_strings(own["stop"]),
        seed=own["seed"],
        tools=tuple(whole_text(tools, "tools")),
        template=whole_text(own["chat_template_kwargs"] or {}, "chat_template_kwargs"),
    )


def _is_idle(name: str, value: object) -> bool:
    if name not in _WITHOUT_EFFECT:
        return False
    if value not in _WITHOUT_EFFECT[name]:
        raise _bad(f"{name} is {value!r}, but a stream is one text and transformers has no such penalty")
    return True


def _sampled(given: dict[str, Any]) -> dict[str, Any]:
    """Let the temperature decide whether tokens are drawn, unless that is said."""
    temperature = given.get("temperature")
    if temperature is not None and not (isinstance(temperature, int | float) and temperature >= 0):
        raise _bad(f"temperature is {temperature!r}; it must be a number from 0")
    limit = given.get("max_new_tokens")
    if limit is not None and not (isinstance(limit, int) and limit >= 1):
        raise _bad(f"max_new_tokens is {limit!r}; it must be a whole number from 1")
    if temperature == 0:
        return {**given, "temperature": 1.0, "do_sample": False}
    if temperature is not None:
        return {"do_sample": True, **given}
    return given


def _strings(stop: object) -> tuple[str, ...]:
    strings = (stop,) if isinstance(stop, str) else tuple(stop) if isinstance(stop, list | tuple) else ()
    if (stop is not None and not isinstance(stop, str | list | tuple)) or not all(
        isinstance(string, str) and string for string in strings
    ):
        raise _bad(f"stop is {stop!r}; it must be a string that is not empty, or a list of such")
    return strings


def _bad(problem: str) -> ProviderBadRequestError:
    return ProviderBadRequestError(f"engine 'huggingface': {problem}", engine="huggingface")
