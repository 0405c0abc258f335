"""LangChain: a chat model that guards another, and a middleware that puts it around the model of an agent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import anyio.from_thread
import anyio.to_thread
from handrail import Blocked, Chunk
from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableBinding
from pydantic import PrivateAttr

from handrail_hosts._errors import AnswerRefusedError
from handrail_hosts._guard import Guarding, HostGuard
from handrail_hosts._langchain import Inner, chunks_of, conversation_of, put_back
from handrail_hosts._langchain_writer import REFUSED, Writer, facts_of, whole_message

if TYPE_CHECKING:
    from handrail import Message


class GuardedModel(BaseChatModel):
    """A chat model behind rails: `GuardedModel(ChatOpenAI(...), "guard")`. It is a Runnable like any other.

    A refusal is the answer's text, in a paragraph of its own, and its `response_metadata` has the finish reason
    `content_filter`. Tool calls are delivered once all of the answer has passed, since half a tool call would be run.
    Callbacks and traces see what the rails let through, and nothing else. Without async, an answer comes whole.
    LangChain's cache is not used, for other rails may have judged what is in it.

    Args:
        model: the model.
        rails: rails, a configuration, or the path of one.
        raises: raise `AnswerRefusedError` for a refusal instead.
    """

    model: BaseChatModel
    raises: bool = False
    _guard: HostGuard = PrivateAttr()

    def __init__(self, model: BaseChatModel, rails: Guarding, *, raises: bool = False) -> None:
        own = {"profile": model.profile, "rate_limiter": model.rate_limiter, "cache": False}
        super().__init__(model=model, raises=raises, **own)  # type: ignore[call-arg]  # fields
        self._guard = HostGuard.of(rails)

    @property
    def _llm_type(self) -> str:
        return f"guarded-{self.model._llm_type}"  # noqa: SLF001  # what models override, and wrappers ask

    @property
    def model_name(self) -> str:
        """The name of the model that is guarded."""
        return str(getattr(self.model, "model_name", None) or getattr(self.model, "model", ""))

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        """Bind tools as the guarded model does."""
        bound = self.model.bind_tools(tools, **kwargs)
        if not isinstance(bound, RunnableBinding) or bound.bound is not self.model:
            raise TypeError(f"{type(self.model).__name__} binds tools in a way that cannot be guarded")
        return self.bind(**bound.kwargs)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        asked, inner = conversation_of(messages), Inner(self.model, stop, kwargs)

        def source(judged: Sequence[Message]) -> AsyncIterator[Chunk]:
            return inner.stream(put_back(asked, judged))

        writer = Writer(inner, self._refusal)
        async with aclosing(self._guard.released(asked.messages, source, **facts_of(kwargs))) as released:
            async for item in released:
                for chunk in writer.write(item):
                    if run_manager is not None:
                        await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,  # noqa: ARG002  # LangChain's signature
        **kwargs: Any,
    ) -> ChatResult:
        return await self._whole(messages, Inner(self.model, stop, kwargs).ask, kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,  # noqa: ARG002  # LangChain's signature
        **kwargs: Any,
    ) -> ChatResult:
        async def ask(judged: list[BaseMessage]) -> AIMessage:
            return await anyio.to_thread.run_sync(Inner(self.model, stop, kwargs).ask_without_async, judged)

        with anyio.from_thread.start_blocking_portal() as portal:
            return portal.call(self._whole, messages, ask, kwargs)

    async def _whole(
        self,
        messages: list[BaseMessage],
        ask: Callable[[list[BaseMessage]], Awaitable[AIMessage]],
        kwargs: Mapping[str, Any],
    ) -> ChatResult:
        asked, answers = conversation_of(messages), list[AIMessage]()

        async def source(judged: Sequence[Message]) -> AsyncIterator[Chunk]:
            answers.append(await ask(put_back(asked, judged)))
            async with aclosing(chunks_of(answers[-1])) as chunks:
                async for chunk in chunks:
                    yield chunk

        try:
            guarded = await self._guard.whole(asked.messages, source, **facts_of(kwargs))
        except AnswerRefusedError as refused:
            text = self._refusal(refused.blocked)
            message = AIMessage(content=text, response_metadata={"finish_reason": REFUSED})
        else:
            message = whole_message(answers[-1], guarded, without_reasoning=self._guard.withholds_reasoning)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _refusal(self, blocked: Blocked) -> str:
        if self.raises:
            raise AnswerRefusedError(blocked) from None
        return blocked.message


class GuardMiddleware(AgentMiddleware[Any, Any, Any]):
    """Puts rails around the model of an agent: `create_agent(model, tools, middleware=[GuardMiddleware("guard")])`.

    The stream of the agent, its state and its traces have what the rails let through. What a tool returns is judged by
    the input rails before it gets into the state; a refusal takes its place.

    Args:
        rails: rails, a configuration, or the path of one.
        raises: raise `AnswerRefusedError` for a refusal of the model's answer or the user's message.
    """

    def __init__(self, rails: Guarding, *, raises: bool = False) -> None:
        super().__init__()
        self._guard = HostGuard.of(rails)
        self._raises = raises

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        """Have the model of this request guarded."""
        return await handler(self._guarded(request))

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Have the model of this request guarded."""
        return handler(self._guarded(request))

    async def awrap_tool_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """Have what a tool returns judged."""
        return await self._judged(await handler(request))

    def wrap_tool_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """Have what a tool returns judged."""
        with anyio.from_thread.start_blocking_portal() as portal:
            return portal.call(self._judged, handler(request))

    def _guarded(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        return request.override(model=GuardedModel(request.model, self._guard, raises=self._raises))

    async def _judged(self, result: Any) -> Any:
        if not isinstance(result, ToolMessage):  # a command; its messages are judged when the model is asked
            return result
        asked = conversation_of([result])
        try:
            judged = put_back(asked, await self._guard.check_input(asked.messages))
        except AnswerRefusedError as refused:
            return result.model_copy(update={"content": str(refused), "status": "error", "artifact": None})
        return judged[0] if judged else result.model_copy(update={"content": "", "artifact": None})
