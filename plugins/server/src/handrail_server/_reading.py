"""Reads the body of a request, within its limits of size and time."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar

import anyio
from pydantic import BaseModel
from starlette.requests import ClientDisconnect, Request

from handrail_server._bodies import parse_body
from handrail_server._errors import ApiError
from handrail_server._pieces import SMALL, parse_large_body

if TYPE_CHECKING:
    from handrail_server._settings import Limits

BodyT = TypeVar("BodyT", bound=BaseModel)


async def read_body(model: type[BodyT], request: Request, limits: Limits) -> BodyT | None:
    """Read a body; None if the client has gone.

    Raises:
        ApiError: it is too large, too slow, compressed, no JSON or wrong.
    """
    _check_kind(request)
    try:
        with anyio.fail_after(limits.body_seconds):
            body = await _limited(request, limits.body_bytes)
    except TimeoutError as exc:
        text = f"The body did not come within {limits.body_seconds:g} seconds."
        raise ApiError(408, text, code="body_timeout") from exc
    except ClientDisconnect:
        return None
    if len(body) <= SMALL:
        return parse_body(model, body)
    return await parse_large_body(model, body, values=limits.values, messages=limits.messages)


def _check_kind(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise ApiError(
            415, "The body must be JSON; send it with 'Content-Type: application/json'.", code="unsupported_media_type"
        )
    encodings = ",".join(request.headers.getlist("content-encoding")).lower().split(",")
    if not {encoding.strip() for encoding in encodings} <= {"", "identity"}:
        text = "A compressed body is not supported; send it as it is."
        raise ApiError(415, text, code="unsupported_media_type", param="Content-Encoding")


async def _limited(request: Request, most: int) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        raise _too_large(most)  # before anything of it is read
    body = bytearray()
    async with aclosing(request.stream()) as parts:
        async for part in parts:
            body += part
            if len(body) > most:
                raise _too_large(most)
    return bytes(body)


def _too_large(most: int) -> ApiError:
    return ApiError(413, f"The body is larger than {most} bytes, the limit of this server.", code="body_too_large")
