"""`handrail envoy-processor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def envoy_processor(
    *,
    config: Path,
    config_id: str | None = None,
    listen: str = "127.0.0.1:50051",
    unguarded_path: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    assume_full_duplex: Annotated[bool, Parameter(negative=())] = False,
    drain_seconds: float = 30.0,
) -> int:
    """Guard what passes through Envoy, as its external processor.

    Exit codes: 0 stopped as asked, 2 wrong usage or configuration, or the address is taken.

    Args:
        config: A folder with a configuration, its file, or a folder of such folders.
        config_id: The configuration of routes that name none, where there are several.
        listen: Address to listen on: HOST:PORT, or unix:PATH.
        unguarded_path: A path that passes without being judged, such as /v1/models; may be given several times.
        assume_full_duplex: Trust a gateway that does not say so, as Envoy does, to send both bodies nowhere but here.
        drain_seconds: Seconds that running exchanges have left once the processor is told to stop.
    """
    from handrail_envoy._routes import load
    from handrail_envoy._serve import serve

    routes = load(config, default=config_id, unguarded=unguarded_path, assumes_full_duplex=assume_full_duplex)
    return serve(routes, listen, drain_seconds=drain_seconds)
