"""Turns a body into what is asked of the rails, as far as the operator lets a client decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from handrail import JUDGED_NAMES

from handrail_server._bodies import ChatBody, ChecksBody, Message, Options, Parameters, given
from handrail_server._errors import ApiError
from handrail_server._fields import Fields
from handrail_server._parameters import CANNOT, SET_ASIDE, USUAL

if TYPE_CHECKING:
    from handrail_server._settings import Limits, Policy

_LONGEST_NAME = 64  # of what could be a misspelt parameter; a longer one takes long to compare
_OWN = frozenset(ChatBody.model_fields) - frozenset(Parameters.model_fields)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client wants, checked against the policy.

    Attributes:
        messages: the new messages, context first.
        config_ids: the configurations named; empty if none are.
        model: the model named.
        options: the options for the rails.
        stream: whether the answer is to be streamed.
        include_usage: whether a stream ends with the tokens used.
        thread_id: the thread to go on with.
        trace: whether the stream shows what is held and checked.
        state: the client's state, given back as it came.
        openai: whether the body is OpenAI's, and so the answer.
        instructed: whether the first message is an instruction for this answer alone, which no history keeps.
        previous: the answer to go on from, by its id.
        keeps: whether a later request may go on from this answer.
        left_out: types of tools that are not offered to the model, for no rail would read what they find.
    """

    messages: tuple[Mapping[str, Any], ...]
    config_ids: tuple[str, ...] = ()
    model: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    stream: bool = False
    include_usage: bool = False
    thread_id: str | None = None
    trace: bool = False
    state: Mapping[str, Any] | None = None
    openai: bool = True
    context: Mapping[str, Any] = field(default_factory=dict)
    instructed: bool = False
    previous: str | None = None
    keeps: bool = False
    left_out: tuple[str, ...] = ()


class Gatekeeper:
    """Applies one operator's policy and limits."""

    def __init__(self, policy: Policy, limits: Limits, *, traces: bool) -> None:
        self._policy = policy
        self._limits = limits
        self._traces = traces
        self._fields = Fields(policy)

    def chat(self, body: ChatBody) -> Wanted:
        """Return what a request for an answer wants.

        Raises:
            ApiError: it wants more than it may.
        """
        rest = body.guardrails
        options = _either("options", body.options, rest and rest.options)
        _refuse_unsupported(body)
        return Wanted(
            messages=self._messages(body.messages),
            config_ids=self._config_ids(body),
            model=body.model,
            options=self._options(options, self._parameters(body)),
            stream=bool(body.stream),
            include_usage=bool(body.stream_options and body.stream_options.include_usage),
            thread_id=_either("thread_id", body.thread_id, rest and rest.thread_id),
            trace=self._trace(bool(rest and rest.trace)),
            state=_either("state", body.state, rest and rest.state),
            openai=body.model is not None or rest is not None,
            context=self._context(_either("context", body.context, rest and rest.context)),
        )

    def checks(self, body: ChecksBody) -> Wanted:
        """Return what a request for checks wants.

        Raises:
            ApiError: it wants more than it may.
        """
        rest = body.guardrails
        if rest is not None and (rest.options or rest.thread_id or rest.state):
            raise ApiError(400, "Checks take no options, thread or state.", code="invalid_value", param="guardrails")
        self._count(len(body.messages))
        return Wanted(
            messages=self._fields.passed(list(map(given, body.messages))),
            config_ids=self._config_ids(body),
            model=body.model,
            context=self._context(_either("context", body.context, rest and rest.context)),
        )

    def count(self, messages: int) -> None:
        """Refuse a conversation that is too long, its thread included.

        Raises:
            ApiError: it is.
        """
        self._count(messages)

    def _messages(self, messages: list[Message]) -> tuple[Mapping[str, Any], ...]:
        self._count(len(messages))
        for index, message in enumerate(messages):
            if message.role not in self._policy.roles:
                raise _not_allowed(f"messages[{index}].role", f"{message.role!r}; {_allowed(self._policy.roles)}")
        if messages[-1].role == "assistant" and not self._policy.prefill:
            raise ApiError(
                400,
                "The last message is the assistant's, so the model would continue text that no rail has checked; "
                "send one of the roles user, tool, system or developer last.",
                code="invalid_value",
                param="messages",
            )
        return self._fields.passed(list(map(given, messages)))

    def _count(self, count: int) -> None:
        if count > self._limits.messages:
            text = f"The conversation has {count} messages; this server takes at most {self._limits.messages}."
            raise ApiError(400, text, code="too_many_messages", param="messages")

    def _config_ids(self, body: ChatBody | ChecksBody) -> tuple[str, ...]:
        return self.configurations(config_ids(body))

    def configurations(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the configurations that a request may name together.

        Raises:
            ApiError: they are not to be combined.
        """
        ids = tuple(dict.fromkeys(names))
        if len(ids) > 1 and ids not in self._policy.combinations:
            raise _not_allowed("config_ids", "which configurations are combined is the operator's decision")
        return ids

    def _parameters(self, body: ChatBody) -> Mapping[str, Any]:
        return {name: value for name, value in given(body).items() if name not in _OWN}

    def _options(self, options: Options | None, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        wanted = dict(given(options))
        if wanted.get("rails") is not None and not self._policy.rails:
            raise _not_allowed("options.rails", "which rails run is the operator's decision")
        parameters = {**wanted.pop("llm_params", {}), **parameters}
        passed = {name: value for name, value in parameters.items() if self._passes(name)}
        for name, asked in (wanted.get("log") or {}).items():
            if asked and name not in self._policy.log:
                raise _not_allowed(f"options.log.{name}", _allowed(self._policy.log))
        return {**wanted, "llm_params": passed}

    def _passes(self, parameter: str) -> bool:
        """Return whether a parameter reaches the model.

        Raises:
            ApiError: it may not be set.
        """
        if self._policy.allows(parameter):
            return True
        if parameter in SET_ASIDE:
            return False
        if parameter in CANNOT:
            raise ApiError(
                400, f"'{parameter}' is not supported: {CANNOT[parameter]}.", code="unsupported_value", param=parameter
            )
        near = get_close_matches(parameter[:_LONGEST_NAME], filter(self._policy.allows, USUAL), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "; the operator decides in 'policy.parameters'"
        raise ApiError(
            400,
            f"The parameter {parameter!r} is unknown or may not be set here{hint}",
            code="unknown_parameter",
            param=parameter,
        )

    def _context(self, context: Mapping[str, Any] | None) -> Mapping[str, Any]:
        if not context:
            return {}
        if not self._policy.context:
            raise _not_allowed("context", "this server takes no context from clients")
        for name in context:
            if name in JUDGED_NAMES:
                raise _not_allowed(f"context.{name}", "rails judge it, so it is never taken from a client")
        return context

    def _trace(self, asked: bool) -> bool:  # noqa: FBT001  # a flag of the body
        if asked and not self._traces:
            raise _not_allowed("guardrails.trace", "the operator has not switched the playground on")
        return asked


def config_ids(body: ChatBody | ChecksBody) -> tuple[str, ...]:
    """Return the configurations that a body names, in whichever of the places.

    Raises:
        ApiError: it names them twice.
    """
    found: list[tuple[str, ...]] = []
    for place in (body, body.guardrails):
        if place is not None and place.config_id is not None:
            found.append((place.config_id,))
        if place is not None and place.config_ids is not None:
            found.append(tuple(dict.fromkeys(place.config_ids)))
    if len(found) > 1:
        raise ApiError(
            400,
            "The configuration is named more than once; write one of config_id, config_ids, guardrails.config_id and "
            "guardrails.config_ids.",
            code="invalid_value",
            param="config_id",
        )
    return found[0] if found else ()


def _refuse_unsupported(body: ChatBody) -> None:
    if body.logprobs:
        text = f"'logprobs' is not supported: {CANNOT['logprobs']}."
        raise ApiError(400, text, code="unsupported_value", param="logprobs")
    if body.stream_options is not None and not body.stream:
        raise ApiError(
            400,
            "'stream_options' belongs to a stream; set 'stream' to true.",
            code="invalid_value",
            param="stream_options",
        )


def _either(name: str, flat: Any, nested: Any) -> Any:
    if flat is not None and nested is not None:
        text = f"'{name}' is given both at the top level and inside 'guardrails'; keep one."
        raise ApiError(400, text, code="invalid_value", param=name)
    return nested if flat is None else flat


def _not_allowed(param: str, why: str) -> ApiError:
    return ApiError(
        403, f"'{param}' may not be set here: {why}.", type="permission_error", code="not_allowed", param=param
    )


def _allowed(names: Iterable[str]) -> str:
    return f"allowed: {', '.join(names) or 'none'}"
