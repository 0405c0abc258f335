"""Rails as a part of a chain: `prompt | (rails | model)`, or `rails` alone with the configured model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import anyio
from handrail.errors import InvalidRequestError

from nemoguardrails.rails.llm.llmrails import LLMRails

if TYPE_CHECKING:
    import handrail


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


class RunnableRails(_Runnable):  # type: ignore[misc,valid-type]  # LangChain's class, where it is installed
    """A guarded model as a step of a chain.

    Args:
        config: what to guard.
        llm: the model that takes the place of the configured one; also given by `rails | model`.
        passthrough: kept for existing code; the model always gets the conversation as it is.
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
        if tools or runnable is not None:
            raise InvalidRequestError("RunnableRails takes a model; 'tools' and 'runnable' are not supported")
        self.config = config
        self.passthrough = passthrough
        self.passthrough_user_input_key = input_key
        self.passthrough_bot_output_key = output_key
        self.llm = llm
        self.rails = LLMRails(config, llm, verbose)

    def __or__(self, other: Any) -> Any:
        """Guard a model: `rails | model`; anything else is the next step of the chain.

        Raises:
            InvalidRequestError: the next step is no model, and LangChain is not installed.
        """
        if callable(getattr(other, "astream", None)) and (hasattr(other, "bind_tools") or hasattr(other, "_llm_type")):
            return type(self)(
                self.config,
                other,
                passthrough=self.passthrough,
                input_key=self.passthrough_user_input_key,
                output_key=self.passthrough_bot_output_key,
            )
        if _Runnable is object:
            raise InvalidRequestError("a chain needs LangChain: pip install langchain-core")
        return super().__or__(other)

    async def ainvoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:  # noqa: A002, ARG002  # LangChain's names
        """Return the guarded answer in the form of the input: a text for a text, a message for messages, a mapping."""
        answer = await self.rails.generate_async(messages=_messages(input, self.passthrough_user_input_key))
        return self._formed(input, str(answer.get("content") or "") if isinstance(answer, Mapping) else str(answer))

    def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:  # noqa: A002, ARG002
        """Do the same from code that is not asynchronous.

        Raises:
            RuntimeError: an event loop is running; await `ainvoke` there.
        """
        answer = self.rails.generate(messages=_messages(input, self.passthrough_user_input_key))
        return self._formed(input, str(answer.get("content") or "") if isinstance(answer, Mapping) else str(answer))

    async def astream(self, input: Any, config: Any = None, **kwargs: Any) -> AsyncIterator[Any]:  # noqa: A002, ARG002
        """Yield the guarded answer in pieces of the form of the input."""
        async for text in self.rails.stream_async(messages=_messages(input, self.passthrough_user_input_key)):
            yield self._formed(input, text, chunk=True)

    def stream(self, input: Any, config: Any = None, **kwargs: Any) -> Iterator[Any]:  # noqa: A002, ARG002
        """Yield the same from code that is not asynchronous, once the answer is whole."""

        async def collect() -> list[Any]:
            return [chunk async for chunk in self.astream(input)]

        yield from anyio.run(collect)

    def _formed(self, given: Any, text: str, *, chunk: bool = False) -> Any:
        if isinstance(given, Mapping):
            inner = given.get(self.passthrough_user_input_key)
            return {self.passthrough_bot_output_key: text if isinstance(inner, str) else _as_message(text, chunk=chunk)}
        return text if isinstance(given, str) else _as_message(text, chunk=chunk)


def _messages(given: Any, key: str) -> list[dict[str, Any]]:
    """Return what comes in as messages: a text, messages, a prompt of LangChain, or a mapping with one of them."""
    if isinstance(given, Mapping) and "role" not in given:
        if key not in given:
            raise InvalidRequestError(f"the input has no {key!r}; it has {', '.join(map(repr, given)) or 'nothing'}")
        context = {name: value for name, value in given.items() if name != key}
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


def _as_message(text: str, *, chunk: bool) -> Any:
    if _Runnable is object:
        return {"role": "assistant", "content": text}
    messages = import_module("langchain_core.messages")
    return messages.AIMessageChunk(content=text) if chunk else messages.AIMessage(content=text)
