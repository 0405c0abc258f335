"""The endpoints of `/v1`, as small ASGI applications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

from handrail import RailFailed
from starlette.requests import Request
from starlette.responses import Response

from handrail_server._answers import plain, whole_answer
from handrail_server._bodies import ChatBody, ChecksBody
from handrail_server._errors import api_error, internal_error, rail_error
from handrail_server._reading import read_body
from handrail_server._services import Thread
from handrail_server._sse import to_json
from handrail_server._stream import StreamedAnswer, run_unless_left

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handrail import GenerationResponse
    from starlette.types import Receive, Scope, Send

    from handrail_server._configs import Loaded
    from handrail_server._policy import Wanted
    from handrail_server._services import Services


class Json(Response):
    """A value as JSON."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Encode the value."""
        return to_json(content)


class Chat:
    """`POST /v1/chat/completions`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, whole or as a stream."""
        body = await read_body(ChatBody, Request(scope, receive), self._services.settings.limits)
        if body is None:
            return
        services = self._services.of(scope["handrail.tenant"])
        wanted = services.gatekeeper.chat(body)
        ids, model = services.choose(wanted)
        async with services.configurations.use(ids) as loaded:
            options = services.options(wanted, loaded, model)
            thread = Thread(services, wanted, ids)
            messages = await thread.messages()
            services.charge.begin(messages)
            if wanted.stream:
                await StreamedAnswer(services, wanted, loaded, options, thread, send).run(messages, receive)
                return
            answer = await run_unless_left(receive, lambda: _whole(services, wanted, loaded, options, thread, messages))
        if answer is not None:
            await Json(answer)(scope, receive, send)


class Checks:
    """`POST /v1/checks`: the rails alone."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with what the rails say of the messages."""
        body = await read_body(ChecksBody, Request(scope, receive), self._services.settings.limits)
        if body is None:
            return
        services = self._services.of(scope["handrail.tenant"])
        wanted = services.gatekeeper.checks(body)
        ids, _ = services.choose(wanted)
        async with services.configurations.use(ids) as loaded:
            found = await run_unless_left(
                receive, lambda: self._check(wanted, loaded, body.rail_types, services.caller)
            )
        if found is not None:
            await Json(found)(scope, receive, send)

    async def _check(
        self,
        wanted: Wanted,
        loaded: Loaded,
        rail_types: Sequence[Literal["input", "output"]] | None,
        caller: str | None,
    ) -> dict[str, Any]:
        context = [{"role": "context", "content": dict(wanted.context)}] if wanted.context else []
        result: Any = None
        try:
            with self._services.lifecycle.limited() as limit:
                result = await loaded.rails.check_async(
                    [*context, *wanted.messages], rail_types=rail_types, caller=caller
                )
        except Exception as exc:
            raise api_error(exc) from exc
        if result is None:
            raise limit.error or internal_error()
        return {"status": str(plain(result.status)), "content": result.content, "rail": result.rail}


async def _whole(
    services: Services,
    wanted: Wanted,
    loaded: Loaded,
    options: Mapping[str, Any],
    thread: Thread,
    messages: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    response: GenerationResponse | None = None
    try:
        with services.lifecycle.limited() as limit:
            found = await loaded.rails.generate_async(
                messages=messages, options=options, caller=services.caller, conversation=thread.key
            )
            response = cast("GenerationResponse", found)
    except Exception as exc:
        services.charge.settle(0)
        services.metrics.model_failures.add(type(exc).__name__)
        raise api_error(exc) from exc
    if response is None:
        raise limit.error or internal_error()
    services.note(response)
    if isinstance(response.stop, RailFailed):
        raise rail_error(response.stop)
    await thread.save(response)
    heading, asked = services.heading(wanted, loaded), (messages, options)
    with services.lifecycle.limited() as limit:
        return await whole_answer(heading, wanted, services.told(loaded, response), loaded.rails, asked)
    raise limit.error or internal_error()
