"""What a caller may get back: nothing of an answer that was blocked, and no address or name of a key in an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from handrail import Blocked, RailFailed, StreamError

from nemoguardrails._pushing import content_of

if TYPE_CHECKING:
    from handrail import ActivatedRail, ExecutedAction, GenerationLog, GenerationResponse, LLMCallInfo, Message
    from handrail.config import RailsConfig
    from handrail_colang import CallVariables

    from nemoguardrails.rails.llm.options import GenerationOptions

_OPENED, _CLOSED = "<think>", "</think>"
GENERATION_FAILED = "The model could not answer."
_GENERATES = "generate_user_intent"  # what asks the model, by the name that existing code looks for in logs
_DECISIONS = ("allow", "block", "rewrite", "failed", "cancelled")
WITHHELD = "[withheld: the answer was blocked]"


class Names:
    """The rails' names as the configuration has them, with their arguments, where it has one of that name only.

    Args:
        config: the configuration.
    """

    def __init__(self, config: RailsConfig) -> None:
        self.config = config
        self._texts: dict[str, set[str]] = {}
        for flow in (*config.input_flows, *config.output_flows):
            self._texts.setdefault(flow.name, set()).add(" ".join(flow.text.split()))

    def __call__(self, name: str) -> str:
        """Return a rail's name as the configuration has it."""
        texts = self._texts.get(name, set())
        return next(iter(texts)) if len(texts) == 1 else name

    def stop(self, stop: Blocked | RailFailed) -> Blocked | RailFailed:
        """Return what ended a call, with the rail's name as the configuration has it."""
        name = self(stop.rail)
        return stop if name == stop.rail else replace(stop, rail=name)

    def log(self, log: GenerationLog) -> GenerationLog:
        """Return a log with the rails' names as the configuration has them."""
        if not log.activated_rails:
            return log
        return replace(log, activated_rails=tuple(map(self._rail, log.activated_rails)))

    def _rail(self, rail: ActivatedRail) -> ActivatedRail:
        if rail.type != "generation":
            return replace(rail, name=self(rail.name))
        actions = tuple(replace(action, action_name=_GENERATES) for action in rail.executed_actions)
        return replace(
            rail, name="generate user intent", decisions=(f"execute {_GENERATES}",), executed_actions=actions
        )


def fit_for_readers(error: StreamError, names: Names) -> StreamError:
    """Return an error chunk without what only the operator may know: addresses, names of keys, a server's words."""
    if error.event is not None:
        return StreamError.of(names.stop(error.event))
    if error.error.get("type") != "generation_error":
        return error
    return StreamError.of_generation(RuntimeError(GENERATION_FAILED))


def exception_message(stop: Blocked | RailFailed, names: Names) -> dict[str, Any]:
    """Return the message of the role "exception" for what ended a call."""
    kind = f"{stop.direction.capitalize()}RailException"
    flow = names(stop.rail)
    subject = "input" if stop.direction == "input" else "output"
    said = f"{subject.capitalize()} not allowed. The {subject} was blocked by the '{flow}' flow."
    if isinstance(stop, RailFailed):
        kind, said = "InternalErrorException", f"Internal error in the '{flow}' flow."
    elif stop.category is not None and stop.category.endswith("Exception"):
        kind, said = stop.category, stop.reason
    now = datetime.now(UTC).isoformat()
    content = {"type": kind, "uid": str(uuid4()), "event_created_at": now, "source_uid": "handrail", "message": said}
    return {"role": "exception", "content": content}


def with_exception(result: GenerationResponse, names: Names) -> GenerationResponse:
    """Return what came of a call, with an exception in place of a refusal where the configuration or a flow says so."""
    stop = result.stop
    created = isinstance(stop, Blocked) and str(stop.category or "").endswith("Exception")
    if stop is None or not (created or names.config.enable_rails_exceptions):
        return result
    return replace(result, response=[exception_message(stop, names)])


def without_the_answer(log: GenerationLog, stop: Blocked | RailFailed) -> GenerationLog:
    """Return the log of a stopped call without the answer: neither what the model said nor what judges were shown."""
    withheld = partial(_without_texts, judged=stop.direction == "output")
    rails = tuple(
        replace(
            rail,
            executed_actions=tuple(
                _without_result(action, judged=stop.direction == "output", withheld=withheld)
                for action in rail.executed_actions
            ),
        )
        for rail in log.activated_rails or ()
    )
    return replace(
        log,
        activated_rails=None if log.activated_rails is None else rails,
        llm_calls=None if log.llm_calls is None else tuple(map(withheld, log.llm_calls)),
    )


def _without_result(
    action: ExecutedAction, *, judged: bool, withheld: Callable[[LLMCallInfo], LLMCallInfo]
) -> ExecutedAction:
    """Return an action without its result, if that may have been made of the answer."""
    result = action.return_value
    is_decision = isinstance(result, str) and result in _DECISIONS
    told = not judged or result is None or isinstance(result, bool | int | float) or is_decision
    calls = tuple(map(withheld, action.llm_calls))
    return replace(action, return_value=result if told else None, llm_calls=calls)


def without_thinking(message: Message) -> tuple[Message, str | None]:
    """Return a message without what the model thought inside its text, before the answer, and that.

    Thoughts that do not end are all there is.
    """
    content = message.get("content")
    if not isinstance(content, str) or not content.lstrip().startswith(_OPENED):
        return message, None
    thought, _, answer = content.lstrip().removeprefix(_OPENED).partition(_CLOSED)
    return {**message, "content": answer.lstrip()}, thought.strip()


def _without_texts(call: LLMCallInfo, *, judged: bool) -> LLMCallInfo:
    if call.task == "general":
        return replace(call, completion=WITHHELD)
    return replace(call, prompt=WITHHELD, completion=WITHHELD) if judged else call


def own_variables(
    result: GenerationResponse, options: GenerationOptions, call: CallVariables | None
) -> Mapping[str, Any] | None:
    """Return the variables that were asked for; of a blocked answer, without the answer and what was made of it.

    What the bot said is the refusal then.
    """
    if result.output_data is None:
        return None
    names = options.output_vars if isinstance(options.output_vars, list) else None
    own = {} if call is None else call.wanted(names, blocked=result.stop is not None)
    said = content_of(result.response)
    beside = {"bot_message": said, "last_bot_message": said, "generation_options": options.model_dump()}
    asked = {name: value for name, value in beside.items() if names is None or name in names}
    return {**result.output_data, **own, **asked}
