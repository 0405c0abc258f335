"""`handrail ray deploy`, `status` and `delete`."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter
from handrail import ConfigurationError, RailsConfig
from handrail.errors import message_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
_FAILED = 4

app = App(name="ray", help="Deploy the placed rails of a configuration on Ray Serve.", help_format="plaintext")


@app.command
def deploy(config: Path, /, *, address: str | None = None) -> int:
    """Deploy the rails of a configuration that are placed in Ray, or update them; wait until they judge.

    Checks that run during an update are finished by the replicas that began them.

    Exit codes: 0 deployed, 2 wrong usage or configuration, or no cluster, 4 a rail could not be built there.

    Args:
        config: A folder with a configuration, or its file.
        address: The cluster's address; unless given, RAY_ADDRESS or the cluster of this machine.
    """
    from handrail_ray._bundle import Bundle
    from handrail_ray._serving import built, placed_rails

    bundle, rails = Bundle.of(config), placed_rails(RailsConfig.from_path(config))
    name = rails[0].settings.app
    serve = _cluster(address)
    try:
        serve.run(built(bundle, rails), name=name, route_prefix=f"/{name}")
    except RuntimeError as exc:
        sys.stderr.write(f"{message_of(exc)}\n")
        _write(serve, name)
        return _FAILED
    return _write(serve, name)


@app.command
def status(*, app: str = "handrail", address: str | None = None, json: _Flag = False) -> int:
    """Show the deployments of an application: their state, their replicas, and what is wrong.

    Exit codes: 0 all of them judge, 2 wrong usage or no cluster, 4 one of them does not.

    Args:
        app: The application's name, as `app` of the rails' places.
        address: The cluster's address; unless given, RAY_ADDRESS or the cluster of this machine.
        json: Write JSON.
    """
    return _write(_cluster(address), app, json=json)


@app.command
def delete(*, app: str = "handrail", address: str | None = None) -> int:
    """Delete an application; rails that are placed there fail from then on.

    Exit codes: 0 deleted, 2 wrong usage or no cluster.

    Args:
        app: The application's name, as `app` of the rails' places.
        address: The cluster's address; unless given, RAY_ADDRESS or the cluster of this machine.
    """
    serve = _cluster(address)
    if app not in serve.status().applications:
        raise ConfigurationError(f"the cluster has no application {app!r}")
    serve.delete(app)
    sys.stdout.write(f"deleted {app}\n")
    return 0


def _cluster(address: str | None) -> Any:
    from handrail_ray._cluster import joined
    from handrail_ray._transport import UnreachableError

    try:
        return joined(address)
    except UnreachableError as exc:
        raise ConfigurationError(f"{exc}; start one with 'ray start --head', or name it by --address") from exc


def _write(serve: Any, name: str, *, json: bool = False) -> int:
    found = serve.status().applications.get(name)
    if found is None:
        raise ConfigurationError(f"the cluster has no application {name!r}; deploy one with 'handrail ray deploy'")
    rows = list(_rows(found))
    if json:
        sys.stdout.write(json_module.dumps({"app": name, "status": found.status, "rails": rows}, indent=2) + "\n")
    else:
        width = max(len(row["deployment"]) for row in rows)
        lines = [f"{row['deployment']:{width}}  {row['status']:9}  {row['replicas']}  {row['message']}" for row in rows]
        sys.stdout.write("\n".join(line.rstrip() for line in lines) + "\n")
    return 0 if all(row["status"] == "HEALTHY" for row in rows) else _FAILED


def _rows(found: Any) -> Iterator[dict[str, Any]]:
    for name, deployment in sorted(found.deployments.items()):
        running = deployment.replica_states.get("RUNNING", 0)
        yield {
            "deployment": name,
            "status": str(getattr(deployment.status, "value", deployment.status)),
            "replicas": running,
            "message": deployment.message,
        }
