"""LiteLLM's proxy: a guardrail for its three wires, streamed and whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from fastapi import HTTPException
from handrail import Chunk, HandrailError
from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.types.llms.openai import ResponsesAPIResponse
from litellm.types.utils import ModelResponse

from handrail_hosts._dialects import ChatDialect, Dialect, MessagesDialect, ResponsesDialect
from handrail_hosts._errors import AnswerRefusedError, GuardFailedError, is_fault_of_client
from handrail_hosts._guard import Guarding, HostGuard
from handrail_hosts._litellm import Form, failed
from handrail_hosts._whole import UNREADABLE, told_of

if TYPE_CHECKING:
    from handrail import Message

_WIRES: Mapping[str, type[Dialect]] = {
    "completion": ChatDialect,
    "acompletion": ChatDialect,
    "anthropic_messages": MessagesDialect,
    "responses": ResponsesDialect,
    "aresponses": ResponsesDialect,
}
_ROUTES = (("/messages", MessagesDialect), ("/responses", ResponsesDialect), ("/chat/completions", ChatDialect))
_HOOKS = ("async_pre_call_hook", "async_post_call_success_hook", "async_post_call_streaming_iterator_hook")
_WITHOUT_TEXT = ("aembedding", "embedding", "embeddings", "arerank", "rerank", "amoderation", "moderation")


class HandrailGuardrail(CustomGuardrail):
    """A guardrail of the proxy, for `mode: [pre_call, post_call]`.

    Requests that input rails refuse are answered with status 400. A streamed answer goes out as output rails clear it.
    Calls that are none of chat completions, messages and responses are refused, unless they have no text to judge.

    Args:
        handrail_config: the path of a configuration, from the proxy's own file; or
        rails: rails, a configuration, or the path of one.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Define the hooks of a subclass as its own: the proxy asks the class itself, and would let streams through."""
        super().__init_subclass__(**kwargs)
        for name in _HOOKS:
            if name not in vars(cls):
                setattr(cls, name, getattr(cls, name))

    def __init__(self, *, handrail_config: str | None = None, rails: Guarding | None = None, **kwargs: Any) -> None:
        given = rails if rails is not None else handrail_config
        if given is None:
            raise ValueError(
                "'handrail_config' is missing from 'litellm_params': the path of a configuration for the rails"
            )
        self._guard = HostGuard.of(given)
        super().__init__(**kwargs)

    async def async_pre_call_hook(
        self,
        user_api_key_dict: Any,  # noqa: ARG002  # LiteLLM's signature
        cache: Any,  # noqa: ARG002
        data: dict[str, Any],
        call_type: Any,
    ) -> dict[str, Any]:
        """Return the request as the input rails let it through.

        Raises:
            HTTPException: they refused it (400), or it could not be judged.
        """
        if call_type in _WITHOUT_TEXT:
            return data
        make = _WIRES.get(call_type)
        if make is None:
            raise _refused("calls of this kind cannot be checked", "invalid_request_error")
        dialect = make()
        try:
            messages = await self._guard.check_request(dialect.messages(data))
            data.update(dialect.put_back(data, messages))
        except AnswerRefusedError as refused:
            raise _refused(str(refused)) from None
        except (HandrailError, *UNREADABLE) as error:
            raise _unfit(error) from error
        return data

    async def async_post_call_success_hook(
        self,
        data: dict[str, Any],
        user_api_key_dict: Any,  # noqa: ARG002  # LiteLLM's signature
        response: Any,
    ) -> Any:
        """Return a whole answer as the output rails let it through.

        Raises:
            HTTPException: it could not be judged.
        """
        make = _wire_of_answer(response)
        if make is None:
            return response
        dialect, value = make(), response if isinstance(response, dict) else response.model_dump(warnings=False)
        try:
            chunk = dialect.read_whole(value)
            guarded = await self._guard.whole(
                _told(dialect, data), lambda _: _only(chunk), judge_input=False, **dialect.facts(data)
            )
            reasoning = None if self._guard.withholds_reasoning else guarded.reasoning_content
            written = dialect.write_whole(value, guarded.text, reasoning, guarded.tool_calls)
        except AnswerRefusedError as refused:
            written = dialect.refuse_whole(value, refused.blocked)
        except (HandrailError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise failed() from error
        return _as_host(written, response)

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: Any, response: Any, request_data: dict[str, Any]
    ) -> AsyncGenerator[Any, None]:
        """Yield a streamed answer as the output rails let it through, in the form in which it came."""
        dialect = _dialect_of_route(user_api_key_dict)
        form = Form(dialect)
        messages = _told(dialect, request_data)
        stream = self._guard.released(
            messages, lambda _: form.chunks(response), judge_input=False, **dialect.facts(request_data)
        )
        try:
            async with aclosing(stream) as released:
                async for item in released:
                    for written in form.write(item):
                        yield written
        except HandrailError as error:
            if form.raises:
                raise failed() from error
            for written in form.written(dialect.fail(told_of(error))):
                yield written


def _dialect_of_route(user_api_key_dict: Any) -> Dialect:
    route = getattr(user_api_key_dict, "request_route", None) or ""
    for end, make in _ROUTES:
        if end in route:
            return make()
    raise GuardFailedError("streams of this route cannot be checked")


def _wire_of_answer(response: Any) -> type[Dialect] | None:
    """Return how an answer is read; None for one without a text of a model."""
    if isinstance(response, ModelResponse):
        return ChatDialect
    if isinstance(response, ResponsesAPIResponse):
        return ResponsesDialect
    if isinstance(response, dict) and response.get("type") == "message":
        return MessagesDialect
    if type(response).__name__ in ("EmbeddingResponse", "RerankResponse", "OpenAIModerationResponse"):
        return None
    raise failed()


def _told(dialect: Dialect, data: dict[str, Any]) -> Sequence[Message]:
    try:
        return dialect.messages(data)
    except (HandrailError, KeyError, TypeError, AttributeError):
        return ()  # the input was judged before, or was not to be


def _as_host(written: dict[str, Any], response: Any) -> Any:
    if isinstance(response, dict):
        return written
    made = type(response)(**written)
    made._hidden_params = getattr(response, "_hidden_params", {})  # noqa: SLF001  # the proxy reads its headers there
    return made


async def _only(chunk: Chunk) -> AsyncIterator[Chunk]:
    yield chunk


def _refused(message: str, code: str = "content_filter") -> HTTPException:
    return HTTPException(400, {"error": message, "code": code})


def _unfit(error: Exception) -> HTTPException:
    """Return the error for a request that could not be judged, with what is wrong where that quotes nothing of it."""
    said = f": {error}" if isinstance(error, GuardFailedError) else ""
    is_clients = is_fault_of_client(error)
    return _refused(f"the request could not be checked{said}", "invalid_request_error") if is_clients else failed()
