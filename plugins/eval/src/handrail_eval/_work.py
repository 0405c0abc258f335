"""An evaluation from its command to its reports."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import distributions
from itertools import islice
from pathlib import Path
from typing import Any, Final

from handrail import ConfigurationError
from handrail.errors import message_of

from handrail_eval._engine import Settings
from handrail_eval._engines import engine_of
from handrail_eval._fields import sources_of
from handrail_eval._figures import Figures
from handrail_eval._gates import Gate, against_baseline, baseline_of, conditions_of
from handrail_eval._labels import labelled, labels_of
from handrail_eval._options import Asked, refuse_nonsense
from handrail_eval._page import Shown, page
from handrail_eval._parquet import write_table
from handrail_eval._progress import Progress
from handrail_eval._reading import files_of, left_out, read_rows
from handrail_eval._records import KINDS
from handrail_eval._reports import junit, markdown, notes
from handrail_eval._rows import Row
from handrail_eval._run import Run, fingerprint, records_of, told_files, write_whole

EXIT_GATE: Final = 6
"""A condition of `--fail-if` or `--baseline` failed. 0 to 5 are those of `handrail` itself."""
_INTERRUPTED: Final = 130
_EARLY: Final = 500  # rows
_NAMED: Final = 5  # files that were not read
_CONFIGURATION: Final = (".yml", ".yaml", ".co", ".py")  # beside the data, where both are in one folder


def evaluate(asked: Asked) -> int:
    """Judge, and write everything; return the exit code.

    Raises:
        ConfigurationError: the configuration, the data or an option cannot be used.
    """
    with told_files():
        return _evaluated(asked)


def _evaluated(asked: Asked) -> int:
    refuse_nonsense(asked)
    out, wanted = asked.results.out, asked.builds.baseline
    conditions, prices = conditions_of(asked.builds.fail_if), _prices(asked.results.prices)
    baseline = baseline_of(_json_of(wanted), wanted) if wanted is not None else None
    manifest = _manifest(asked)
    try:
        _judge(asked, manifest)
    except KeyboardInterrupt:
        sys.stderr.write(f"\nended; the same command goes on where it was ({out})\n")
        return _INTERRUPTED
    found, shown = Figures(prices), Shown()
    for verdict, times in records_of(out):
        found.add(verdict, times)
        shown.add(verdict, times)
    figures = found.result()
    gates = [condition.check(figures) for condition in conditions]
    if baseline is not None:
        gates += against_baseline(figures, baseline)
    _write(asked, figures, gates, page(figures, shown, manifest))
    if asked.results.parquet:
        write_table(out)
    return 0 if all(gate.passed for gate in gates) else EXIT_GATE


def _judge(asked: Asked, manifest: Mapping[str, Any]) -> None:
    data, settings = asked.data, _settings(asked, manifest)
    total = data.sample if data.sample is not None else data.limit
    with Run(asked.results.out, manifest) as run:
        progress = Progress(run.done, total)

        def write(verdict: Mapping[str, Any], times: Mapping[str, Any]) -> None:
            run.write(verdict, times)
            progress.add()

        left = islice(_rows(asked), run.done, data.limit)
        engine_of(asked.judging.engine)(asked.config, left, settings, write)
        progress.end()


def _settings(asked: Asked, manifest: Mapping[str, Any]) -> Settings:
    streams, judging = asked.streams, asked.judging
    return Settings(
        seed=streams.seed,
        pace=streams.pace,
        first_token=streams.first_token,
        whole=not streams.no_whole,
        texts=not asked.results.no_texts,
        concurrency=judging.concurrency,
        processes=judging.processes,
        cache=judging.cache,
        basis=json.dumps([manifest["config_digest"], manifest["versions"]]),
        ask_all=judging.ask_all,
    )


def _rows(asked: Asked) -> Iterable[Row]:
    data = asked.data
    rows: Iterable[Row] = read_rows(asked.paths, sources_of(data.preset, data.map))
    if data.labels is not None:
        rows = labelled(rows, labels_of(data.labels))
    rows = _told_early(rows)
    return rows if data.sample is None else _drawn(rows, data.sample, asked.streams.seed)


def _told_early(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield rows; if none of the first ones has a label, say so now and not after hours."""
    labelled_rows = 0
    for number, row in enumerate(rows, 1):
        labelled_rows += row.label is not None
        if number == _EARLY and not labelled_rows:
            sys.stderr.write(f"none of the first {number:,} rows has a label; name its column by --map label=COLUMN\n")
        yield row


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
    labels = asked.data.labels
    return {
        **asdict(asked.data),
        **asdict(asked.streams),
        "labels": None if labels is None else sorted(map(list, labels_of(labels).items())),
        "no_texts": asked.results.no_texts,
        "ask_all": asked.judging.ask_all,
        "config": str(asked.config),
        "data": ", ".join(map(str, asked.paths)),
        "config_digest": fingerprint(asked.config, without=_not_configuration(asked)),
        "data_digest": [fingerprint(file) for file in files_of(asked.paths)],
        "versions": sorted(
            f"{found.name} {found.version}" for found in distributions() if found.name.startswith("handrail")
        ),
    }


def _not_configuration(asked: Asked) -> list[Path]:
    """Return what may lie in the configuration's folder and is no part of it, such as data and results."""
    results, builds = asked.results, asked.builds
    others = (asked.data.labels, asked.judging.cache, results.prices, results.summary, builds.baseline, builds.junit)
    return [results.out, *asked.paths, *(path for path in others if path is not None)]


def _write(asked: Asked, figures: Mapping[str, Any], gates: list[Gate], shown: str) -> None:
    told = markdown(figures, gates)
    out, summary, report_of_build = asked.results.out, asked.results.summary, asked.builds.junit
    report = out / "report.html"
    write_whole(out / "figures.json", json.dumps(figures, indent=2) + "\n")
    write_whole(out / "summary.md", told)
    write_whole(report, shown, mode=0o600)  # it has texts that were refused
    if summary is not None:
        summary.write_text(told, encoding="utf-8")
    if report_of_build is not None:
        report_of_build.write_bytes(junit(gates))
    sys.stdout.write(f"{told}\n{report}\n")
    for note in (*_notes_on_data(asked), *notes(figures)):
        sys.stderr.write(f"{note}\n")


def _notes_on_data(asked: Asked) -> Iterator[str]:
    others = [path for path in left_out(asked.paths) if path.suffix.lower() not in _CONFIGURATION]
    if others:
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        told = ", ".join(map(str, others[:_NAMED]))
        yield f"not read, for they are neither of {', '.join(KINDS)}: {told}{more}"


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
        raise ConfigurationError(f"{path} cannot be read as JSON: {message_of(exc)}") from None
