"""How an action asks a model: the `llm` and the `llm_task_manager` that it may name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol, Self

from handrail.errors import RailError, message_of
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

if TYPE_CHECKING:
    from handrail import Completion, Message, Model, RailContext, Turn

Prompt = str | Sequence["Message"]


class CallInfo(Protocol):
    """What an action says of the request that it is about to make."""

    @property
    def task(self) -> str:
        """The name under which the request is written down."""
        ...


llm_call_info_var: ContextVar[CallInfo | None] = ContextVar("llm_call_info", default=None)
"""Set by an action to give its next request another name than its own."""


class ActionModel:
    """The model whose type is the action's name, else the main one.

    Attributes:
        params: parameters of every request, which those of one request override.
        asked: the tasks of its requests.
    """

    def __init__(self, model: Model, turn: Turn, task: str, asked: set[str]) -> None:
        self.model_name = model.name
        self.params: Mapping[str, Any] = {}
        self._model = model
        self._turn = turn
        self._task = task
        self.asked = asked

    async def ask(self, prompt: Prompt, params: Mapping[str, Any] | None = None) -> Completion:
        """Ask, and give the whole answer."""
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
        info = llm_call_info_var.get()
        llm_call_info_var.set(None)  # of this request alone
        task = self._task if info is None else info.task
        self.asked.add(task)
        return await self._model.complete(messages, {**self.params, **(params or {})}, turn=self._turn, task=task)

    async def ainvoke(self, prompt: Prompt, **params: Any) -> ModelAnswer:
        """Ask as models of LangChain are asked; the result has `content`."""
        completion = await self.ask(prompt, params)
        return ModelAnswer(completion.text, completion.reasoning)

    async def generate_async(self, prompt: Prompt, *, stop: Sequence[str] | None = None, **params: Any) -> ModelAnswer:
        """Ask as newer actions do; the result has `content`, too."""
        return await self.ainvoke(prompt, **params, **({"stop": list(stop)} if stop else {}))


class ModelAnswer(str):
    """An answer: a text that also has it as `content`."""

    __slots__ = ("reasoning",)

    reasoning: str

    def __new__(cls, text: str, reasoning: str = "") -> Self:
        """Make one."""
        answer = super().__new__(cls, text)
        answer.reasoning = reasoning
        return answer

    @property
    def content(self) -> str:
        """The text."""
        return str(self)

    @property
    def text(self) -> str:
        """The text, as what a parser has left is read."""
        return str(self)


class ParsedList(list[Any]):
    """What a parser has read, as a list that also has itself as `text`: both forms are in use."""

    reasoning_trace: None = None

    @property
    def text(self) -> list[Any]:
        """The list."""
        return self


async def llm_call(
    llm: ActionModel,
    prompt: Prompt,
    model_name: str | None = None,
    model_provider: str | None = None,
    stop: Sequence[str] | None = None,
    llm_params: Mapping[str, Any] | None = None,
) -> ModelAnswer:
    """Ask the `llm` that an action was given.

    Args:
        llm: what the action got as its parameter `llm`.
        prompt: a text, or messages.
        model_name: kept for existing code; without effect.
        model_provider: kept for existing code; without effect.
        stop: texts at which the answer ends.
        llm_params: further parameters of the model.
    """
    del model_name, model_provider
    params = {**(llm_params or {}), **({"stop": list(stop)} if stop else {})}
    return await llm.ainvoke(prompt, **params)


class TaskManager:
    """Renders the configuration's prompts."""

    def __init__(self, context: RailContext) -> None:
        self._context = context
        self._environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)

    def render_task_prompt(
        self,
        task: str,
        context: Mapping[str, Any] | None = None,
        events: object = None,
        force_string_to_message: bool = False,  # noqa: FBT001, FBT002  # the published signature
    ) -> str | list[Message]:
        """Render the prompt of a task.

        Args:
            task: the task.
            context: the variables of the prompt.
            events: kept for existing code; without effect.
            force_string_to_message: whether a prompt that is one text comes back as a message.

        Raises:
            RailError: a variable is missing, or the prompt is too long.
        """
        del events
        prompt = self._context.prompt(task)
        if prompt.content is not None:
            text = self._render(prompt.content, context or {}, task, prompt.max_length)
            return [{"role": "user", "content": text}] if force_string_to_message else text
        parts = [part for part in prompt.messages or () if not isinstance(part, str)]
        return [
            {"role": part.type, "content": self._render(part.content, context or {}, task, prompt.max_length)}
            for part in parts
        ]

    def parse_task_output(self, task: str, output: str, forced_output_parser: str | None = None) -> Any:
        """Read an answer with the parser that the prompt names; without one, return it as it is.

        Args:
            task: the task.
            output: the answer.
            forced_output_parser: the name of a parser to use in place of the prompt's.

        Returns:
            What the parser returns; a text or a list has itself as `text`, too.

        Raises:
            RailError: the parser is not registered.
        """
        name = forced_output_parser or self._context.prompt(task).output_parser
        if name is None:
            return ModelAnswer(output)
        parser = self._context.registrations.output_parsers.get(name)
        if parser is None:
            raise RailError(f"the output parser {name!r} is not registered", rail=self._context.name)
        result = parser(output)
        if isinstance(result, str):
            return ModelAnswer(result)
        return ParsedList(result) if isinstance(result, list | tuple) else result

    def has_output_parser(self, task: str) -> bool:
        """Return whether the prompt of a task names a parser."""
        return self._context.prompt(task).output_parser is not None

    def get_stop_tokens(self, task: str) -> list[str] | None:
        """Return the texts at which an answer ends."""
        stop = self._context.prompt(task).stop
        return list(stop) if stop else None

    def get_max_tokens(self, task: str) -> int | None:
        """Return the most tokens of an answer."""
        return self._context.prompt(task).max_tokens

    def _render(self, template: str, values: Mapping[str, Any], task: str, limit: int) -> str:
        try:
            text = self._environment.from_string(template).render(values)
        except TemplateError as exc:
            raise RailError(
                f"the prompt of the task {task!r} failed: {message_of(exc)}", rail=self._context.name
            ) from exc
        if len(text) > limit:
            raise RailError(
                f"the prompt of the task {task!r} has {len(text):,} characters, and its max_length is {limit:,}",
                rail=self._context.name,
            )
        return text
