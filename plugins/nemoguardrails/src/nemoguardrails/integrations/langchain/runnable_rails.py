"""Rails in chains: `prompt | (rails | model)`, `rails | chain`, or `rails` alone with the configured model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import aclosing
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, cast

import anyio
from handrail.errors import InvalidRequestError

from nemoguardrails.integrations.langchain._chains import ChainCall, ChainProvider, running, with_answer
from nemoguardrails.rails.llm.llmrails import LLMRails

if TYPE_CHECKING:
    import handrail

    from nemoguardrails.rails.llm.options import GenerationResponse


def _langchain() -> type:
    """Return LangChain's class of steps, where it is installed; what has `invoke` and `stream` needs no package."""
    try:
        found: type = import_module("langchain_core.runnables").Runnable
    except ImportError:
        return object
    return found


_Runnable = _langchain()
_ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool"}
_INPUT, _OUTPUT = "input", "output"
_CONTEXT = "context"  # whose value holds variables, beside the input
_STOPPED = {"log": {"activated_rails": True}}  # tells whether a rail has ended the call
T = TypeVar("T")


class RunnableRails(_Runnable):  # type: ignore[misc,valid-type]  # LangChain's class, where it is installed
    """A guarded model, or a guarded chain, as a step of a chain.

    A chain gets what comes in; its answer goes through the rails as a model's does. Of a mapping that it returns, the
    rails judge the answer alone.

    Args:
        config: what to guard.
        llm: the model that takes the place of the configured one; also given by `rails | model`.
        tools: not supported.
        passthrough: kept for existing code; the model always gets the conversation as it is.
        runnable: the chain that takes the model's place; also given by `rails | chain`.
        input_key: where a mapping that comes in has the user's message, or the messages.
        output_key: where a mapping that goes out has the answer.
        verbose: kept for existing code.
    """

    def __init__(
        self,
        config: handrail.RailsConfig,
        llm: object = None,
        tools: object = None,
        passthrough: bool = True,  # noqa: FBT001, FBT002  # the published signature
        runnable: object = None,
        input_key: str = _INPUT,
        output_key: str = _OUTPUT,
        verbose: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        if tools:
            raise InvalidRequestError("RunnableRails takes a model or a chain; 'tools' is not supported")
        self.config = config
        self.passthrough = passthrough
        self.passthrough_user_input_key = input_key
        self.passthrough_bot_output_key = output_key
        self.llm = llm
        self.runnable = runnable
        self.rails = LLMRails(config, llm, verbose)
        if runnable is not None:
            self.rails.guard_chain(ChainProvider(runnable, input_key, output_key))
        self._is_complete = False  # once `|` has given it a model

    def __or__(self, other: Any) -> Any:
        """Guard a model, or a chain: `rails | model`, `rails | step | step`.

        What follows a guarded model is outside the rails, and so is a parser, whose result is no text.

        Raises:
            InvalidRequestError: it is neither, and LangChain is not installed.
        """
        if self._is_complete or _is_parser(other):
            return super().__or__(other)
        if self.runnable is not None:
            return self._around(llm=self.llm, runnable=self.runnable | other)
        if callable(getattr(other, "astream", None)) and (hasattr(other, "bind_tools") or hasattr(other, "_llm_type")):
            return self._around(llm=other)
        if callable(getattr(other, "ainvoke", None)):
            return self._around(llm=self.llm, runnable=other)
        if _Runnable is object:
            raise InvalidRequestError("a chain needs LangChain: pip install langchain-core")
        runnable = import_module("langchain_core.runnables.base").coerce_to_runnable(other)
        return self._around(llm=self.llm, runnable=runnable)

    async def ainvoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:  # noqa: A002  # LangChain's name
        """Return the guarded answer in the form of the input: a text for a text, a message for messages, a mapping.

        That of a chain has the form that the chain gives it; where it was blocked, only a text has.
        """
        messages = _messages(input, self.passthrough_user_input_key)
        call = ChainCall(input, _said(messages), config, kwargs, streams=False)
        token = running.set(call)
        try:
            response = cast("GenerationResponse", await self.rails.generate_async(messages=messages, options=_STOPPED))
        finally:
            running.reset(token)
        text = "".join(str(message.get("content") or "") for message in cast("list[Any]", response.response))
        stopped = any(rail.stop for rail in (response.log.activated_rails or () if response.log else ()))
        if call.output is None or stopped:
            return text if isinstance(call.output, str) else self._formed(input, text)
        answer = {"content": text, "tool_calls": response.tool_calls}
        return with_answer(call.output, answer, self.passthrough_bot_output_key)

    def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:  # noqa: A002
        """Do the same from code that is not asynchronous.

        Raises:
            RuntimeError: an event loop is running; await `ainvoke` there.
        """
        return _run(partial(self.ainvoke, input, config, **kwargs), "invoke")

    async def astream(self, input: Any, config: Any = None, **kwargs: Any) -> AsyncIterator[Any]:  # noqa: A002
        """Yield the guarded answer in pieces of the form of the input."""
        messages = _messages(input, self.passthrough_user_input_key)
        call = ChainCall(input, _said(messages), config, kwargs, streams=True)
        async with aclosing(self.rails.stream_async(messages=messages)) as texts:  # type: ignore[type-var]  # it can be closed
            while (text := await _next(texts, call)) is not None:
                yield self._piece(input if call.output is None else call.output, text)

    def stream(self, input: Any, config: Any = None, **kwargs: Any) -> Iterator[Any]:  # noqa: A002
        """Yield the same from code that is not asynchronous, once the answer is whole."""

        async def collect() -> list[Any]:
            return [chunk async for chunk in self.astream(input, config, **kwargs)]

        yield from _run(collect, "stream")

    def _around(self, *, llm: object, runnable: object = None) -> RunnableRails:
        made = type(self)(
            self.config,
            llm,
            passthrough=self.passthrough,
            runnable=runnable,
            input_key=self.passthrough_user_input_key,
            output_key=self.passthrough_bot_output_key,
        )
        made._is_complete = runnable is None  # noqa: SLF001  # its own class's
        return made

    def _piece(self, form: Any, text: str) -> Any:
        key = self.passthrough_bot_output_key
        if isinstance(form, Mapping) and key in form:
            return {key: text}
        return self._formed(form, text, chunk=True)

    def _formed(self, given: Any, text: str, *, chunk: bool = False) -> Any:
        if isinstance(given, Mapping):
            inner = given.get(self.passthrough_user_input_key)
            return {self.passthrough_bot_output_key: _like(inner, text, chunk=chunk)}
        return text if isinstance(given, str) else _as_message(text, chunk=chunk)


def _is_parser(step: object) -> bool:
    """Return whether a step makes something else of an answer than a text."""
    if _Runnable is object:
        return False
    parsers = import_module("langchain_core.output_parsers")
    return isinstance(step, parsers.BaseLLMOutputParser) and not isinstance(step, parsers.StrOutputParser)


def _run(call: Callable[[], Coroutine[Any, Any, T]], name: str) -> T:
    """Run a call where nothing is asynchronous."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return anyio.run(call)
    raise RuntimeError(f"{name}() was called inside a running event loop; use a{name}() there")


async def _next(texts: Any, call: ChainCall) -> str | None:
    """Return the next text of an answer, for which a chain is called; None at the end."""
    token = running.set(call)
    try:
        text: str = await anext(texts)
    except StopAsyncIteration:
        return None
    finally:
        running.reset(token)
    return text


def _said(messages: list[dict[str, Any]]) -> str:
    return str(messages[-1].get("content") or "") if messages else ""


def _messages(given: Any, key: str) -> list[dict[str, Any]]:
    """Return what comes in as messages: a text, messages, a prompt of LangChain, or a mapping with one of them."""
    if isinstance(given, Mapping) and "role" not in given:
        if key not in given:
            raise InvalidRequestError(f"the input has no {key!r}; it has {', '.join(map(repr, given)) or 'nothing'}")
        context = {name: value for name, value in given.items() if name != key}
        if isinstance(variables := context.pop(_CONTEXT, None), Mapping):
            context |= variables
        before = [{"role": "context", "content": context}] if context else []
        return [*before, *_messages(given[key], key)]
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    to_messages = getattr(given, "to_messages", None)
    entries = to_messages() if callable(to_messages) else given
    return [_message(entry) for entry in (entries if isinstance(entries, list | tuple) else [entries])]


def _message(entry: Any) -> dict[str, Any]:
    if isinstance(entry, Mapping):
        return dict(entry)
    role = _ROLES.get(str(getattr(entry, "type", "")))
    if role is None:
        raise InvalidRequestError(f"the input has {type(entry).__name__}, which is no message")
    extra = {"tool_call_id": entry.tool_call_id} if role == "tool" else {}
    return {"role": role, "content": entry.content, **extra}


def _like(given: Any, text: str, *, chunk: bool) -> Any:
    """Return an answer in the form of the input: a text, a message of LangChain, or one as a dictionary."""
    if isinstance(given, str):
        return text
    last = given[-1] if isinstance(given, list | tuple) and given else given
    return {"role": "assistant", "content": text} if isinstance(last, Mapping) else _as_message(text, chunk=chunk)


def _as_message(text: str, *, chunk: bool) -> Any:
    if _Runnable is object:
        return {"role": "assistant", "content": text}
    messages = import_module("langchain_core.messages")
    return messages.AIMessageChunk(content=text) if chunk else messages.AIMessage(content=text)
