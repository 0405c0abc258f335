"""The endpoints of `/v1`, as small ASGI applications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

import anyio
from handrail import Blocked, RailFailed
from starlette.requests import Request
from starlette.responses import Response

from handrail_server._answers import plain
from handrail_server._asked import Asked, engine_of
from handrail_server._beside import beside
from handrail_server._bodies import ChecksBody
from handrail_server._call_names import CallNames
from handrail_server._errors import ApiError, api_error, block_error, internal_error, rail_error
from handrail_server._reading import read_body
from handrail_server._sse import to_json
from handrail_server._stream import StreamedAnswer, run_unless_left

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handrail import GenerationResponse
    from starlette.types import Receive, Scope, Send

    from handrail_server._configs import Loaded
    from handrail_server._dialects import Dialect
    from handrail_server._policy import Wanted
    from handrail_server._services import Services


_LONG = 64  # messages, each of which takes some microseconds to look at


class Json(Response):
    """A value as JSON."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Encode the value."""
        return to_json(content)


class Answers:
    """Answers requests in one dialect, whole or as a stream."""

    def __init__(self, services: Services, dialect: Dialect) -> None:
        self._services = services
        self._dialect = dialect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        dialect = self._dialect
        body = await read_body(dialect.body, Request(scope, receive), self._services.settings.limits)
        if body is None:
            return
        services = self._services.of(scope["handrail.tenant"])
        chat = dialect.wanted(body)
        await _rest(chat.messages)
        wanted = services.gatekeeper.chat(chat)
        await _rest(wanted.messages)
        ids, model = services.choose(wanted)
        async with services.configurations.use(ids) as loaded:
            asked = Asked(services, dialect, body, dialect.adapted(wanted, body, engine_of(loaded)), loaded, model)
            messages = await asked.thread.messages()
            await _rest(messages)
            services.charge.begin(messages)
            if wanted.stream:
                await StreamedAnswer(asked, send).run(messages, receive)
                return
            answer = await run_unless_left(receive, lambda: _whole(asked, messages))
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
            _require_rails(loaded, body.rail_types or ())
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


def _require_rails(loaded: Loaded, kinds: Sequence[str]) -> None:
    """Refuse a check of a direction that nobody checks: what was not checked must not be told as passed."""
    composition = loaded.rails.composition
    there = {"input": composition.input_rails, "output": composition.output_rails}
    for kind in kinds:
        if not there[kind]:
            said = f"rail_types asks for {kind} rails, and this configuration has none"
            raise ApiError(400, said, code="rail_type_not_configured", param="rail_types")


async def _rest(messages: Sequence[object]) -> None:
    """Let others run between two looks at all messages of a long conversation."""
    if len(messages) > _LONG:
        await anyio.lowlevel.checkpoint()


async def _whole(asked: Asked, messages: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    services, rails = asked.services, asked.loaded.rails
    response: GenerationResponse | None = None
    try:
        with services.lifecycle.limited() as limit:
            found = await rails.generate_async(messages=messages, **asked.call)
            response = cast("GenerationResponse", found)
    except Exception as exc:
        services.charge.settle(0)
        services.metrics.models.failures.add(type(exc).__name__)
        raise api_error(exc) from exc
    if response is None:
        raise limit.error or internal_error()
    services.note(response)
    if isinstance(response.stop, RailFailed):
        raise rail_error(response.stop)
    if isinstance(response.stop, Blocked) and "error" in services.settings.block_as:
        raise block_error(response.stop)
    with services.lifecycle.limited() as limit:
        return await _finished(asked, messages, response)
    raise limit.error or internal_error()


async def _finished(
    asked: Asked, messages: Sequence[Mapping[str, Any]], response: GenerationResponse
) -> Mapping[str, Any]:
    """Return the body of an answer, which its thread keeps first."""
    names = CallNames(asked.loaded.rails, messages, asked.options)
    response = await names.whole(response)
    await asked.thread.save(response)
    found = await beside(asked.loaded.rails, messages, asked.options, response)
    found.withheld += names.withheld
    return asked.whole(response, found)
