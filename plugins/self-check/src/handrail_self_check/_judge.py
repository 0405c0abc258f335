"""Asks a model about a text, and makes a verdict of what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from handrail import Verdict
from handrail.errors import InvalidRailsConfigurationError, RailError

from handrail_self_check._answer import UnreadableAnswerError
from handrail_self_check._cache import AnswerCache, cache_key
from handrail_self_check._parsers import NAMES, Parser, default_parser, parser_named, registered_parser
from handrail_self_check._placed import PlacedPrompt
from handrail_self_check._polarity import asked
from handrail_self_check._template import PromptTemplate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from handrail import Completion, Message, Model, RailContext, Turn
    from handrail.config import RailsConfig, TaskPrompt

    from handrail_self_check._answer import Judgement
    from handrail_self_check._reading import Question
    from handrail_self_check._settings import SelfCheckSettings

DEFAULT_MAX_TOKENS = 256
"""Room for a model that thinks before it says yes or no; one that just says it is not slower for it."""

_EXCERPT = 80
_CUT = ("length", "max_tokens")


@dataclass(frozen=True, slots=True)
class Task:
    """What a rail asks.

    Attributes:
        name: the task, for prompts, models and the log.
        question: what "yes" means.
        given: the variables of its prompt.
        judged: those that the prompt has to mention.
        finding: what a block says has been found.
    """

    name: str
    question: Question
    given: tuple[str, ...]
    judged: tuple[str, ...]
    finding: str


class Judge:
    """The model, the prompt and the parser of one rail.

    Raises:
        ConfigurationError: one of them is missing or cannot be used.
    """

    def __init__(self, task: Task, settings: SelfCheckSettings, context: RailContext) -> None:
        _refuse_arguments(task, context)
        self._task = task
        self._rail = context.name
        self._model = context.model(task.name)
        placed = PlacedPrompt.find(context, task.name)
        self._parse = _parser(placed, task, context.registrations.output_parsers)
        self._template = PromptTemplate(placed, given=task.given, judged=task.judged)
        self._params = _params(placed.prompt, context.config, self._model)
        self._cache = AnswerCache(settings.cache_size) if settings.cache_size else None

    async def verdict(self, values: Mapping[str, Any], turn: Turn) -> Verdict:
        """Ask about the values, and give what follows from the answer.

        Raises:
            RailError: the question cannot be asked, or its answer cannot be read.
            ProviderError: the model could not answer.
        """
        messages = self._template.render(values, turn, self._rail)
        if self._cache is None:
            return self._made(await self._ask(messages, turn))
        key = cache_key(text for message in messages for text in (message["role"], message["content"]))
        if (known := self._cache.get(key)) is not None:
            return self._made(known, note=" (remembered)")
        judgement = await self._ask(messages, turn)
        self._cache.put(key, judgement)
        return self._made(judgement)

    async def _ask(self, messages: list[Message], turn: Turn) -> Judgement:
        completion = await self._model.complete(messages, self._params, turn=turn, task=self._task.name)
        cut = completion.finish_reason in _CUT
        try:
            return self._parse(completion.text, cut)
        except UnreadableAnswerError as exc:
            raise self._unreadable(exc, completion, cut=cut) from exc

    def _made(self, judgement: Judgement, note: str = "") -> Verdict:
        if judgement.blocked:
            return Verdict.block(f"{self._task.finding}{note}", category=judgement.category)
        return Verdict.allow(f"allowed{note}" if note else "")

    def _unreadable(self, why: UnreadableAnswerError, completion: Completion, *, cut: bool) -> RailError:
        text = " ".join(completion.text.split())
        shown = text if len(text) <= _EXCERPT else text[:_EXCERPT] + "..."
        advice = self._advice(completion, cut=cut)
        return RailError(f"the judge {_label(self._model)} {why}: {shown!r}; {advice}", rail=self._rail)

    def _advice(self, completion: Completion, *, cut: bool) -> str:
        if cut:
            limit = self._params.get("max_tokens", "its limit of")
            return f"it was cut off at {limit} tokens; set a larger max_tokens in the prompt of {self._task.name!r}"
        if completion.finish_reason == "content_filter":
            return "its provider's content filter stopped it; use another model as the judge"
        return f"let the prompt of the task {self._task.name!r} ask for one word, yes or no"


def _label(model: Model) -> str:
    return f"{model.engine}/{model.name}" if model.name else model.engine


def _refuse_arguments(task: Task, context: RailContext) -> None:
    if context.arguments:
        names = ", ".join(f"${name}" for name in context.arguments)
        raise InvalidRailsConfigurationError(
            f"rail {context.name!r} takes no arguments, and is given {names}; to choose its judge, give a model "
            f"the type {task.name!r}"
        )


def _parser(placed: PlacedPrompt, task: Task, registered: Mapping[str, Callable[..., Any]]) -> Parser:
    """Give the parser that a prompt names. One that is not known yet may be registered before it is needed."""
    prompt = placed.prompt
    if prompt.output_parser is not None and prompt.output_parser != task.name:
        parser = parser_named(prompt.output_parser, task.question)
        if parser is None and not get_close_matches(prompt.output_parser, NAMES, n=1, cutoff=0.8):
            return registered_parser(prompt.output_parser, registered)
        if parser is None:
            raise placed.error(
                f"names the output_parser {prompt.output_parser!r}, which is unknown; there are {', '.join(NAMES)}"
            )
        return parser
    _refuse_other_question(placed, task)
    return default_parser(task.question)


def _refuse_other_question(placed: PlacedPrompt, task: Task) -> None:
    """A "yes" that is taken for the contrary would let everything pass that must not."""
    found = asked(_source(placed.prompt))
    if found is None or found[0] == task.question.yes:
        return
    means, makes = ("allow", "block") if found[0] == "allow" else ("block", "allow")
    raise placed.error(
        f"asks {found[1]!r}, where 'yes' would {means} the text, while this task takes 'yes' to {makes} it; ask the "
        f"other way round, or set its output_parser to 'yes_{found[0]}s'"
    )


def _source(prompt: TaskPrompt) -> str:
    if prompt.content is not None:
        return prompt.content
    return "\n".join(entry if isinstance(entry, str) else entry.content for entry in prompt.messages or ())


def _params(prompt: TaskPrompt, config: RailsConfig, model: Model) -> Mapping[str, Any]:
    """Give the parameters of a request. A limit in the judge's own `parameters` stands unless the prompt has one."""
    params: dict[str, Any] = {"temperature": config.lowest_temperature}
    own = entry.parameters if model.type == prompt.task and (entry := config.model_for(model.type)) else {}
    if prompt.max_tokens is not None:
        params["max_tokens"] = prompt.max_tokens
    elif not own.keys() & {"max_tokens", "max_completion_tokens"}:
        params["max_tokens"] = DEFAULT_MAX_TOKENS
    if prompt.stop:
        params["stop"] = list(prompt.stop)
    return params
