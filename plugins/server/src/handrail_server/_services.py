"""What every request shares: configurations, threads, policy, metrics; and what one request makes of them."""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from handrail import Blocked, GenerationResponse, RailFailed

from handrail_server._answers import Heading, saved_message
from handrail_server._errors import ApiError
from handrail_server._kept import KeptReasoning

if TYPE_CHECKING:
    from handrail_server._configs import Configurations, Ids, Loaded
    from handrail_server._lifecycle import Lifecycle
    from handrail_server._metrics import Metrics
    from handrail_server._policy import Gatekeeper, Wanted
    from handrail_server._settings import ServerSettings
    from handrail_server._store import ThreadStore

logger = logging.getLogger("handrail.server")


@dataclass(frozen=True, slots=True)
class Services:
    """What every request shares."""

    settings: ServerSettings
    configurations: Configurations
    gatekeeper: Gatekeeper
    store: ThreadStore
    metrics: Metrics
    lifecycle: Lifecycle
    kept: KeptReasoning = field(default_factory=KeptReasoning)

    def choose(self, wanted: Wanted) -> tuple[Ids, str | None]:
        """Give the configurations that a request means, and the model it names beside them.

        Raises:
            ApiError: it names none, and there is no default.
        """
        if wanted.config_ids:
            return wanted.config_ids, None if wanted.config_ids == (wanted.model,) else wanted.model
        if wanted.model is not None and self.configurations.find(wanted.model) is not None:
            return (wanted.model,), None
        if self.configurations.default is not None:
            return (self.configurations.default,), wanted.model
        names = ", ".join(self.configurations.folders())
        if wanted.model is not None:
            raise ApiError(
                404,
                f"There is no model {wanted.model!r}; a configuration's id can be asked for: {names}.",
                code="model_not_found",
                param="model",
            )
        raise ApiError(
            400,
            f"The request names no configuration; set 'config_id' to one of: {names}.",
            code="no_config",
            param="config_id",
        )

    def heading(self, wanted: Wanted, loaded: Loaded) -> Heading:
        """Name an answer."""
        main = loaded.rails.config.model_for("main")
        model = wanted.model or (main.model if main else None) or loaded.ids[0]
        return Heading(f"chatcmpl-{secrets.token_hex(12)}", int(time.time()), model, loaded.ids)

    def options(self, wanted: Wanted, loaded: Loaded, model: str | None) -> Mapping[str, Any]:
        """Give the options for the rails, with the model that was asked for if it is another one.

        Raises:
            ApiError: the model may not be asked for.
        """
        main = loaded.rails.config.model_for("main")
        configured = main.model if main is not None else None
        if model is None or model == configured:
            return wanted.options
        if model not in self.settings.policy.models:
            offered = sorted(
                {*self.configurations.folders(), *self.settings.policy.models, *filter(None, [configured])}
            )
            raise ApiError(
                404,
                f"There is no model {model!r} here; there are: {', '.join(offered)}.",
                code="model_not_found",
                param="model",
            )
        return {**wanted.options, "llm_params": {**wanted.options.get("llm_params", {}), "model": model}}

    def note(self, response: GenerationResponse) -> None:
        """Measure one answer."""
        metrics = self.metrics
        for run in response.rail_runs:
            metrics.checks.add(run.rail, run.direction, run.decision)
            metrics.check_seconds.observe(run.duration, run.rail)
        if response.rail_runs:
            metrics.held.observe(sum(run.held for run in response.rail_runs))
        if isinstance(response.stop, Blocked):
            metrics.blocks.add(response.stop.rail, response.stop.direction)
        elif isinstance(response.stop, RailFailed):
            metrics.rail_failures.add(response.stop.rail)
            logger.warning("a rail could not check: %s", response.stop.error)
        metrics.tokens.add("input", value=response.usage.input_tokens)
        metrics.tokens.add("output", value=response.usage.output_tokens)


class Thread:
    """The thread of one request, if it names one.

    Args:
        services: what is shared.
        wanted: the request.
        ids: the configurations: a thread belongs to them, and to the key that it was begun with.
        owner: the digest of the client's API key.
    """

    def __init__(self, services: Services, wanted: Wanted, ids: Ids, owner: str) -> None:
        self._services = services
        self._wanted = wanted
        self._kept = 0  # messages of the thread before this turn
        self._key: str | None = None
        self._reasoning = services.kept.of(owner, ids)
        if wanted.thread_id is not None:
            named = "\0".join((owner, *ids, "", wanted.thread_id))
            self._key = hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()

    async def messages(self) -> list[Mapping[str, Any]]:
        """Give the whole conversation: context, what the thread holds, and what is new.

        Raises:
            ApiError: the thread cannot be read, or the conversation is too long.
        """
        wanted = self._wanted
        history = await self._history()
        self._kept = len(history)
        self._services.gatekeeper.count(len(history) + len(wanted.messages))
        context = [{"role": "context", "content": dict(wanted.context)}] if wanted.context else []
        return self._reasoning.put_back([*context, *history, *wanted.messages])

    async def save(self, response: GenerationResponse) -> None:
        """Keep the turn as the input rails let it through; not one that they refused, nor one that failed."""
        self._reasoning.keep(response)
        stop = response.stop
        refused = isinstance(stop, Blocked) and stop.direction == "input"
        if self._key is None or refused or response.outcome not in ("finished", "blocked"):
            return
        try:
            turn = [*response.messages[self._kept :], saved_message(response)]
            await self._services.store.append(self._key, turn)
        except Exception as exc:  # noqa: BLE001  # the client has its answer; a store's failure must not take it away
            self._services.metrics.store_failures.add()
            logger.warning("a thread could not be kept: %s: %s", type(exc).__name__, exc)

    async def _history(self) -> Sequence[Mapping[str, Any]]:
        if self._key is None:
            return ()
        try:
            history = list(await self._services.store.load(self._key))
        except Exception as exc:
            self._services.metrics.store_failures.add()
            logger.warning("a thread could not be read: %s: %s", type(exc).__name__, exc)
            raise ApiError(
                503, "The thread cannot be read for now.", type="server_error", code="store_unreachable", retry_after=1
            ) from exc
        while history and history[0].get("role") == "tool":  # its call was dropped with the oldest messages
            history.pop(0)
        return history
