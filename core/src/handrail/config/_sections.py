"""The parts of a configuration: models, prompts, instructions, rails."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from handrail.config._flows import Flow
from handrail.config._section import Count, Seconds, Section, SettingsByName, reject
from handrail.config._streaming import StreamingConfig
from handrail.config._unread import Unread

_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def _is_variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise ValueError(
            "it is not a valid environment variable name; write the name of the variable that holds the key, "
            "such as OPENAI_API_KEY, and not the key itself"
        )
    return name


REFUSAL = "I'm sorry, I can't respond to that."
RAIL_FAILURE = "I'm sorry, an internal error has occurred."


class BreakerConfig(Section):
    """`breaker` of an entry of `models`.

    Attributes:
        failures: after how many failures in a row the model is not asked any more; an answer that comes too late for
            the rail is one, and what is wrong with a request is none.
        seconds: after how many seconds it is asked again, by one request first.
    """

    failures: Count = 5
    seconds: Seconds = 30.0


class ModelConfig(Section):
    """One entry of `models`. The last three keys are for what rails ask of it, and not for the answer to a user.

    Attributes:
        type: "main", or the task that the model serves.
        engine: the provider's name.
        model: the model's name as the provider knows it; may be written as `parameters.model` instead.
        parameters: settings for the provider, without the model's name.
        api_key_env_var: the environment variable that holds the key.
        concurrency: how many requests of rails run at once, in all calls together; others wait, within the time of
            their rail. None for no limit.
        fallback: types of models that rails ask instead, in this order, while this one is down.
        breaker: when a model that is down is not asked any more for a while. None to ask it always.
        mode: kept for configurations that have it; without effect.
        cache: kept for configurations that have it; without effect.
        reasoning_config: kept for configurations that have it; without effect, for reasoning is never part of the text.
    """

    type: str
    engine: str
    model: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    api_key_env_var: Annotated[str, AfterValidator(_is_variable)] | None = None
    concurrency: Count | None = None
    fallback: tuple[str, ...] = ()
    breaker: BreakerConfig | None = None
    mode: Annotated[str | None, Unread()] = None
    cache: Annotated[dict[str, Any] | None, Unread("every answer of a model is its own")] = None
    reasoning_config: Annotated[dict[str, Any] | None, Unread("reasoning is never part of the text")] = None

    @model_validator(mode="before")
    @classmethod
    def _name_stands_once(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not isinstance(values.get("parameters"), dict):
            return values
        parameters = dict(values["parameters"])
        named = [key for key in ("model", "model_name") if parameters.get(key) is not None]
        found = [f"parameters.{key}" for key in named]
        if values.get("model") is not None:
            found.insert(0, "model")
        if len(found) > 1:
            reject("model", f"names the model more than once: {', '.join(found)}; keep one of them")
        if not named:
            return values
        return {**values, "model": parameters.pop(named[0]), "parameters": parameters}


class Instruction(Section):
    """One entry of `instructions`: text for the model that precedes the conversation.

    Attributes:
        type: kept for configurations that have it; every entry is sent.
        content: the text.
    """

    type: Annotated[str, Unread("every instruction is sent", but="general")] = "general"
    content: str


class PromptMessage(Section):
    """One message of a prompt in several messages.

    Attributes:
        type: the message's role; may be written as `role`.
        content: a template.
    """

    type: str = Field(validation_alias=AliasChoices("type", "role"))
    content: str


def _form(message: Any) -> str:
    return "text" if isinstance(message, str) else "mapping"


MessageOrText = Annotated[Annotated[PromptMessage, Tag("mapping")] | Annotated[str, Tag("text")], Discriminator(_form)]


class TaskPrompt(Section):
    """One entry of `prompts`.

    Attributes:
        task: what the prompt is for.
        content: a template; exactly one of `content` and `messages` is set.
        messages: templates by role. A string stands for the conversation so far.
        models: engines, or `engine/model`, for which the prompt is meant; all if None.
        output_parser: the parser's name.
        max_length: most characters of the rendered prompt.
        max_tokens: most tokens of the answer.
        stop: strings at which the answer ends.
        mode: kept for configurations that have it.
    """

    task: str
    content: str | None = None
    messages: tuple[MessageOrText, ...] | None = None
    models: tuple[str, ...] | None = None
    output_parser: str | None = None
    max_length: Count = 16_000
    max_tokens: Count | None = None
    stop: tuple[str, ...] | None = None
    mode: str = "standard"

    @model_validator(mode="after")
    def _content_or_messages(self) -> Self:
        if self.content is not None and self.messages is not None:
            reject("messages", "cannot be combined with 'content'; use one or the other")
        if self.content is None and self.messages is None:
            reject("", "has neither 'content' nor 'messages'; a prompt needs one of them")
        return self


class PluginsConfig(Section):
    """`plugins`.

    Attributes:
        enable: the only plugins that this configuration may use, by distribution or entry point, beside the kernel's
            own and those that a program hands in; None for all that are installed.
        disable: plugins that this configuration must not use, named likewise.
    """

    enable: tuple[str, ...] | None = None
    disable: tuple[str, ...] = ()


def _parses(text: str) -> str:
    Flow.parse(text)
    return text


FlowText = Annotated[str, AfterValidator(_parses)]


class InputRails(Section):
    """`rails.input`.

    Attributes:
        flows: the rails that messages pass before the model sees them, in order.
        roles: whose messages they judge, the history's too; what a user writes and what a tool returns unless set.
        parallel: check them all at once.
        speculative: ask the model already while they check.
        refusal: what a user is told when one of them refuses.
    """

    flows: tuple[FlowText, ...] = ()
    roles: Annotated[tuple[Literal["user", "tool", "system", "developer"], ...], Field(min_length=1)] = ("user", "tool")
    parallel: bool = False
    speculative: bool = False
    refusal: str = REFUSAL


class OutputRails(Section):
    """`rails.output`.

    Attributes:
        flows: the rails that an answer passes, in order.
        parallel: check them all at once.
        streaming: how a streamed answer is cut into windows.
        deliver_unguarded: channels that strangers are given although no rail guards them. Without rails in `flows`
            everything is given, and text and tool calls are in any case.
        refusal: what a user is told when one of them refuses a whole answer.
    """

    flows: tuple[FlowText, ...] = ()
    parallel: bool = False
    streaming: StreamingConfig = StreamingConfig()
    deliver_unguarded: tuple[Literal["reasoning"], ...] = ()
    refusal: str = REFUSAL


class Rails(Section):
    """`rails`.

    Attributes:
        input: rails for what the user writes.
        output: rails for what the model answers.
        config: settings of each rail, and the kernel's options for it, under the rail's name.
        failure_message: what a user is told when a rail could not do its work.
    """

    input: InputRails = InputRails()
    output: OutputRails = OutputRails()
    config: SettingsByName = Field(default_factory=dict)
    failure_message: str = RAIL_FAILURE
