"""`handrail eval`, and its commands `compare`, `thresholds` and `quickstart`."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from handrail_eval._work import Asked, evaluate

_Several = Annotated[tuple[str, ...], Parameter(negative=())]
_Flag = Annotated[bool, Parameter(negative=(), show_default=False)]

app = App(name="eval", help="Measure what rails do to streams, on data.", help_format="plaintext")


@app.default
def run(
    config: Path,
    data: Annotated[tuple[Path, ...], Parameter(negative=())],
    /,
    *,
    out: Path = Path("handrail-eval"),
    map: _Several = (),  # noqa: A002  # the option's name
    preset: str | None = None,
    labels: Path | None = None,
    limit: int | None = None,
    sample: int | None = None,
    seed: int = 0,
    pace: float = 50.0,
    first_token: float = 0.3,
    concurrency: int = 32,
    processes: int = 0,
    engine: str = "local",
    no_whole: _Flag = False,
    no_texts: _Flag = False,
    ask_all: _Flag = False,
    parquet: _Flag = False,
    cache: Path | None = None,
    prices: Path | None = None,
    fail_if: _Several = (),
    baseline: Path | None = None,
    junit: Path | None = None,
    summary: Path | None = None,
) -> int:
    """Judge the rows of data, and write figures, records and a page.

    A run that was ended goes on where it was when the same command is given again.

    Exit codes: 0 judged, 2 wrong usage, configuration or data, 6 a condition of --fail-if or --baseline failed,
    130 Ctrl-C.

    Args:
        config: A folder with a configuration, or its file.
        data: Files of JSON Lines, JSON, CSV or Parquet, or folders of them.
        out: The folder of the run.
        map: Which column is which field: 'response=answer,label=score>0.5', quoted, for a shell reads > itself.
        preset: A known shape of data: pyrit, chat, wildguard or beavertails.
        labels: A record of decisions whose marks are labels, of the rows with the ids of its calls.
        limit: Judge the first rows only.
        sample: Judge so many rows, drawn by the seed.
        seed: Decides what is drawn, how answers are cut, and how regularly pieces come.
        pace: Tokens per second of the model.
        first_token: Seconds before its first token.
        concurrency: Rows at once, and checks of one rail at once, where rails are waited for.
        processes: Processes where rails are not waited for; by default one a processor.
        engine: Who judges: local is this machine; ray, of handrail-ray, a cluster.
        no_whole: Judge answers as streams only.
        no_texts: Write no texts: no answers, no reasons of rails, no messages of errors.
        ask_all: Ask judges of cascades about windows that 'when' spares them, too, to see what they miss.
        parquet: Write OUT/verdicts.parquet, too: a line for each row, without texts.
        cache: A file with answers of judges that are known; it is made, and grows.
        prices: A JSON file with the price of a million tokens in and out: {"MODEL": [0.15, 0.6]}.
        fail_if: A condition that fails the build: "false_stops > 0.01".
        baseline: A figures.json of an earlier run; the build fails if figures are worse.
        junit: Write the conditions as JUnit XML.
        summary: Write the figures as Markdown to another place, too.
    """
    return evaluate(
        Asked(
            config=config,
            data=data,
            out=out,
            maps=map,
            preset=preset,
            labels=labels,
            limit=limit,
            sample=sample,
            seed=seed,
            pace=pace,
            first_token=first_token,
            concurrency=concurrency,
            processes=processes,
            engine=engine,
            whole=not no_whole,
            texts=not no_texts,
            ask_all=ask_all,
            parquet=parquet,
            cache=cache,
            prices=prices,
            fail_if=fail_if,
            baseline=baseline,
            junit=junit,
            summary=summary,
        )
    )


@app.command
def compare(first: Path, second: Path, /, *, json: _Flag = False) -> int:
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
    json: _Flag = False,
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
    return evaluate(Asked(config=box / "config", data=(box / "rows.jsonl",), out=out))
