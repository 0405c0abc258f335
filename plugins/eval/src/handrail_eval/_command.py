"""`handrail eval`, and its commands `compare`, `thresholds` and `quickstart`."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from handrail_eval._options import (
    Asked,
    BuildOptions,
    DataOptions,
    Flag,
    JudgingOptions,
    ResultOptions,
    StreamOptions,
)
from handrail_eval._work import evaluate

_HELP = """Measure what rails do to streams, on data.

Exit codes: 0 judged, 2 wrong usage, configuration or data, 6 a condition of
--fail-if or --baseline failed, 130 Ctrl-C.
"""
app = App(name="eval", help=_HELP, help_format="plaintext")


@app.default
def run(
    config: Path,
    data: Annotated[tuple[Path, ...], Parameter(negative=())],
    /,
    *,
    chosen: DataOptions | None = None,
    streams: StreamOptions | None = None,
    judging: JudgingOptions | None = None,
    results: ResultOptions | None = None,
    builds: BuildOptions | None = None,
) -> int:
    """Judge the rows of data, and write figures, records and a page.

    A run that was ended goes on where it was when the same command is given again.

    Exit codes: 0 judged, 2 wrong usage, configuration or data, 6 a condition of
    --fail-if or --baseline failed, 130 Ctrl-C.

    Args:
        config: A folder with a configuration, or its file.
        data: Files of JSON Lines, JSON, CSV or Parquet, or folders of them.
    """
    return evaluate(
        Asked(
            config=config,
            paths=data,
            data=chosen or DataOptions(),
            streams=streams or StreamOptions(),
            judging=judging or JudgingOptions(),
            results=results or ResultOptions(),
            builds=builds or BuildOptions(),
        )
    )


@app.command
def compare(first: Path, second: Path, /, *, json: Flag = False) -> int:
    """Compare two runs on the same rows.

    Exit codes: 0 compared, 2 they cannot be compared.

    Args:
        first: The folder of a run.
        second: The folder of another one.
        json: Write JSON.
    """
    from handrail_eval._compare import compare_runs, lines_of
    from handrail_eval._run import told_files

    with told_files():
        found = compare_runs(first, second)
    sys.stdout.write(json_module.dumps(found, indent=2) + "\n" if json else "\n".join(lines_of(found)) + "\n")
    return 0


@app.command
def thresholds(
    run: Path,
    /,
    *,
    budget: str = "fpr=0.01",
    patch: Path | None = None,
    json: Flag = False,
) -> int:
    """Show what the scores of a run's rails are worth, and recommend thresholds; curves are in RUN/thresholds.html.

    Judge with 'mode: observe' before, so that every window of every row has a score.

    Exit codes: 0 shown, 2 the run has no scores, or no threshold keeps the budget.

    Args:
        run: The folder of a run.
        budget: What a threshold has to keep: fpr=0.01 (false stops at most) or recall=0.95 (at least).
        patch: Write the thresholds as YAML; the file may lie beside the configuration's other files.
        json: Write JSON.
    """
    from handrail_eval._curves_page import curves_page
    from handrail_eval._run import told_files
    from handrail_eval._thresholds import advice_of, found_in, lines_of, patch_of

    with told_files():
        found = found_in(run, budget)
        page = run / "thresholds.html"
        page.write_text(curves_page(found, [advice_of(figures) for figures in found.values()]), encoding="utf-8")
        written = patch_of(found)
        if patch is not None and written:
            patch.write_text(written, encoding="utf-8")
    sys.stdout.write(json_module.dumps(found, indent=2) + "\n" if json else "\n".join([*lines_of(found), f"{page}\n"]))
    return 0 if any(figures["recommended"] is not None for figures in found.values()) else 2


@app.command
def quickstart(*, out: Path = Path("handrail-eval-quickstart")) -> int:
    """Judge the rows that come with the package by pattern rails, without a key and a network.

    Args:
        out: The folder of the run.
    """
    box = Path(__file__).with_name("box")
    return evaluate(Asked(config=box / "config", paths=(box / "rows.jsonl",), results=ResultOptions(out=out)))
