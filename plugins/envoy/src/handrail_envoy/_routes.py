"""Which rails judge a request, and by which protocol: by its path, and by what Envoy's route says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from handrail import ConfigurationError, LLMRails, RailsConfig, Registry
from handrail_hosts.starlette import PATHS

if TYPE_CHECKING:
    from envoy.service.ext_proc.v3.external_processor_pb2 import ProcessingRequest

NAMESPACE = "handrail"
"""The namespace of Envoy's dynamic metadata in which a route may name a configuration as `config_id`."""

METADATA_KEY = "handrail-config-id"
"""The key of gRPC's initial metadata by which a route may name a configuration."""


class UnknownRouteError(Exception):
    """A request is for what nobody guards here; its words may be shown to the client."""


@dataclass(frozen=True, slots=True)
class Routes:
    """What is guarded.

    Args:
        rails: by the id of their configuration.
        default: the id for routes that name none; None if they must name one.
        unguarded: paths that pass without being judged.
        assumes_full_duplex: whether to believe of a gateway that says nothing of it that both bodies come here alone.
    """

    rails: Mapping[str, LLMRails]
    default: str | None
    unguarded: frozenset[str] = frozenset()
    assumes_full_duplex: bool = False

    def path_of(self, method: str, target: str) -> str | None:
        """Return the path by which the guard knows the protocol of a request; None for one that passes unjudged.

        Raises:
            UnknownRouteError: nobody guards it.
        """
        path = target.partition("?")[0].partition("#")[0]
        if path in self.unguarded:
            return None
        known = next((one for one in PATHS if path.endswith((one, one.removeprefix("/v1")))), None)
        if known is None or method != "POST":
            raise UnknownRouteError("This path is not guarded, so nothing passes through it.")
        return known

    def rails_of(self, request: ProcessingRequest, metadata: Iterable[tuple[str, str | bytes]]) -> LLMRails:
        """Return the rails that Envoy's route names; nothing that a client sends can name any.

        Raises:
            UnknownRouteError: it names none that is there.
        """
        told = request.metadata_context.filter_metadata
        named = told[NAMESPACE]["config_id"] if NAMESPACE in told and "config_id" in told[NAMESPACE] else None
        if named is None:
            named = next((value for key, value in metadata if key == METADATA_KEY), self.default)
        rails = self.rails.get(named) if isinstance(named, str) else None
        if rails is None:
            raise UnknownRouteError("The route names no configuration that is there.")
        return rails


def load(
    path: Path,
    *,
    default: str | None = None,
    unguarded: Iterable[str] = (),
    assumes_full_duplex: bool = False,
    registry: Registry | None = None,
) -> Routes:
    """Return the routes for a folder: one configuration, or folders with one each.

    Raises:
        ConfigurationError: there is none, one cannot be used, or `default` is not there.
    """
    single = path.is_file() or any((path / name).is_file() for name in ("config.yml", "config.yaml"))
    folders = (
        [path]
        if single
        else sorted(one.parent for name in ("config.yml", "config.yaml") for one in path.glob(f"*/{name}"))
    )
    if not folders:
        raise ConfigurationError(f"there is no configuration in {str(path)!r}; a folder with a config.yml is one")
    rails = {("default" if single else one.name): _rails(one, registry) for one in folders}
    chosen = default or (next(iter(rails)) if len(rails) == 1 else None)
    if chosen is not None and chosen not in rails:
        raise ConfigurationError(f"unknown configuration {chosen!r}; known: {', '.join(map(repr, rails))}")
    return Routes(rails, chosen, frozenset(unguarded), assumes_full_duplex)


def _rails(path: Path, registry: Registry | None) -> LLMRails:
    streaming = RailsConfig.from_content(config={"rails": {"output": {"streaming": {"enabled": True}}}})
    return LLMRails(RailsConfig.from_path(path) + streaming, registry=registry)
