"""The application: routes and what they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from handrail import ConfigurationError, LLMRails, RailsConfig, Registry
from handrail.errors import InvalidArgumentError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from handrail_server._background import lifespan
from handrail_server._configs import Configurations
from handrail_server._connections import Connections
from handrail_server._dialects import Dialect, installed_dialects
from handrail_server._embeddings import Embeddings
from handrail_server._endpoints import Answers, Checks, Json
from handrail_server._errors import ApiError, internal_error, no_model
from handrail_server._gate import Gate
from handrail_server._keys import Keys, read_keys
from handrail_server._lifecycle import Lifecycle
from handrail_server._metrics import CONTENT_TYPE, OPEN_METRICS, OPEN_METRICS_TYPE, Metrics
from handrail_server._observing import measuring
from handrail_server._openapi import openapi
from handrail_server._policy import Gatekeeper
from handrail_server._services import Services
from handrail_server._store import MemoryStore
from handrail_server._token_counts import TokenCounts
from handrail_server._webhooks import webhooks

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from handrail_server._settings import ServerSettings
    from handrail_server._store import ThreadStore

PAGES = Path(__file__).parent / "pages"
_REQUEST_HEADERS = (
    *("anthropic-beta", "anthropic-dangerous-direct-browser-access", "anthropic-version", "authorization"),
    *("content-type", "x-api-key", "x-request-id"),
    *(f"x-stainless-{name}" for name in ("arch", "helper-method", "lang", "os", "package-version", "retry-count")),
    *(f"x-stainless-{name}" for name in ("runtime", "runtime-version", "timeout")),
)
"""What the client libraries send from a web page."""
_CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


def create_app(settings: ServerSettings, *, registry: Registry | None = None, store: ThreadStore | None = None) -> Gate:
    """Make the server as an ASGI application, for uvicorn or for another application to mount.

    Args:
        settings: what the operator decides.
        registry: what is installed; by default whatever is found.
        store: where threads are kept; by default what the settings say.

    Raises:
        ConfigurationError: there is no configuration, the default one is broken, a setting names what is not there,
            or other machines could reach the server without a key.
    """
    InvalidArgumentError.unless(hasattr(settings, "check_keys"), "settings", settings, "ServerSettings")
    settings.check_keys()
    installed = registry or Registry.discover()
    services = _services(settings, installed, store)
    dialects, configurations = installed_dialects(installed), services.configurations
    configurations.check_combinations(settings.policy.combinations)
    entries = read_keys(settings.keys, configurations.folders()) if settings.keys is not None else ()
    keys = Keys(settings.api_keys(), entries)
    configurations.preload()
    errors = _Errors(dialects)
    inner: ASGIApp = Starlette(
        routes=_routes(services, dialects),
        lifespan=lifespan(services, keys, Connections(settings.limits, services.metrics)),
        exception_handlers={
            ApiError: errors.on_api_error,
            HTTPException: errors.on_http_error,
            Exception: errors.on_failure,
        },
    )
    if settings.cors_origins:
        inner = _for_pages(inner, settings.cors_origins)
    return Gate(inner, settings, services.metrics, services.lifecycle, keys, errors.body)


def _services(settings: ServerSettings, registry: Registry, store: ThreadStore | None) -> Services:
    limits, metrics = settings.limits, Metrics()
    return Services(
        settings,
        Configurations(
            settings.config,
            default=settings.default_config_id,
            compose=lambda config, name: _composed(config, registry, settings, metrics, name),
            bound=limits.configurations,
        ),
        Gatekeeper(settings.policy, limits, traces=settings.has_playground),
        store or open_store(settings),
        metrics,
        Lifecycle(request_seconds=limits.request_seconds, drain_seconds=settings.drain_seconds),
    )


def _for_pages(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Return the application for web pages of these origins, too."""
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=("GET", "POST"),
        allow_headers=_REQUEST_HEADERS,
        expose_headers=("x-request-id", "retry-after", "x-should-retry"),
    )


def _composed(
    config: RailsConfig, registry: Registry, settings: ServerSettings, metrics: Metrics, name: str
) -> LLMRails:
    """Build a configuration.

    Raises:
        ConfigurationError: it is wrong, or could withdraw text that was delivered, which nobody would be told of.
    """
    if settings.prices is not None:
        config = config + _prices(settings.prices)
    rails = LLMRails(config, registry=registry, observers=[measuring(metrics, name, config)])
    early = next((plan.name for plan in rails.composition.output_rails if plan.stream_first), None)
    if early is not None and not settings.retractions:
        raise ConfigurationError(
            f"rail {early!r} has stream_first, so delivered text may have to be withdrawn, and the server's setting "
            "'retractions' is false; set stream_first to false, or retractions to true"
        )
    return rails


def _prices(file: Path) -> RailsConfig:
    prices = RailsConfig.from_path(file)
    if prices.model_fields_set != {"prices"}:
        raise ConfigurationError(f"{file}: 'prices' and nothing else must be set there")
    return prices


def open_store(settings: ServerSettings) -> ThreadStore:
    """Return the store that the settings name.

    Raises:
        ConfigurationError: there is none of that kind, or its client is missing.
    """
    limits = settings.limits
    if settings.store == "memory":
        return MemoryStore(threads=limits.threads, messages=limits.thread_messages, size=limits.thread_bytes)
    from handrail_server._redis_store import RedisStore

    return RedisStore(settings.store, messages=limits.thread_messages, seconds=limits.thread_seconds)


def _routes(services: Services, dialects: Sequence[Dialect]) -> list[Route | Mount]:
    plain = _Plain(services)
    routes: list[Route | Mount] = [
        *(Route(dialect.path, Answers(services, dialect), methods=["POST"]) for dialect in dialects),
        Route("/v1/messages/count_tokens", TokenCounts(services), methods=["POST"]),
        Route("/v1/checks", Checks(services), methods=["POST"]),
        *webhooks(services),
        Route("/v1/embeddings", Embeddings(services), methods=["POST"]),
        Route("/v1/models", plain.models),
        Route("/v1/models/{name:path}", plain.model),
        Route("/v1/rails/configs", plain.configs),
        Route("/healthz", plain.healthz),
        Route("/readyz", plain.readyz),
        Route("/metrics", plain.metrics),
        Route("/openapi.json", plain.openapi),
        Route("/docs", _page("docs.html")),
        Mount("/pages", StaticFiles(directory=PAGES)),
        Route("/", _page("playground.html") if services.settings.has_playground else plain.about),
    ]
    return [Mount(services.settings.prefix, routes=routes)] if services.settings.prefix else routes


class _Plain:
    """The endpoints that only tell what is there."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._document: Mapping[str, Any] = {}

    async def models(self, request: Request) -> Response:
        """List the valid values of `model`: configurations, and what the operator allows beside them."""
        return Json({"object": "list", "data": [_model(name) for name in self._models(request)]})

    async def model(self, request: Request) -> Response:
        """Answer with one of the models that are listed.

        Raises:
            ApiError: it is none of them.
        """
        name = request.path_params["name"]
        if name not in self._models(request):
            raise no_model(name)
        return Json(_model(name))

    async def configs(self, request: Request) -> Response:
        """List the configurations."""
        return Json([{"id": name} for name in self._services.of(request.scope["handrail.tenant"]).names()])

    def _models(self, request: Request) -> list[str]:
        names = self._services.of(request.scope["handrail.tenant"]).names()
        return [*names, *self._services.settings.policy.models]

    async def healthz(self, _request: Request) -> Response:
        """Answer that the process lives."""
        return Json({"status": "ok"})

    async def readyz(self, _request: Request) -> Response:
        """Answer whether requests should be sent here."""
        if self._services.lifecycle.draining:
            return Json({"status": "draining"}, 503)
        ready = False
        with anyio.move_on_after(self._services.settings.limits.store_seconds):
            ready = await self._services.store.ready()
        if not ready:
            return Json({"status": "the store of threads cannot be reached"}, 503)
        return Json({"status": "ready"})

    async def metrics(self, request: Request) -> Response:
        """Return the numbers, as OpenMetrics to who asks for that."""
        if not request.scope["handrail.tenant"].may_read_metrics:
            raise ApiError(403, "This key may not read metrics.", type="permission_error", code="metrics_not_allowed")
        is_open = OPEN_METRICS in request.headers.get("accept", "")
        headers = {"content-type": OPEN_METRICS_TYPE if is_open else CONTENT_TYPE, "vary": "accept"}
        return Response(self._services.metrics.text(is_open=is_open), headers=headers)

    async def openapi(self, _request: Request) -> Response:
        """Return the description of the protocol, made when it is first asked for: not everybody does."""
        self._document = self._document or openapi(self._services.settings)
        return Json(self._document)

    async def about(self, _request: Request) -> Response:
        """Answer with what this is, where there is no page."""
        return PlainTextResponse("Handrail: OpenAI's protocol, guarded. See docs for the protocol.\n")


def _page(name: str) -> Callable[[Request], Any]:
    async def page(_request: Request) -> Response:
        headers = {"content-security-policy": _CONTENT_POLICY, "cache-control": "no-cache"}
        return FileResponse(PAGES / name, headers=headers)

    return page


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "handrail"}


class _Errors:
    """Answers errors in the dialect of their path."""

    def __init__(self, dialects: Sequence[Dialect]) -> None:
        self._dialects = {dialect.path: dialect for dialect in dialects}

    def body(self, path: str | None, error: ApiError) -> object:
        """Return the body of an error, as clients of a path read it."""
        below = next((dialect for own, dialect in self._dialects.items() if f"{path}/".startswith(f"{own}/")), None)
        return error.body() if below is None else below.error(error)

    async def on_api_error(self, request: Request, error: Exception) -> Response:
        """Answer an error that a client gets to see."""
        if not isinstance(error, ApiError):  # pragma: no cover  # registered for this class alone
            raise error
        return self._answer(request, error, error.headers)

    async def on_failure(self, request: Request, _error: Exception) -> Response:
        """Answer as everywhere; starlette raises the error again, and the gate logs it."""
        return self._answer(request, internal_error(), {})

    async def on_http_error(self, request: Request, error: Exception) -> Response:
        """Answer an error of the router."""
        if not isinstance(error, HTTPException):  # pragma: no cover  # registered for this class alone
            raise error
        texts = {404: "Not found.", 405: "Method not allowed."}
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
        shown = ApiError(error.status_code, texts.get(error.status_code, str(error.detail)), code=code)
        return self._answer(request, shown, error.headers or {})

    def _answer(self, request: Request, error: ApiError, headers: Mapping[str, str]) -> Response:
        return Json(self.body(request.scope.get("handrail.path"), error), error.status, headers=dict(headers))
