"""Rails that ask a model which is trained to judge whether a text is safe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.config import TaskPrompt
from handrail.errors import InvalidRailsConfigurationError
from handrail_self_check.judging import MUST_THE_ANSWER_BE_BLOCKED, MUST_THE_MESSAGE_BE_BLOCKED, Judge, Task

from handrail_guard_models._choosing import Choice
from handrail_guard_models._flow import configured, named_model
from handrail_guard_models._formats import format_of
from handrail_guard_models._settings import ContentSafetySettings

if TYPE_CHECKING:
    from handrail import RailContext, Turn, Verdict, Window
    from handrail_self_check import SelfCheckSettings

    from handrail_guard_models._readers import Direction

_ROOM = 1024  # tokens; some models think before they answer
_KEY = "content_safety"
_LLAMA_GUARD = "llama_guard"
_MESSAGE = Task(
    "content_safety_check_input",
    MUST_THE_MESSAGE_BE_BLOCKED,
    given=("user_input", "reasoning_enabled"),
    judged=("user_input",),
    finding="the judge finds the message unsafe",
    max_tokens=_ROOM,
)
_ANSWER = Task(
    "content_safety_check_output",
    MUST_THE_ANSWER_BE_BLOCKED,
    given=("bot_response", "user_input", "reasoning_enabled"),
    judged=("bot_response",),
    finding="the judge finds the answer unsafe",
    max_tokens=_ROOM,
)


class ContentSafety:
    """`content safety check input` and `content safety check output $model=TYPE`: asks whether a text is safe.

    Raises:
        ConfigurationError: its model, its prompt or a setting is missing or cannot be used.
    """

    def __init__(self, settings: ContentSafetySettings, context: RailContext) -> None:
        task = _MESSAGE if context.direction == "input" else _ANSWER
        type_ = named_model(context)
        prompt = f"{task.name} $model={type_}"
        shared = _shared_settings(context)
        self._reasoning = settings.reasoning.enabled or shared.reasoning.enabled
        choose = Choice(task, context, settings.controversial or shared.controversial)
        own = None if any(entry.task == prompt for entry in context.config.prompts) else _plain_prompt(context, prompt)
        context = context.with_task(task.name, prompt=prompt, model=type_)
        self._judge = Judge(task, settings, context, choose=choose, prompt=own)
        self._direction = context.direction

    async def check(self, window: Window, turn: Turn) -> Verdict:
        """Judge the user's message, or a window of the answer."""
        values = _values(window.text, turn, self._direction)
        return await self._judge.verdict({**values, "reasoning_enabled": self._reasoning}, turn)


class LlamaGuard:
    """`llama guard check input` and `llama guard check output`: asks whether a text is safe.

    Raises:
        ConfigurationError: its model or its prompt is missing or cannot be used.
    """

    def __init__(self, settings: SelfCheckSettings, context: RailContext) -> None:
        if context.arguments:
            names = ", ".join(f"${name}" for name in context.arguments)
            raise InvalidRailsConfigurationError(f"rail {context.name!r} takes no arguments, but got {names}")
        task = _MESSAGE if context.direction == "input" else _ANSWER
        choose = Choice(task, context, only=_LLAMA_GUARD)
        prompt = f"llama_guard_check_{context.direction}"
        context = context.with_task(task.name, prompt=prompt, model=configured(context, _LLAMA_GUARD))
        self._judge = Judge(task, settings, context, choose=choose)
        self._direction = context.direction

    async def check(self, window: Window, turn: Turn) -> Verdict:
        """Judge the user's message, or a window of the answer."""
        values = _values(window.text, turn, self._direction)
        return await self._judge.verdict({**values, "reasoning_enabled": False}, turn)


def _values(text: str, turn: Turn, direction: Direction) -> dict[str, object]:
    return {"user_input": text} if direction == "input" else {"user_input": turn.user_message, "bot_response": text}


def _shared_settings(context: RailContext) -> ContentSafetySettings:
    """Return what `rails.config.content_safety` says, which holds where a rail has a section of its own as well."""
    _, own = context.config.rail_options(_KEY)
    return context.config.validate_settings(ContentSafetySettings, own, "rails", "config", _KEY)


def _plain_prompt(context: RailContext, task: str) -> TaskPrompt | None:
    """Return the messages alone, for a model whose own chat template asks; None for one that needs a prompt."""
    entry = context.config.model_for(named_model(context))
    known = format_of(entry.model if entry else None)
    if known is None or known.prompt != "conversation":
        return None
    answer = [] if context.direction == "input" else [{"type": "assistant", "content": "{{ bot_response }}"}]
    return TaskPrompt(task=task, messages=[{"type": "user", "content": "{{ user_input }}"}, *answer])
