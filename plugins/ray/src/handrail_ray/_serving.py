"""The application of Ray Serve: a deployment for each placed rail, and one that takes requests over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from handrail import ConfigurationError, LLMRails, RailsConfig, StandaloneRail
from handrail.errors import InvalidArgumentError

from handrail_ray._answering import Answerer
from handrail_ray._bundle import Bundle
from handrail_ray._rail import RayRail
from handrail_ray._wire import Plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from handrail import Direction
    from starlette.requests import Request
    from starlette.responses import Response

    from handrail_ray._settings import RaySettings

_DRAIN = 30.0  # seconds that the checks of a replica have that is to end
_CAREFULLY: Plain = {
    "graceful_shutdown_timeout_s": _DRAIN,
    "max_surge_percent": 100,  # an update stops a replica when another one has taken its place, and not before
}


@dataclass(frozen=True, slots=True)
class Placed:
    """A rail that is to be deployed.

    Attributes:
        deployment: the deployment's name.
        flow: the flow's text.
        direction: the list of flows in which it stands.
        settings: where and how it runs.
    """

    deployment: str
    flow: str
    direction: Direction
    settings: RaySettings


def placed_rails(config: RailsConfig) -> tuple[Placed, ...]:
    """Return the rails of a configuration that are placed in Ray, each once.

    Raises:
        ConfigurationError: the configuration cannot be used, places none, or names several applications.
    """
    composition = LLMRails(config).composition
    found: dict[str, Placed] = {}
    for plan in (*composition.input_rails, *composition.output_rails):
        rail = _ray_rail(plan.rail)
        if rail is not None:
            found[rail.deployment] = Placed(rail.deployment, rail.flow, rail.direction, rail.settings)
    if not found:
        raise ConfigurationError(
            "the configuration places no rail in Ray; write 'place: {ray: {}}' below a rail in rails.config"
        )
    apps = sorted({placed.settings.app for placed in found.values()})
    if len(apps) > 1:
        raise ConfigurationError(f"the rails of one configuration are in several applications, {', '.join(apps)}")
    return tuple(found.values())


def _ray_rail(rail: object) -> RayRail | None:
    """Return the rail of ours that something stands around, such as a condition, if there is one."""
    while rail is not None and not isinstance(rail, RayRail):
        rail = getattr(rail, "rail", None)
    return rail


class Replica:
    """One process of a deployment: a rail, built from the files of its configuration."""

    def __init__(self, bundle: Bundle, flow: str, direction: Direction, batch: int, wait: float) -> None:
        from ray import serve

        self._folder = TemporaryDirectory(prefix="handrail-ray-")
        config = bundle.unpack(Path(self._folder.name))
        self._alone = StandaloneRail(config, flow, direction)
        answerer = self._answerer = Answerer(self._alone, batch)

        async def together(requests: list[Plain]) -> list[Plain]:
            return await answerer.answer_all(requests)

        self._gather: Any = serve.batch(together, max_batch_size=batch, batch_wait_timeout_s=wait)

    async def judge(self, request: Plain) -> Plain:
        """Answer a request, together with others where the rail judges batches."""
        if self._answerer.judges_batches:
            found: Plain = await self._gather(request)
            return found
        return await self._answerer.answer(request)

    async def __del__(self) -> None:
        """Close the rail; Serve awaits this when the replica ends."""
        await self._alone.aclose()
        self._folder.cleanup()


class Gateway:
    """Takes requests over HTTP, at `/<application>/<deployment>`, for those who are not part of the cluster."""

    def __init__(self, handles: Mapping[str, Any]) -> None:
        from handrail_ray._handle import Handle

        self._handles = {name: Handle(handle.judge) for name, handle in handles.items()}

    async def __call__(self, request: Request) -> Response:
        """Answer 200 with what a replica answers, 404 for a rail that is not deployed, 503 where no replica answers."""
        from starlette.responses import Response

        from handrail_ray._transport import BusyError, UnreachableError

        handle = self._handles.get(request.url.path.rpartition("/")[2])
        if handle is None:
            return Response(status_code=404)
        try:
            answer = await handle.ask(json.loads(await request.body()))
        except BusyError:
            answer = {"busy": True}
        except UnreachableError:
            return Response(status_code=503)
        return Response(json.dumps(answer), media_type="application/json")


def options_of(settings: RaySettings) -> Plain:
    """Return what Serve is told of a deployment, but for its name."""
    scale = settings.autoscale
    if scale is None:
        many: Plain = {"num_replicas": settings.replicas}
    else:
        target = scale.target or settings.at_once / 2
        bounds = {"min_replicas": scale.min, "max_replicas": scale.max, "target_ongoing_requests": target}
        many = {"autoscaling_config": bounds}
    return {
        **many,
        "max_ongoing_requests": settings.at_once,
        "max_queued_requests": settings.max_queued,
        "ray_actor_options": {"num_cpus": settings.cpus, "num_gpus": settings.gpus},
        **_CAREFULLY,
    }


def application(args: Mapping[str, str]) -> Any:
    """Return the Serve application of a configuration; `import_path: handrail_ray:application` in Serve's own files.

    Args:
        args: `config` is the path of the configuration.

    Raises:
        ConfigurationError: the configuration cannot be used, or places no rail in Ray.
    """
    fits = isinstance(args, Mapping) and isinstance(args.get("config"), str)
    InvalidArgumentError.unless(fits, "args", args, "a mapping with 'config', the path of the configuration")
    config = Path(args["config"])
    return built(Bundle.of(config), placed_rails(RailsConfig.from_path(config)))


def built(bundle: Bundle, rails: Iterable[Placed]) -> Any:
    """Return the Serve application for these rails."""
    from ray import serve

    deployment: Any = serve.deployment(Replica)
    handles = {}
    for placed in rails:
        handles[placed.deployment] = deployment.options(name=placed.deployment, **options_of(placed.settings)).bind(
            bundle, placed.flow, placed.direction, placed.settings.batch, placed.settings.wait_ms / 1000
        )
    gateway: Any = serve.deployment(Gateway)
    queued = sum(placed.settings.max_queued for placed in rails)
    return gateway.options(
        name="gateway",
        num_replicas=1,
        max_ongoing_requests=max(queued, 1000),
        ray_actor_options={"num_cpus": 0},
        **_CAREFULLY,
    ).bind(handles)
