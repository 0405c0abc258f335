"""The messages of LangChain, read for rails and written back, and a model that is asked without callbacks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from handrail import Chunk, ProviderError
from handrail_langchain import LangChainProvider
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, convert_to_openai_messages

from handrail_hosts._beside import beside_message
from handrail_hosts._conversation import Conversation, has_text, is_placeholder, texts_of
from handrail_hosts._envelope import name_of, plain, plain_fields, reason_of
from handrail_hosts._errors import GuardFailedError
from handrail_hosts._langchain_signed import Signatures

if TYPE_CHECKING:
    from handrail import Message
    from langchain_core.outputs import ChatGenerationChunk, ChatResult

_REASONS = ("finish_reason", "stop_reason", "done_reason")
_METADATA = ("model_name", "model", "model_provider", "id", "system_fingerprint", "service_tier")


def conversation_of(messages: Sequence[BaseMessage]) -> Conversation[BaseMessage]:
    """Return messages as rails see them."""
    talk: Conversation[BaseMessage] = Conversation()
    called = frozenset(
        call["name"] for message in messages if isinstance(message, AIMessage) for call in message.tool_calls
    )
    for message in messages:
        form = convert_to_openai_messages(message)
        if not isinstance(form, Mapping):
            raise GuardFailedError(f"a {type(message).__name__} cannot be judged")
        talk.add(message, form, beside_message(form, called))
    return talk


def put_back(talk: Conversation[BaseMessage], judged: Sequence[Message]) -> list[BaseMessage]:
    """Return the messages as the input rails let them through; those they left alone are the same objects."""
    return [message if changed is None else _changed(message, changed) for message, changed in talk.judged(judged)]


def _changed(message: BaseMessage, changed: Message) -> BaseMessage:
    texts = texts_of(changed["content"])
    if is_placeholder(changed) and isinstance(message, AIMessage):
        return AIMessage("".join(texts))
    if isinstance(message.content, str) or is_placeholder(changed):
        return message.model_copy(update={"content": "".join(texts)})
    if len(texts) != sum(isinstance(part, str) or has_text(part) for part in message.content):
        raise GuardFailedError(f"a rail changed a {type(message).__name__} in a way that is not supported")
    left: Iterator[str] = iter(texts)
    parts: list[Any] = []
    for part in message.content:
        if isinstance(part, str):
            parts.append(next(left))
        else:
            parts.append({**part, "text": next(left)} if has_text(part) else part)
    return message.model_copy(update={"content": parts})


class Inner:
    """The guarded model, asked for one answer, and what its answer has beside text.

    It is asked without callbacks: those of a stream or of a trace would be told what no rail has judged.

    Attributes:
        id, usage, metadata: of the answer, as far as it has come.
        signatures: what its model wants back of it, as far as it has come.
        last: the piece that came last, until it is passed on.
    """

    def __init__(self, model: BaseChatModel, stop: list[str] | None, kwargs: Mapping[str, Any]) -> None:
        self._model = model
        self._stop = stop
        self._kwargs = kwargs
        self.id: str | None = None
        self.usage: Any = None
        self.metadata: dict[str, Any] = {}
        self.signatures = Signatures()
        self.last: ChatGenerationChunk | None = None

    def stream(self, messages: list[BaseMessage]) -> AsyncGenerator[Chunk, None]:
        """Return the answer as rails see it; to iterate over it raises what the model raised."""
        return _read(self.pieces(messages))

    async def pieces(self, messages: list[BaseMessage]) -> AsyncGenerator[BaseMessage, None]:
        """Yield the answer as the model gives it: in pieces, or whole from a model that does not stream."""
        model = self._model
        if not model._should_stream(async_api=True, stream=True, **self._kwargs):  # noqa: SLF001
            yield await self.ask(messages)
            return
        async with aclosing(model._astream(messages, self._stop, **self._kwargs)) as pieces:  # type: ignore[type-var]  # noqa: SLF001
            async for piece in pieces:
                self._keep(piece.message)
                self.last = piece
                yield piece.message

    async def ask(self, messages: list[BaseMessage]) -> AIMessage:
        """Return the whole answer."""
        return self._only(await self._model._agenerate(messages, self._stop, **self._kwargs))  # noqa: SLF001

    def ask_without_async(self, messages: list[BaseMessage]) -> AIMessage:
        """Return the whole answer, from a thread."""
        return self._only(self._model._generate(messages, self._stop, **self._kwargs))  # noqa: SLF001

    def _only(self, result: ChatResult) -> AIMessage:
        if len(result.generations) != 1 or not isinstance(result.generations[0].message, AIMessage):
            raise GuardFailedError("an answer with several choices is not supported; ask for one with n=1")
        self._keep(result.generations[0].message)
        return result.generations[0].message

    def _keep(self, message: BaseMessage) -> None:
        self.id = self.id or plain(message.id) or None
        if isinstance(message, AIMessage | AIMessageChunk) and message.usage_metadata:
            self.usage = plain(message.usage_metadata)
        if message.response_metadata:
            self.metadata |= kept_metadata(message)
        self.signatures.read(message)


def kept_metadata(message: BaseMessage) -> dict[str, Any]:
    """Return what an answer says of itself, without what the model may have written and no rail has judged."""
    said = message.response_metadata
    reasons = {name: reason for name in _REASONS if (reason := reason_of(said.get(name))) is not None}
    return {**plain_fields(said, _METADATA), **reasons}


def chunks_of(answer: AIMessage) -> AsyncGenerator[Chunk, None]:
    """Return a whole answer as rails see it."""
    return _read(_single(answer))


async def _single(answer: AIMessage) -> AsyncGenerator[AIMessage, None]:
    yield answer


async def _read(pieces: AsyncGenerator[Any, None]) -> AsyncGenerator[Chunk, None]:
    try:
        async with aclosing(pieces), aclosing(LangChainProvider(_Pieces(pieces)).stream((), {})) as chunks:  # type: ignore[type-var]  # it is a generator
            async for chunk in chunks:
                yield _with_names(chunk) if chunk.tool_calls else chunk
    except ProviderError as error:
        raise error.__cause__ or error from None


def _with_names(chunk: Chunk) -> Chunk:
    """Return a chunk whose tool calls have names and ids that are no texts, which no rail would judge.

    Raises:
        GuardFailedError: a name is one.
    """
    calls = [
        replace(call, id=plain(call.id) or None, name=None if call.name is None else name_of(call.name))
        for call in chunk.tool_calls
    ]
    return replace(chunk, tool_calls=tuple(calls))


class _Pieces:
    """What `LangChainProvider` asks."""

    def __init__(self, pieces: AsyncGenerator[Any, None]) -> None:
        self._pieces = pieces

    def astream(self, messages: object) -> AsyncGenerator[Any, None]:  # noqa: ARG002  # they were asked already
        return self._pieces
