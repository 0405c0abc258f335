"""A rail that keeps a conversation to its topics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from handrail import Verdict
from handrail.errors import InvalidRailsConfigurationError, RailError
from handrail_self_check.judging import Judgement, UnreadableAnswerError, answered, model_label, read_completion, said

from handrail_guard_models._flow import named_model
from handrail_guard_models._readers import Whole

if TYPE_CHECKING:
    from handrail import Message, RailContext, Turn, Window

_TASK = "topic_safety_check_input"
_ASKED = (
    "If the last message of the user goes against any of these guidelines, answer 'off-topic'; if it does not, answer "
    "'on-topic'. Answer nothing else."
)
_SPOKEN = ("user", "assistant")
_ROOM = 16  # tokens; the answer is two words
_ANSWER = Whole(
    r"[\"'*`]*(?P<value>o(?:n|ff)[- ]topic)[\"'*`]*\.?[\"'*`]*",
    {"on-topic": "allow", "on topic": "allow", "off-topic": "block", "off topic": "block"},
)


class TopicSafety:
    """`topic safety check input $model=TYPE`: asks whether what the user writes keeps to the topics of its prompt.

    The prompt has the guidelines, and nothing to be filled in: the conversation follows it as it is.

    Raises:
        ConfigurationError: its model or its prompt is missing or cannot be used.
    """

    def __init__(self, settings: Mapping[str, object], context: RailContext) -> None:
        if settings:
            raise InvalidRailsConfigurationError(f"rail {context.name!r} has no settings; remove {', '.join(settings)}")
        model = named_model(context)
        prompt = context.prompt(f"{_TASK} $model={model}")
        if prompt.content is None or "{{" in prompt.content or "{%" in prompt.content:
            raise InvalidRailsConfigurationError(
                f"the prompt of the task {prompt.task!r} must be a 'content' without variables: the guidelines"
            )
        self._rail = context.name
        self._model = context.model(model)
        self._guidelines = f"{prompt.content.strip()}\n\n{_ASKED}"
        self._params = {
            "temperature": context.config.lowest_temperature,
            "max_tokens": prompt.max_tokens or _ROOM,
            **({"stop": list(prompt.stop)} if prompt.stop else {}),
        }

    async def check(self, window: Window, turn: Turn) -> Verdict:
        """Judge the user's message, in the conversation that it belongs to.

        Raises:
            RailError: the answer is neither of the two that are asked for.
            ProviderError: the model could not answer.
        """
        judged = max((at for at, message in enumerate(turn.messages) if message["role"] == "user"), default=0)
        before = [message for message in turn.messages[:judged] if message["role"] in _SPOKEN]
        messages: list[Message] = [
            {"role": "system", "content": self._guidelines},
            *before,
            {"role": "user", "content": window.text},
        ]
        completion = await self._model.complete(messages, self._params, turn=turn, task=_TASK)
        try:
            blocked = read_completion(completion, _read).blocked
        except UnreadableAnswerError as exc:
            what = f"the judge {model_label(self._model)} {exc}; it must answer 'on-topic' or 'off-topic'"
            message = f"{what}; how its answer begins is in the journal"
            raise RailError(message, rail=self._rail, detail=answered(completion)) from exc
        return Verdict.block("the message is off-topic", category="off-topic") if blocked else Verdict.allow()


def _read(text: str) -> Judgement:
    sense, _ = _ANSWER.read(said(text), "input")
    return Judgement(sense == "block")
