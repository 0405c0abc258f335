"""The provider: a conversation goes in, chunks come out, one token at a time and each in a worker thread."""

from __future__ import annotations

import difflib
import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from anyio import CapacityLimiter, to_thread
from handrail import Chunk, ConfigurationError, Message, Usage
from handrail.errors import ProviderBadRequestError, ProviderContextLengthError, message_of
from pydantic import ValidationError

from handrail_tiny._answer import Answer
from handrail_tiny._messages import normalise
from handrail_tiny._model import Model, load
from handrail_tiny._paths import MODEL_PATH
from handrail_tiny._prompt import END, answer_begins, instructions, written
from handrail_tiny._sampling import sampler
from handrail_tiny.settings import TinyCall, TinySettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from handrail import ProviderContext

LEAST_ROOM = 64
"""Tokens of the context that a prompt must leave for the answer."""

_log = logging.getLogger("handrail")


class TinyProvider:
    """Runs one small Llama in this process. Streams share the weights and nothing else."""

    def __init__(self, settings: TinySettings, context: ProviderContext) -> None:
        self._settings = settings
        self._folder = _folder(context.model.model, context.base_path)
        self._model: Model | None = None
        self._loading = threading.Lock()
        if settings.preload:
            self._load()

    async def stream(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncIterator[Chunk]:
        """Answer. One worker thread at most is used at a time, and only while a token is computed.

        Raises:
            ProviderBadRequestError: a message or parameter is at fault.
            ProviderContextLengthError: the newest message does not fit the context.
            ProviderError: the model cannot be loaded.
        """
        call = self._call(params)
        limiter = CapacityLimiter(1)
        model = await to_thread.run_sync(self._load, limiter=limiter)
        prompt, forgotten = await to_thread.run_sync(_prompt, model, normalise(messages), call, limiter=limiter)
        if forgotten:
            _log.info("engine 'tiny' forgets the %d oldest messages, which its context has no room for", forgotten)
            yield Chunk(metadata={"forgotten_messages": forgotten})
        answer = Answer(model, call.stop, thinking=call.thinking, tools=bool(call.shown_tools))
        run, choose, end = model.run(), sampler(call), model.control[END]
        room = min(call.max_tokens, model.context - len(prompt))
        written, ended, pending = 0, False, prompt
        while written < room and not (ended or answer.stopped):
            token = choose(await to_thread.run_sync(run.read, pending, limiter=limiter))
            pending, written, ended = [token], written + 1, token == end
            if not ended and (chunk := answer.add(token)) is not None:
                yield replace(chunk, usage=Usage(len(prompt), written))
        if (chunk := answer.finish()) is not None:
            yield chunk
        reason = "length" if not (ended or answer.stopped) else "tool_calls" if answer.calls else "stop"
        yield Chunk(usage=Usage(len(prompt), written), finish_reason=reason)

    def _load(self) -> Model:
        with self._loading:
            model = self._model = self._model or load(self._folder)
            return model

    def _call(self, params: Mapping[str, Any]) -> TinyCall:
        configured = self._settings.model_dump(exclude={"preload"}, exclude_unset=True)
        given = {_NAMES.get(key, key): value for key, value in params.items() if value is not None}
        try:
            return TinyCall.model_validate({**configured, **given})
        except ValidationError as exc:
            raise _bad_parameter(exc) from exc


_NAMES = {"max_new_tokens": "max_tokens", "max_completion_tokens": "max_tokens"}


def _prompt(model: Model, messages: list[dict[str, Any]], call: TinyCall) -> tuple[list[int], int]:
    """Encode the conversation from its end for as long as there is room; count the messages that are left out."""
    system, others = (messages[0], messages[1:]) if messages[0]["role"] == "system" else (None, messages)
    try:
        head = model.encode(instructions(system, call.shown_tools))
        tail = model.encode(answer_begins(thinking=call.thinking))
        room = model.context - LEAST_ROOM - len(head) - len(tail)
        kept: list[list[int]] = []
        for message in reversed(others):
            tokens = model.encode(written(message))
            room -= len(tokens)
            if room < 0 and kept:
                break
            kept.append(tokens)
    except (KeyError, TypeError, AttributeError) as exc:
        problem = (
            f"engine 'tiny' cannot read the tools or tool calls of the request: {type(exc).__name__}: {message_of(exc)}"
        )
        raise ProviderBadRequestError(problem, engine="tiny") from exc
    prompt = [*head, *(token for tokens in reversed(kept) for token in tokens), *tail]
    if len(prompt) > model.context - LEAST_ROOM:
        raise ProviderContextLengthError(
            f"the newest message and the instructions need {len(prompt)} tokens; the context of the model is "
            f"{model.context}, of which {LEAST_ROOM} are for the answer; shorten them",
            engine="tiny",
        )
    return prompt, len(others) - len(kept)


def _folder(name: str | None, base_path: Path) -> Path:
    """Find the model that a configuration names: the one that ships, or a folder."""
    if name in {None, "", "tiny"}:
        return MODEL_PATH
    folder = base_path / str(name)
    if not (folder / "config.json").is_file():
        raise ConfigurationError(
            f"engine 'tiny' was asked for the model {name!r}, but {str(folder)!r} is not a folder with a "
            f"config.json; leave 'model' out for the one that ships",
            code="missing-file",
            subject=str(folder),
            fix="put it there, or correct its name",
        )
    return folder


def _bad_parameter(error: ValidationError) -> ProviderBadRequestError:
    problems = []
    for detail in error.errors(include_url=False):
        name = ".".join(map(str, detail["loc"]))
        if detail["type"] == "extra_forbidden":
            nearest = difflib.get_close_matches(name, TinyCall.model_fields, n=1)
            hint = f"; did you mean {nearest[0]!r}?" if nearest else f"; it takes {', '.join(TinyCall.model_fields)}"
            problems.append(f"unknown parameter {name!r}{hint}")
        else:
            problems.append(f"parameter {name!r} is {detail['input']!r}: {detail['msg'].lower()}")
    return ProviderBadRequestError(f"engine 'tiny': {'; '.join(problems)}", engine="tiny")
