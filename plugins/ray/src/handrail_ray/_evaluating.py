"""`handrail eval --engine ray`: rows are judged by Ray Data, in actors that have loaded the configuration."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from handrail import ConfigurationError

from handrail_ray._bundle import Bundle
from handrail_ray._cluster import joined
from handrail_ray._transport import UnreachableError

if TYPE_CHECKING:
    from handrail_eval import Row, Settings, Write

_AT_ONCE = 20_000  # rows in the cluster's memory
_BATCH = 64  # rows that an actor is given at once


class Judge:
    """One actor: it loads the configuration, and judges the batches that come to it."""

    def __init__(self, bundle: Bundle, settings: Settings) -> None:
        from handrail_eval import RowJudge

        self._folder = TemporaryDirectory(prefix="handrail-ray-")
        self._judge = RowJudge(bundle.unpack(Path(self._folder.name)), settings)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        """Return the records of a batch of rows, in order."""
        rows = [pickle.loads(row) for row in batch["row"]]  # noqa: S301  # what this program has written itself
        return {"record": [pickle.dumps(record) for record in self._judge.judge(rows)]}


def judge_rows(config: Path, rows: Iterable[Row], settings: Settings, write: Write) -> None:
    """Judge rows in a cluster, and write what came of each, in order.

    Actors are as many as `settings.processes` says, else between one and as many as the cluster has processors for.

    Raises:
        ConfigurationError: there is no cluster, or what only this machine has is asked for, such as a cache.
    """
    if settings.cache is not None:
        raise ConfigurationError("--cache is a file of this machine, and not supported with --engine ray")
    try:
        joined(None)
    except UnreachableError as exc:
        raise ConfigurationError(f"{exc}; start one with 'ray start --head', or name it by RAY_ADDRESS") from exc
    import ray

    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    actors = settings.processes or max(int(ray.cluster_resources().get("CPU", 1)) - 1, 1)
    bundle = Bundle.of(config)
    for several in _slabs(rows):
        found = ray.data.from_items(several, override_num_blocks=-(-len(several) // _BATCH)).map_batches(
            Judge,
            batch_size=_BATCH,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=actors),
            fn_constructor_args=(bundle, settings),
            num_cpus=1,
        )
        for record in found.iter_rows():
            write(*pickle.loads(record["record"]))  # noqa: S301  # what an actor of this program has written


def _slabs(rows: Iterable[Row]) -> Iterator[list[dict[str, bytes]]]:
    """Yield rows as Ray Data has them, as many as its memory is to hold."""
    source = iter(rows)
    while several := [{"row": pickle.dumps(row)} for row in islice(source, _AT_ONCE)]:
        yield several
