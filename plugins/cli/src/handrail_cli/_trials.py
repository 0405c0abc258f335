"""What `handrail doctor` tries: each trial says what it did and what came of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import anyio
from handrail import HandrailError
from handrail.errors import message_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handrail import LLMRails, Message

Status = Literal["ok", "note", "failed"]

_QUESTION = "Reply with one word: hello."
_ANSWER = "Hello! It is a fine day for a walk."
_NOT_ASKED = "embeddings"  # the type of models that turn texts into numbers and cannot be asked


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing that was tried.

    Attributes:
        kind: "key", "vocabulary", "model", "rail" or "store".
        name: which one.
        status: "note" where it works in another way than may be wanted.
        detail: what was done and found. May quote a server, so that it must be masked before it is shown.
        seconds: how long it took, where something was asked.
    """

    kind: str
    name: str
    status: Status
    detail: str
    seconds: float | None = None


def at_hand(rails: LLMRails) -> list[Trial]:
    """Look at what is on this machine: keys in the environment, and the vocabulary that counts tokens."""
    used: dict[str, list[str]] = {}
    for model in rails.config.models:
        if model.api_key_env_var is not None:
            used.setdefault(model.api_key_env_var, []).append(model.type)
    keys = [_key(variable, models) for variable, models in used.items()]
    counter = rails.composition.counter
    if counter.exact:
        return [*keys, Trial("vocabulary", counter.name, "ok", "on this machine; tokens are counted exactly")]
    estimate = "no vocabulary of tiktoken on this machine, so tokens are estimated; TIKTOKEN_CACHE_DIR names a folder"
    return [*keys, Trial("vocabulary", counter.name, "note", estimate)]


async def try_models(rails: LLMRails, timeout: float) -> list[Trial]:
    """Ask each model for one word."""
    return [await _asked(rails, type_, timeout) for type_ in rails.composition.models if type_ != _NOT_ASKED]


async def try_rails(rails: LLMRails, variables: Mapping[str, Any], timeout: float) -> list[Trial]:
    """Have each rail judge a harmless text."""
    question: Message = {"role": "user", "content": _QUESTION}
    answer: Message = {"role": "assistant", "content": _ANSWER}
    context: list[Message] = [{"role": "context", "content": variables}] if variables else []
    found: list[Trial] = []
    if rails.composition.input_rails:
        found += await _judged(rails, [*context, question], "input", timeout)
    if rails.composition.output_rails:
        found += await _judged(rails, [*context, question, answer], "output", timeout)
    return found


async def try_store(url: str, timeout: float) -> list[Trial]:
    """Ask Redis whether it is there."""
    try:
        from redis import asyncio as client
    except ImportError:
        return [Trial("store", url, "failed", 'the client is missing: pip install "handrail-server[redis]"')]
    started = anyio.current_time()
    try:
        async with client.Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout) as redis:
            await redis.ping()
    except Exception as error:  # noqa: BLE001  # whatever a client raises is what was found
        return [Trial("store", url, "failed", _said(error), anyio.current_time() - started)]
    return [Trial("store", url, "ok", "answered PING", anyio.current_time() - started)]


def _key(variable: str, models: list[str]) -> Trial:
    found = bool(os.environ.get(variable, "").strip())
    detail = f"{'set' if found else 'missing or empty'}; used by {', '.join(models)}"
    return Trial("key", variable, "ok" if found else "failed", detail)


async def _asked(rails: LLMRails, type_: str, timeout: float) -> Trial:
    model = rails.composition.models[type_]
    name = f"{type_} ({'/'.join(filter(None, (model.engine, model.name)))})"
    started = anyio.current_time()
    try:
        with anyio.fail_after(timeout):
            answer = await model.complete([{"role": "user", "content": _QUESTION}])
    except Exception as error:  # noqa: BLE001  # the plugin boundary: whatever breaks a model is what was found
        return Trial("model", name, "failed", _said(error), anyio.current_time() - started)
    seconds, usage = anyio.current_time() - started, answer.usage
    counted = " (counted here)" if usage.estimated else ""
    tokens = f"answered: {usage.input_tokens} tokens in, {usage.output_tokens} out{counted}"
    if not answer.text.strip():
        return Trial("model", name, "note", f"{tokens}, but no text", seconds)
    return Trial("model", name, "ok", tokens, seconds)


async def _judged(
    rails: LLMRails, messages: list[Message], direction: Literal["input", "output"], timeout: float
) -> list[Trial]:
    """Ask each rail alone, so that one that refuses does not keep the others from being asked."""
    plans = rails.composition.input_rails if direction == "input" else rails.composition.output_rails
    return [
        await _judged_by(rails, name, messages, direction, timeout) for name in dict.fromkeys(p.name for p in plans)
    ]


async def _judged_by(
    rails: LLMRails, rail: str, messages: list[Message], direction: Literal["input", "output"], timeout: float
) -> Trial:
    name, started = f"{rail} ({direction})", anyio.current_time()
    try:
        with anyio.fail_after(timeout):
            result = await rails.check_async(messages, [direction], options={"rails": {direction: [rail]}})
    except (HandrailError, TimeoutError) as error:
        return Trial("rail", name, "failed", _said(error), anyio.current_time() - started)
    seconds = anyio.current_time() - started
    if result.failed:
        return Trial("rail", name, "failed", result.reason, seconds)
    failures = [run.error for run in (result.journal.rail_runs if result.journal else ()) if run.decision == "failed"]
    if failures:
        return Trial("rail", name, "failed", f"{failures[0]} (on_error: allow lets text pass)", seconds)
    if result.status == "blocked":
        return Trial("rail", name, "note", f"refused a harmless text: {result.reason or 'no reason given'}", seconds)
    return Trial("rail", name, "ok", f"a harmless text {result.status}", seconds)


def _said(error: Exception) -> str:
    if isinstance(error, TimeoutError) and not message_of(error):
        return "no answer in time"
    return message_of(error) if isinstance(error, HandrailError) else f"{type(error).__name__}: {message_of(error)}"
