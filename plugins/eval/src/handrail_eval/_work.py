"""An evaluation from its command to its reports."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from importlib.metadata import distributions
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any, Final

from handrail import ConfigurationError

from handrail_eval._engine import Settings
from handrail_eval._engines import LOCAL, engine_of
from handrail_eval._fields import sources_of
from handrail_eval._figures import Figures
from handrail_eval._gates import Gate, against_baseline, baseline_of, conditions_of
from handrail_eval._labels import labelled, labels_of
from handrail_eval._page import Shown, page
from handrail_eval._parquet import write_table
from handrail_eval._progress import Progress
from handrail_eval._reading import files_of, read_rows
from handrail_eval._reports import junit, markdown, notes
from handrail_eval._rows import Row
from handrail_eval._run import Run, fingerprint, records_of, told_files

EXIT_GATE: Final = 6
"""A condition of `--fail-if` or `--baseline` failed. 0 to 5 are those of `handrail` itself."""
_INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command asks for; the names are those of its options."""

    config: Path
    data: tuple[Path, ...]
    out: Path
    maps: tuple[str, ...] = ()
    preset: str | None = None
    labels: Path | None = None
    limit: int | None = None
    sample: int | None = None
    seed: int = 0
    pace: float = 50.0
    first_token: float = 0.3
    concurrency: int = 32
    processes: int = 0
    engine: str = LOCAL
    whole: bool = True
    texts: bool = True
    ask_all: bool = False
    parquet: bool = False
    cache: Path | None = None
    prices: Path | None = None
    fail_if: tuple[str, ...] = ()
    baseline: Path | None = None
    junit: Path | None = None
    summary: Path | None = None


_DECIDE: Final = ("maps", "preset", "limit", "sample", "seed", "pace", "first_token", "whole", "texts", "ask_all")


def evaluate(asked: Asked) -> int:
    """Judge, and write everything; return the exit code.

    Raises:
        ConfigurationError: the configuration, the data or an option cannot be used.
    """
    with told_files():
        return _evaluated(asked)


def _evaluated(asked: Asked) -> int:
    _refuse_nonsense(asked)
    conditions, prices = conditions_of(asked.fail_if), _prices(asked.prices)
    baseline = baseline_of(_json_of(asked.baseline), asked.baseline) if asked.baseline is not None else None
    manifest = _manifest(asked)
    try:
        _judge(asked, manifest)
    except KeyboardInterrupt:
        sys.stderr.write(f"\nended; the same command goes on where it was ({asked.out})\n")
        return _INTERRUPTED
    found, shown = Figures(prices), Shown()
    for verdict, times in records_of(asked.out):
        found.add(verdict, times)
        shown.add(verdict, times)
    figures = found.result()
    gates = [condition.check(figures) for condition in conditions]
    if baseline is not None:
        gates += against_baseline(figures, baseline)
    _write(asked, figures, gates, page(figures, shown, manifest))
    if asked.parquet:
        write_table(asked.out)
    return 0 if all(gate.passed for gate in gates) else EXIT_GATE


def _judge(asked: Asked, manifest: Mapping[str, Any]) -> None:
    sources = sources_of(asked.preset, asked.maps)
    settings = Settings(
        seed=asked.seed,
        pace=asked.pace,
        first_token=asked.first_token,
        whole=asked.whole,
        texts=asked.texts,
        concurrency=asked.concurrency,
        processes=asked.processes,
        cache=asked.cache,
        basis=json.dumps([manifest["config_digest"], manifest["versions"]]),
        ask_all=asked.ask_all,
    )
    with Run(asked.out, manifest) as run:
        rows: Iterable[Row] = read_rows(asked.data, sources)
        rows = labelled(rows, labels_of(asked.labels)) if asked.labels is not None else rows
        rows = _drawn(rows, asked.sample, asked.seed) if asked.sample is not None else rows
        left = islice(rows, run.done, asked.limit)
        progress = Progress(run.done, asked.sample if asked.sample is not None else asked.limit)

        def write(verdict: Mapping[str, Any], times: Mapping[str, Any]) -> None:
            run.write(verdict, times)
            progress.add()

        engine_of(asked.engine)(asked.config, left, settings, write)
        progress.end()


def _drawn(rows: Iterable[Row], size: int, seed: int) -> Iterator[Row]:
    """Draw rows of data of any size in one pass, and return them in the order of the data."""
    chance, kept = random.Random(seed), []  # noqa: S311  # no secret: the seed must give the same again
    for number, row in enumerate(rows):
        if number < size:
            kept.append(row)
        elif (place := chance.randint(0, number)) < size:
            kept[place] = row
    return iter(sorted(kept, key=lambda row: row.index))


def _manifest(asked: Asked) -> dict[str, Any]:
    """Return what decides the verdicts: a run goes on only if it is the same."""
    chosen = {field.name: getattr(asked, field.name) for field in fields(asked) if field.name in _DECIDE}
    return {
        **chosen,
        "labels": None if asked.labels is None else sorted(map(list, labels_of(asked.labels).items())),
        "config": str(asked.config),
        "data": ", ".join(map(str, asked.data)),
        "config_digest": fingerprint(asked.config, without=_not_configuration(asked)),
        "data_digest": [fingerprint(file) for file in files_of(asked.data)],
        "versions": sorted(
            f"{found.name} {found.version}" for found in distributions() if found.name.startswith("handrail")
        ),
    }


def _not_configuration(asked: Asked) -> list[Path]:
    """Return what may lie in the configuration's folder and is no part of it, such as data and results."""
    others = (asked.labels, asked.cache, asked.prices, asked.baseline, asked.junit, asked.summary)
    return [asked.out, *asked.data, *(path for path in others if path is not None)]


def _write(asked: Asked, figures: Mapping[str, Any], gates: list[Gate], shown: str) -> None:
    told = markdown(figures, gates)
    out = asked.out
    (out / "figures.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    (out / "summary.md").write_text(told, encoding="utf-8")
    report = out / "report.html"
    report.touch(mode=0o600)  # it has texts that were refused
    report.write_text(shown, encoding="utf-8", errors="replace")
    if asked.summary is not None:
        asked.summary.write_text(told, encoding="utf-8")
    if asked.junit is not None:
        asked.junit.write_bytes(junit(gates))
    sys.stdout.write(f"{told}\n{report}\n")
    for note in notes(figures):
        sys.stderr.write(f"{note}\n")


def _refuse_nonsense(asked: Asked) -> None:
    for name, least in (("limit", 1), ("sample", 1), ("concurrency", 1), ("processes", 0)):
        value = getattr(asked, name)
        if value is not None and value < least:
            raise ConfigurationError(f"--{name} is {value}; it must be at least {least}")
    if not 0 < asked.pace < inf or not 0 <= asked.first_token < inf:
        raise ConfigurationError("--pace must be above 0, --first-token at least 0, and neither without an end")
    if not asked.config.exists():
        raise ConfigurationError(f"{asked.config} does not exist")


def _prices(path: Path | None) -> dict[str, tuple[float, float]]:
    found = _json_of(path) if path is not None else {}
    try:
        return {name: (float(pair[0]), float(pair[1])) for name, pair in found.items()}
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise ConfigurationError(f'{path} must be like {{"MODEL": [0.15, 0.6]}}: prices of a million tokens') from None


def _json_of(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ConfigurationError(f"{path} cannot be read as JSON: {exc}") from None
