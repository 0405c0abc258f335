"""The id of the request that a program is answering, on its way to the providers."""

from __future__ import annotations

from contextvars import ContextVar

request_id: ContextVar[str | None] = ContextVar("handrail_request_id", default=None)
"""Set this around a call to have providers that can send the id along, so that the logs of all systems name the same
request; the kernel itself makes nothing of it. At most 512 printable ASCII characters reach OpenAI-compatible servers,
as the header `X-Client-Request-Id`."""
