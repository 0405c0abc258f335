"""`POST /v1/checks/...` in the words of platforms that ask a webhook.

A platform that asks cannot stream through the rails: it sends texts that are whole, and does with the answer what it
likes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.routing import Route

from handrail_server._endpoints import Json
from handrail_server._errors import ApiError, api_error, internal_error
from handrail_server._policy import Wanted
from handrail_server._reading import read_body
from handrail_server._stream import run_unless_left
from handrail_server._webhook_shapes import SHAPES, Body, Judge, Shape, StoppedError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from handrail_server._services import Services


_TOO_MUCH = frozenset(("body_timeout", "body_too_complex", "body_too_large", "too_many_messages"))
"""Errors that strangers can cause by what they write, and that a platform could take for a yes."""


class WebhookBody(BaseModel):
    """Whatever a platform sends; each shape reads of it what it needs."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)


class Webhook:
    """One of the endpoints."""

    def __init__(self, services: Services, shape: Shape) -> None:
        self._services = services
        self._shape = shape

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a platform. Whatever goes wrong with a check is a refusal, for some take an error for a yes."""
        request = Request(scope, receive)
        try:
            body = await read_body(WebhookBody, request, self._services.settings.limits)
        except ApiError as error:
            if error.code not in _TOO_MUCH:
                raise
            await Json(self._shape.refuse(StoppedError(error.message)))(scope, receive, send)
            return
        if body is None:
            return
        services = self._services.of(scope["handrail.tenant"])
        named = services.gatekeeper.configurations(request.query_params.getlist("config_id"))
        ids, _ = services.choose(Wanted(messages=(), config_ids=named))
        async with services.configurations.use(ids) as loaded:
            judge = Judge(loaded.rails, services.caller, services.gatekeeper.count)
            found = await run_unless_left(receive, lambda: self._answer(body.model_extra or {}, judge))
        if found is not None:
            await Json(found)(scope, receive, send)

    async def _answer(self, body: Body, judge: Judge) -> Body:
        answer: Body | None = None
        try:
            with self._services.lifecycle.limited() as limit:
                answer = await self._shape.judge(body, judge)
            if answer is None:
                raise limit.error or internal_error()
        except StoppedError as stop:
            return self._shape.refuse(stop)
        except Exception as exc:
            error = exc if isinstance(exc, ApiError) else api_error(exc)
            if error.code in _TOO_MUCH:
                return self._shape.refuse(StoppedError(error.message))
            if error.status < 500:
                raise error from exc
            return self._shape.refuse(StoppedError(judge.failure))
        return answer


def webhook_path(shape: Shape) -> str:
    """Return where a platform asks."""
    return f"/v1/checks{shape.path}"


def webhooks(services: Services) -> list[Route]:
    """Return the routes of all platforms."""
    return [Route(webhook_path(shape), Webhook(services, shape), methods=["POST"]) for shape in SHAPES]
