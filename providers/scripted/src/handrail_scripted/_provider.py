"""The engine `scripted`: a language model that says what its script says, at the pace that it is told."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

import anyio
from handrail import Chunk, Usage
from handrail.errors import InvalidArgumentError, ProviderBadRequestError

from handrail_scripted._calls import Call
from handrail_scripted._faults import provider_error
from handrail_scripted._file import read_script
from handrail_scripted._matching import Candidate, Conversation, Matcher
from handrail_scripted._plan import Limits, Plan
from handrail_scripted._settings import Script, ScriptedSettings, ScriptedUsage
from handrail_scripted._tokens import split_tokens

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from handrail import Message, ProviderContext

    from handrail_scripted._settings import Answer, Chunking

_CALLS_KEPT = 10_000
_EXCERPT = 80


class PaceOptions(TypedDict, total=False):
    """What the constructors for tests accept beside the answers; `ScriptedSettings` says what each means."""

    tokens_per_second: float
    delay: float
    first_token_delay: float
    jitter: float
    seed: int
    chunking: Chunking
    usage: bool | ScriptedUsage


class ScriptedProvider:
    """Answers from a script. Concurrent streams share nothing but how often each answer has been given.

    Args:
        settings: `ScriptedSettings`, or a mapping of the same shape.
        context: the model's entry in a configuration; without one, paths are relative to the current folder.

    Raises:
        ConfigurationError: the file of answers cannot be used.
    """

    def __init__(self, settings: ScriptedSettings | Mapping[str, Any], context: ProviderContext | None = None) -> None:
        self._settings = ScriptedSettings.model_validate(settings)
        self._engine = "scripted" if context is None else context.model.engine
        self._limits = Limits(self._settings.max_tokens, self._settings.stop)
        self._calls: deque[Call] = deque(maxlen=_CALLS_KEPT)
        answers, default, self._source = self._script(Path() if context is None else context.base_path)
        self._matcher = Matcher(answers, default, self._settings)

    @classmethod
    def from_texts(cls, *texts: str, **pace: Unpack[PaceOptions]) -> Self:
        """Make a model that gives these answers in turn, one a call, and the last one again and again."""
        return cls(ScriptedSettings.model_validate({"answers": texts, **pace}))

    @classmethod
    def from_script(cls, script: Script, **pace: Unpack[PaceOptions]) -> Self:
        """Make a model that follows a script; the pace holds for the answers that have none of their own."""
        InvalidArgumentError.unless(isinstance(script, Script), "script", script, "a Script")
        return cls(ScriptedSettings.model_validate({"answers": script.answers, "default": script.default, **pace}))

    @property
    def calls(self) -> tuple[Call, ...]:
        """What happened in each call, in the order in which they were started; the last 10,000."""
        return tuple(self._calls)

    async def stream(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncGenerator[Chunk, None]:
        """Yield the chunks of the answer that fits the messages. Suspends only where the script says to wait.

        A slow reader does not slow the model: what fell due meanwhile is there at once.

        Args:
            messages: the conversation in OpenAI's form.
            params: `max_tokens` (or `max_completion_tokens`) and `stop` cut the answer; the rest is recorded.

        Raises:
            ProviderError: the one that the script asks for.
            ProviderBadRequestError: no answer fits, or a limit makes no sense.
        """
        call = Call(tuple(messages), dict(params), anyio.current_time())
        self._calls.append(call)
        try:
            conversation = Conversation.of(messages)
            candidate = self._choose(conversation)
            call.answer = candidate.answer
            plan = candidate.plan(self._limits_of(params))
            due = candidate.tempo.timetable(plan.tokens, conversation.last)
            for chunk, tokens in plan.steps:
                if due is not None:
                    await _sleep_until(call.started_at + due[tokens])
                call.tokens = tokens
                yield chunk
            if due is not None:
                await _sleep_until(call.started_at + due[plan.tokens])
            await self._end(plan)
            if (usage := _usage(candidate, plan, conversation)) is not None:
                yield Chunk(usage=usage)
            call.completed = True
        finally:
            call.close()

    def as_plugin(self, engine: str = "double") -> object:
        """Return a plugin that offers this very model as an engine, for `registry.with_plugins(...)`."""
        from handrail_scripted._as_plugin import EnginePlugin

        return EnginePlugin(self, engine)

    def _script(self, folder: Path) -> tuple[Sequence[Answer], Answer | None, str]:
        answers, default = self._settings.answers, self._settings.default
        if not isinstance(answers, str):
            return answers, default, "its parameters"
        path = folder / Path(answers).expanduser()
        script = read_script(path)
        return script.answers, script.default or default, str(path)

    def _choose(self, conversation: Conversation) -> Candidate:
        candidate = self._matcher.choose(conversation)
        if candidate is None:
            asked = conversation.last if len(conversation.last) <= _EXCERPT else conversation.last[:_EXCERPT] + "..."
            raise ProviderBadRequestError(
                f"the script has no answer to {asked!r}; add one, or a 'default', to {self._source}",
                status=400,
                engine=self._engine,
            )
        return candidate

    def _limits_of(self, params: Mapping[str, Any]) -> Limits:
        """Read the limits of a call, the configured ones where it has none."""
        most = params.get("max_completion_tokens", params.get("max_tokens"))
        if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 1):
            self._refuse("max_tokens", most, "a whole number above 0")
        stop = params.get("stop")
        stop = (stop,) if isinstance(stop, str) else stop
        if stop is not None and not (isinstance(stop, list | tuple) and all(isinstance(s, str) and s for s in stop)):
            self._refuse("stop", stop, "a text or a list of texts, none of them empty")
        return Limits(
            self._limits.max_tokens if most is None else most,
            self._limits.stop if stop is None else tuple(stop),
        )

    def _refuse(self, name: str, value: object, allowed: str) -> None:
        raise ProviderBadRequestError(
            f"{name} is {value!r}; it must be {allowed}",
            status=400,
            code="invalid_request",
            engine=self._engine,
        )

    async def _end(self, plan: Plan) -> None:
        if plan.hangs:
            await anyio.sleep_forever()
        if plan.error is not None:
            raise provider_error(plan.error, self._engine)


async def _sleep_until(time: float) -> None:
    wait = time - anyio.current_time()
    if wait > 0:
        await anyio.sleep(wait)


def _usage(candidate: Candidate, plan: Plan, conversation: Conversation) -> Usage | None:
    usage = candidate.tempo.usage
    if isinstance(usage, ScriptedUsage):
        return Usage(usage.input_tokens, usage.output_tokens)
    return Usage(len(split_tokens(conversation.whole)), plan.tokens) if usage else None
