"""What every request shares: configurations, threads, policy, metrics; and what a tenant's request makes of them."""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import anyio
from handrail import Blocked, GenerationResponse, RailFailed

from handrail_server._answers import saved_message
from handrail_server._dialects import Heading
from handrail_server._errors import ApiError, no_configuration, no_model, rail_failure
from handrail_server._kept import KeptReasoning
from handrail_server._keys import NOBODY, Tenant
from handrail_server._sse import to_json
from handrail_server._told import told

if TYPE_CHECKING:
    from handrail_server._configs import Configurations, Ids, Loaded
    from handrail_server._lifecycle import Lifecycle
    from handrail_server._metrics import Metrics
    from handrail_server._policy import Gatekeeper, Wanted
    from handrail_server._settings import ServerSettings
    from handrail_server._store import ThreadStore

logger = logging.getLogger("handrail.server")

_BYTES_PER_TOKEN = 4
_LONGEST_ID = 64


@dataclass(frozen=True, slots=True)
class Charge:
    """The tokens of one request, for a tenant who may use so many a minute.

    What the request seems to cost is taken when it begins, so that a client who leaves, or asks for much at once,
    has paid for it; what it has cost in the end takes its place.
    """

    tenant: Tenant = NOBODY
    _taken: list[float] = field(default_factory=list)

    def begin(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Take what the request seems to cost."""
        if self.tenant.tokens is not None:
            self._taken.append(len(to_json(messages)) / _BYTES_PER_TOKEN)
            self.tenant.tokens.take(self._taken[0])

    def settle(self, tokens: float) -> None:
        """Take what it has cost in place of what was taken."""
        if self.tenant.tokens is not None:
            self.tenant.tokens.take(tokens - sum(self._taken))
            self._taken[:] = [tokens]


@dataclass(frozen=True, slots=True)
class Services:
    """What every request shares, and who asks."""

    settings: ServerSettings
    configurations: Configurations
    gatekeeper: Gatekeeper
    store: ThreadStore
    metrics: Metrics
    lifecycle: Lifecycle
    kept: KeptReasoning = field(default_factory=KeptReasoning)
    charge: Charge = field(default_factory=Charge)

    @property
    def tenant(self) -> Tenant:
        """Who asks."""
        return self.charge.tenant

    @property
    def caller(self) -> str | None:
        """What rails are told of who asks: the label of the key, if it has one."""
        return self.tenant.label or None

    def of(self, tenant: Tenant) -> Services:
        """Return the same for one request of a tenant."""
        return self if tenant is NOBODY else replace(self, charge=Charge(tenant))  # who is nobody pays nothing

    def names(self) -> list[str]:
        """Return the configurations that the tenant may ask for."""
        return [name for name in self.configurations.folders() if self.tenant.may_use(name)]

    def default(self) -> str | None:
        """Return the configuration of requests that name none: the server's, or else the tenant's only one."""
        default = self.configurations.default
        if default is not None and self.tenant.may_use(default):
            return default
        names = self.names() if self.tenant.configurations is not None else ()
        return names[0] if len(names) == 1 else None

    def choose(self, wanted: Wanted) -> tuple[Ids, str | None]:
        """Return the configurations that a request means, and the model it names beside them.

        Raises:
            ApiError: it names none, and there is no default.
        """
        if wanted.config_ids:
            unknown = next((name for name in wanted.config_ids if not self.tenant.may_use(name)), None)
            if unknown is not None:
                raise no_configuration(unknown)
            return wanted.config_ids, None if wanted.config_ids == (wanted.model,) else wanted.model
        if wanted.model is not None and self._serves(wanted.model):
            return (wanted.model,), None
        if (default := self.default()) is not None:
            return (default,), wanted.model
        if wanted.model is not None:
            raise no_model(wanted.model)
        raise ApiError(
            400,
            "The request names no configuration; set 'config_id', or 'model', to one that GET /v1/models lists.",
            code="no_config",
            param="config_id",
        )

    def _serves(self, name: str) -> bool:
        return self.tenant.may_use(name) and self.configurations.find(name) is not None

    def heading(self, wanted: Wanted, loaded: Loaded, prefix: str) -> Heading:
        """Name an answer, by an id that begins in this way."""
        main = loaded.rails.config.model_for("main")
        model = wanted.model or (main.model if main else None) or loaded.ids[0]
        return Heading(f"{prefix}{secrets.token_hex(12)}", int(time.time()), model, loaded.ids)

    def options(self, wanted: Wanted, loaded: Loaded, model: str | None) -> Mapping[str, Any]:
        """Return the options for the rails, with the model that was asked for if it is another one.

        Raises:
            ApiError: the model may not be asked for.
        """
        main = loaded.rails.config.model_for("main")
        configured = main.model if main is not None else None
        if model is None or model == configured:
            return wanted.options
        if model not in self.settings.policy.models:
            raise no_model(model)
        return {**wanted.options, "llm_params": {**wanted.options.get("llm_params", {}), "model": model}}

    def told(self, loaded: Loaded, response: GenerationResponse, *, log: bool) -> GenerationResponse:
        """Return an answer as its client may know it; without its log unless that was asked for."""
        registered = loaded.rails.composition.registrations.prompt_context
        return told(response, registered=registered, reasons=self.settings.policy.reasons, log=log)

    def note(self, response: GenerationResponse) -> None:
        """Charge for one answer."""
        self.charge.settle(response.usage.total_tokens)
        if isinstance(response.stop, RailFailed):
            logger.warning("a rail could not check: %s", rail_failure(response.stop))


class Thread:
    """The thread of one request, if it names one.

    Args:
        services: what is shared.
        wanted: the request.
        ids: the configurations: a thread belongs to them, and to the tenant who began it.
        answer_id: the id of the answer, from which a later request may go on.
    """

    def __init__(self, services: Services, wanted: Wanted, ids: Ids, answer_id: str) -> None:
        self._services = services
        self._wanted = wanted
        self._ids = ids
        self._answer_id = answer_id
        self._kept = 0  # messages of the thread before this turn
        self._reasoning = services.kept.of(services.tenant.owner, ids)
        self._key = self._key_of("", wanted.thread_id) if wanted.thread_id is not None else None

    @property
    def key(self) -> str | None:
        """The key in the store, by which rails know the conversation; None without a thread."""
        return self._key

    async def messages(self) -> list[Mapping[str, Any]]:
        """Return the whole conversation: context, instructions, what is kept, and what is new.

        Raises:
            ApiError: what is kept cannot be read, or is not there, or the conversation is too long.
        """
        wanted = self._wanted
        history = await self._history()
        self._kept = len(history)
        self._services.gatekeeper.count(len(history) + len(wanted.messages))
        context = [{"role": "context", "content": dict(wanted.context)}] if wanted.context else []
        first = wanted.messages[: int(wanted.instructed)]
        return self._reasoning.put_back([*context, *first, *history, *wanted.messages[len(first) :]])

    async def save(self, response: GenerationResponse) -> None:
        """Keep the turn as the input rails let it through; not one that they refused, nor one that failed."""
        self._reasoning.keep(response)
        stop = response.stop
        refused = isinstance(stop, Blocked) and stop.direction == "input"
        if refused or response.outcome not in ("finished", "blocked"):
            return
        if self._key is not None:
            await self._append(self._key, response.messages[self._first_new(response.messages) :], response)
        if self._wanted.keeps:
            first = int(self._wanted.instructed and response.messages[:1] != () and _instructs(response.messages[0]))
            await self._append(self._key_of("answer", self._answer_id), response.messages[first:], response)

    async def _append(self, key: str, turn: Sequence[Mapping[str, Any]], response: GenerationResponse) -> None:
        try:
            with anyio.fail_after(self._services.settings.limits.store_seconds):
                await self._services.store.append(key, [*turn, saved_message(response)])
        except Exception as exc:  # noqa: BLE001  # the client has its answer; a store's failure must not take it away
            self._services.metrics.store_failures.add()
            logger.warning("a thread could not be kept: %s", type(exc).__name__)

    def _first_new(self, messages: Sequence[Mapping[str, Any]]) -> int:
        """Return where this turn begins; the rails may have taken parts of the history together."""
        if len(messages) == self._kept + len(self._wanted.messages):
            return self._kept
        return next((n for n in reversed(range(len(messages))) if messages[n]["role"] == "user"), len(messages))

    async def _history(self) -> Sequence[Mapping[str, Any]]:
        previous = self._wanted.previous
        if previous is None:
            return await self._load(self._key) if self._key is not None else ()
        history = await self._load(self._key_of("answer", previous))
        if not history:
            text = f"No answer {previous[:_LONGEST_ID]!r} is kept here; send the conversation in 'input'."
            raise ApiError(400, text, code="previous_response_not_found", param="previous_response_id")
        return history

    async def _load(self, key: str) -> Sequence[Mapping[str, Any]]:
        try:
            with anyio.fail_after(self._services.settings.limits.store_seconds):
                history = [_kept_message(message) for message in await self._services.store.load(key)]
        except Exception as exc:
            self._services.metrics.store_failures.add()
            logger.warning("a thread could not be read: %s", type(exc).__name__)
            raise ApiError(
                503, "The thread cannot be read for now.", type="server_error", code="store_unreachable", retry_after=1
            ) from exc
        while history and history[0].get("role") == "tool":  # its call was dropped with the oldest messages
            history.pop(0)
        return history

    def _key_of(self, kind: str, name: str) -> str:
        named = "\0".join((self._services.tenant.owner, *self._ids, kind, name))
        return hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()


def _kept_message(message: object) -> Mapping[str, Any]:
    """Return what a store has given, which others may write into.

    Raises:
        TypeError: it is no message.
    """
    if isinstance(message, Mapping) and isinstance(message.get("role"), str):
        content, calls = message.get("content"), message.get("tool_calls")
        if isinstance(content, str | list | None) and isinstance(calls, list | None):
            return message
    raise TypeError("what the store has is no message")


def _instructs(message: Mapping[str, Any]) -> bool:
    return message.get("role") in ("system", "developer")
