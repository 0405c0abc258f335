"""What `rails.config.<rail>.place.ray` may have."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_Count = Annotated[int, Field(strict=True, ge=1)]
_Share = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]


class Autoscale(BaseModel):
    """How the number of replicas follows the load.

    Attributes:
        min: the fewest replicas; 0 lets the rail sleep, and the first check then waits until one has started.
        max: the most replicas.
        target: how many checks at once are to be at each replica; half of what it takes unless set.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    min: Annotated[int, Field(strict=True, ge=0)] = 1
    max: _Count
    target: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min is {self.min}, which is more than max, {self.max}")
        return self


class RaySettings(BaseModel):
    """Where and how a rail runs in a Ray cluster.

    Attributes:
        replicas: how many processes judge.
        batch: the most windows that a replica judges together, where the rail judges batches. A replica takes twice as
            many checks at once, and more wait.
        wait_ms: how many milliseconds the first of a batch waits for others.
        cpus: processors that each replica reserves; a fraction shares one.
        gpus: graphics processors that each replica reserves; a fraction shares one.
        max_queued: how many checks may wait at each process that asks; one more fails at once.
        autoscale: let the number of replicas follow the load, instead of `replicas`.
        address: where the cluster is asked: `http://host:8000` for Ray Serve's HTTP port, from outside of the cluster;
            unless set, the cluster that this process is part of, by handle.
        app: the name of the Serve application. Configurations that share a cluster need one each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    replicas: _Count = 1
    batch: _Count = 32
    wait_ms: Annotated[float, Field(ge=0, le=10_000)] = 2.0
    cpus: _Share = 1.0
    gpus: _Share = 0.0
    max_queued: _Count = 1000
    autoscale: Autoscale | None = None
    address: Annotated[str, Field(pattern=r"^(https?://[^/\s]+/?|auto|[\w.-]+:\d+)$")] | None = None
    app: _Name = "handrail"

    @model_validator(mode="after")
    def _is_one_number(self) -> Self:
        if self.autoscale is not None and "replicas" in self.model_fields_set:
            raise ValueError("'replicas' and 'autoscale' are both set; keep one of them")
        return self

    @property
    def at_once(self) -> int:
        """How many checks a replica takes at once: a batch that is judged, and the next one that gathers."""
        return 2 * self.batch

    @property
    def is_http(self) -> bool:
        """Whether the cluster is asked over HTTP."""
        return self.address is not None and self.address.startswith("http")
