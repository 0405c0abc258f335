"""Asks a model about a text, and makes a verdict of what it answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeAlias

from handrail import Verdict
from handrail.errors import InvalidRailsConfigurationError, RailError

from handrail_self_check._cache import AnswerCache, cache_key
from handrail_self_check._parsers import NAMES, Parser, default_parser, parser_named, registered_parser
from handrail_self_check._placed import PlacedPrompt
from handrail_self_check._polarity import last_question, sense_of
from handrail_self_check._spoken import UnreadableAnswerError
from handrail_self_check._template import PromptTemplate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from handrail import Completion, Message, Model, RailContext, Turn
    from handrail.config import RailsConfig, TaskPrompt

    from handrail_self_check._answer import Judgement
    from handrail_self_check._question import Question
    from handrail_self_check._settings import SelfCheckSettings

_SHOWN = 80  # characters
_ENDED = frozenset(("", "stop", "end", "end_turn", "stop_sequence", "eos", "eos_token", "complete", "completed"))
"""Reasons for which a whole answer ends. None is no reason: some servers tell none."""
_WAS_CUT = frozenset(("length", "max_tokens", "model_length"))


@dataclass(frozen=True, slots=True)
class Task:
    """What a rail asks.

    Attributes:
        name: the task, for prompts, models and the log.
        question: what "yes" means.
        given: the variables of its prompt.
        judged: those that the prompt has to mention.
        finding: what a block says has been found.
        max_tokens: room for the answer where the configuration sets none. A model that thinks before it says yes or no
            needs some; one that just says it is not slower for it.
    """

    name: str
    question: Question
    given: tuple[str, ...]
    judged: tuple[str, ...]
    finding: str
    max_tokens: int = 256


Choose: TypeAlias = "Callable[[PlacedPrompt, Model], Parser]"
"""Finds the parser for the answers of a model to a prompt, when the configuration is loaded."""


class Judge:
    """The model, the prompt and the parser of one rail.

    Args:
        task: what is asked.
        settings: of the rail.
        context: of the rail; it takes no arguments.
        choose: finds the parser; by default by the prompt's `output_parser`, or the words of the task.
        prompt: the prompt, if it is not the configuration's.

    Raises:
        ConfigurationError: one of them is missing or cannot be used.
    """

    def __init__(
        self,
        task: Task,
        settings: SelfCheckSettings,
        context: RailContext,
        *,
        choose: Choose | None = None,
        prompt: TaskPrompt | None = None,
    ) -> None:
        _refuse_arguments(task, context)
        self._task = task
        self._rail = context.name
        self._model = context.model(task.name)
        placed = PlacedPrompt.find(context, task.name) if prompt is None else PlacedPrompt(prompt, "")
        _refuse_one_token(placed)
        self._parse = _parser(placed, task, context) if choose is None else choose(placed, self._model)
        self._names_anything = choose is None  # a model that is made to judge has a list of categories
        self._template = PromptTemplate(placed, given=task.given, judged=task.judged)
        self._params = _params(placed.prompt, task, context.config, self._model)
        self._cache = AnswerCache(settings.cache_size) if settings.cache_size else None

    async def verdict(self, values: Mapping[str, Any], turn: Turn) -> Verdict:
        """Ask about the values, and return what follows from the answer.

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
        try:
            judgement = read_completion(completion, self._parse)
        except UnreadableAnswerError as exc:
            raise self._unreadable(exc, completion) from exc
        if self._names_anything and judgement.category and self._template.is_quoted(judgement.category, messages):
            return replace(judgement, category=None)  # clients, traces and records are told a category
        return judgement

    def _made(self, judgement: Judgement, note: str = "") -> Verdict:
        if judgement.blocked:
            return Verdict.block(f"{self._task.finding}{note}", category=judgement.category)
        return Verdict.allow(f"allowed{note}" if note else "")

    def _unreadable(self, why: UnreadableAnswerError, completion: Completion) -> RailError:
        advice = _advice(completion, self._task.name, self._params.get("max_tokens"))
        return RailError(
            f"the judge {model_label(self._model)} {why}; {advice}", rail=self._rail, detail=answered(completion)
        )


def answered(completion: Completion) -> Mapping[str, object]:
    """Return how an answer begins that cannot be read, for the journal: its first 80 characters."""
    return {"answer": completion.text[:_SHOWN], "finish_reason": completion.finish_reason}


def read_completion(completion: Completion, parse: Parser) -> Judgement:
    """Read an answer that has ended, or a block in one that has not: a beginning can block, but never allow.

    Raises:
        UnreadableAnswerError: it cannot be read, or it allows and did not end by itself.
    """
    judgement = parse(completion.text)
    reason = (completion.finish_reason or "").casefold()
    if not judgement.blocked and reason not in _ENDED:
        raise UnreadableAnswerError("did not end its answer")
    return judgement


def _advice(completion: Completion, task: str, limit: object) -> str:
    reason = (completion.finish_reason or "").casefold()
    if reason in _WAS_CUT:
        return f"it was cut off at {limit or 'its limit of'} tokens; set a larger max_tokens in the prompt of {task!r}"
    if reason == "content_filter":
        return "its provider's content filter stopped it; use another model as the judge"
    if reason not in _ENDED:
        return f"its provider ended it with the reason {completion.finish_reason!r}"
    return (
        f"its answer is in the journal; let the prompt of the task {task!r} ask for one word, yes or no, or set the "
        f"output_parser for its form"
    )


def model_label(model: Model) -> str:
    """Return the engine and the name of a model, for errors."""
    return f"{model.engine}/{model.name}" if model.name else model.engine


def _refuse_arguments(task: Task, context: RailContext) -> None:
    if context.arguments:
        names = ", ".join(f"${name}" for name in context.arguments)
        raise InvalidRailsConfigurationError(
            f"rail {context.name!r} takes no arguments, but got {names}; to choose its judge, give a model "
            f"the type {task.name!r}"
        )


def _refuse_one_token(placed: PlacedPrompt) -> None:
    """An answer that fills its limit is cut, as far as anybody can tell, so that nothing would ever pass."""
    if placed.prompt.max_tokens == 1:
        raise placed.error("sets max_tokens to 1, at which no answer can be seen to end; set at least 3")


def _parser(placed: PlacedPrompt, task: Task, context: RailContext) -> Parser:
    name = placed.prompt.output_parser
    if name is None or name == task.name:
        return words_parser(placed, task)
    return parser_named(name, task.question) or unknown_parser(placed, NAMES, context)


def words_parser(placed: PlacedPrompt, task: Task) -> Parser:
    """Return the parser of the task's own words, by which an echo of the prompt's question is known.

    Raises:
        InvalidRailsConfigurationError: the prompt asks the other way round.
    """
    question = last_question(_source(placed.prompt))
    found = sense_of(question)
    if found is not None and found != task.question.yes:
        means, makes = ("allow", "block") if found == "allow" else ("block", "allow")
        raise placed.error(
            f"asks {question!r}, where 'yes' would {means} the text, while this task takes 'yes' to {makes} it; ask "
            f"the other way round, or set its output_parser to 'yes_{found}s'"
        )
    return default_parser(task.question if found is None else task.question.repeated(question))


def unknown_parser(placed: PlacedPrompt, names: tuple[str, ...], context: RailContext) -> Parser:
    """Return a parser that the program may still register.

    Raises:
        InvalidRailsConfigurationError: its name is like one of those there are, so that it is a mistake.
    """
    name = placed.prompt.output_parser or ""
    registered = context.registrations.output_parsers
    if name not in registered and get_close_matches(name, names, n=1, cutoff=0.8):
        raise placed.error(f"names the output_parser {name!r}, which is unknown; known: {', '.join(names)}")
    return registered_parser(name, names, registered)


def _source(prompt: TaskPrompt) -> str:
    if prompt.content is not None:
        return prompt.content
    return "\n".join(entry if isinstance(entry, str) else entry.content for entry in prompt.messages or ())


def _params(prompt: TaskPrompt, task: Task, config: RailsConfig, model: Model) -> Mapping[str, Any]:
    """Return the parameters of a request. A limit in the judge's own `parameters` stands unless the prompt has one."""
    params: dict[str, Any] = {"temperature": config.lowest_temperature}
    own = entry.parameters if model.type == prompt.task and (entry := config.model_for(model.type)) else {}
    if prompt.max_tokens is not None:
        params["max_tokens"] = prompt.max_tokens
    elif not own.keys() & {"max_tokens", "max_completion_tokens"}:
        params["max_tokens"] = task.max_tokens
    if prompt.stop:
        params["stop"] = list(prompt.stop)
    return params
