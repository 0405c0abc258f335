"""`POST /v1/embeddings`: passed through to the model of the type `embeddings` that a configuration names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from handrail_server._bodies import EmbeddingsBody, given
from handrail_server._errors import ApiError, api_error, internal_error
from handrail_server._policy import Wanted
from handrail_server._reading import read_body
from handrail_server._stream import run_unless_left

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from handrail_server._services import Services

_TYPE = "embeddings"
_OWN = ("model", "config_id")


@runtime_checkable
class Embedder(Protocol):
    """A provider whose model embeds texts."""

    async def embed(self, body: Mapping[str, Any]) -> bytes:
        """Return the JSON of the answer to a request for embeddings as it came; the model is the provider's own.

        Raises:
            ProviderError: the model could not answer.
        """
        ...


class Embeddings:
    """`POST /v1/embeddings`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the embeddings."""
        body = await read_body(EmbeddingsBody, Request(scope, receive), self._services.settings.limits)
        if body is None:
            return
        services = self._services.of(scope["handrail.tenant"])
        ids, _ = services.choose(Wanted((), (body.config_id,) if body.config_id else (), body.model))
        asked = {name: value for name, value in given(body).items() if name not in _OWN}
        async with services.configurations.use(ids) as loaded:
            model = loaded.rails.composition.models.get(_TYPE)
            provider = model.provider if model is not None else None
            if not isinstance(provider, Embedder):
                raise _no_embeddings(ids)
            answer = await run_unless_left(receive, lambda: _embed(services, provider, asked))
        if answer is not None:
            await Response(answer, media_type="application/json")(scope, receive, send)


class _Usage(msgspec.Struct):
    total_tokens: int = 0


class _Answer(msgspec.Struct):
    """What is read of an answer; the rest is skipped, for there may be much of it."""

    usage: _Usage | None = None


async def _embed(services: Services, provider: Embedder, body: Mapping[str, Any]) -> bytes:
    answer: bytes | None = None
    try:
        with services.lifecycle.limited() as limit:
            answer = await provider.embed(body)
    except Exception as exc:
        services.metrics.models.failures.add(type(exc).__name__)
        raise api_error(exc) from exc
    if answer is None:
        raise limit.error or internal_error()
    try:
        usage = _READ.decode(answer).usage
    except msgspec.DecodeError:
        raise ApiError(502, "The model failed.", type="server_error", code="model_failed", retry_after=1) from None
    services.charge.settle(usage.total_tokens if usage is not None else 0)
    return answer


_READ = msgspec.json.Decoder(_Answer)


def _no_embeddings(ids: tuple[str, ...]) -> ApiError:
    return ApiError(
        404,
        f"The configuration {'+'.join(ids)!r} has no model of the type {_TYPE!r} that embeds texts.",
        code="model_not_found",
        param="model",
    )
