"""Renders the results of all systems as Markdown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from _document import machine, table, write_part
from cases import GAP, LATENCIES, RAILS, TOKENS, VIOLATIONS
from environments import SYSTEMS, System

Results = dict[str, dict[str, Any]]
NONE = "–"


def write_report(results: Results) -> None:
    """Write the tables into `docs/benchmarks.md`."""
    shown = [system for system in SYSTEMS if system.key in results and "missing" not in results[system.key]]
    parts = [
        f"Measured on {machine()}.",
        _main(shown, results),
        _plots(),
        _pace(shown, results),
        _streams(shown, results),
        _costs(shown, results),
        _settings(results),
        _cannot(shown, results),
    ]
    write_part("peers", "\n\n".join(part for part in parts if part))


def _main(shown: list[System], results: Results) -> str:
    """One line a system: what each question comes down to."""
    columns: list[tuple[str, Callable[[dict[str, Any]], str]]] = [
        ("leaked, worst (mean)", _leaked),
        ("generated after a block", lambda cases: _number(cases, "violation", "generated_after", "{:.0f}")),
        ("first text, s", lambda cases: _number(cases, _name(0.5, 1), "first_text", "{:.2f}")),
        ("total / ideal", lambda cases: _number(cases, _name(0.5, 1), "over_ideal", "{:.2f}")),
        ("longest gap, s", lambda cases: _number(cases, _name(0.5, 1), "longest_gap", "{:.2f}")),
        ("checks", lambda cases: _number(cases, _name(0.5, 1), "checks", "{:.0f}")),
        ("judged / generated", lambda cases: _number(cases, _name(0.5, 1), "judged", "{:.2f}")),
        ("whole text delivered", _complete),
    ]
    rows = [[system.title, *(show(results[system.key]["cases"]) for _, show in columns)] for system in shown]
    return (
        "### At a glance\n\n"
        f"One rail with a judge that takes 0.5 s; {TOKENS} tokens at {1 / GAP:.0f} a second, so that "
        f"{TOKENS * GAP + 0.5:.1f} s are possible. *Leaked* is how many characters of a forbidden phrase of "
        f"{_of(results)} a reader saw, over {len(VIOLATIONS)} places of it in the text, with a judge of 0.2 s.\n\n"
        + table(["", *(title for title, _ in columns)], rows)
    )


def _pace(shown: list[System], results: Results) -> str:
    head = ["", *(f"{rails} × {latency:g} s" for rails in RAILS for latency in LATENCIES)]
    rows = [
        [
            system.title,
            *(
                _number(results[system.key]["cases"], _name(latency, rails), "over_ideal", "{:.2f}")
                for rails in RAILS
                for latency in LATENCIES
            ),
        ]
        for system in shown
    ]
    return (
        "### Total time over the ideal\n\n"
        "The ideal is the time of generation and one judgement, whatever the number of rails, so without a guard it "
        "is below 1. Columns: rails × latency of their judges.\n\n" + table(head, rows)
    )


def _streams(shown: list[System], results: Results) -> str:
    crowds = (1, 50, 200)
    head = ["", *(f"{streams}, total / ideal" for streams in crowds), "slowest first text of 200, s"]
    rows = []
    for system in shown:
        cases = results[system.key]["cases"]
        ratios = [_number(cases, f"crowd streams={streams}", "over_ideal", "{:.2f}") for streams in crowds]
        first = _number(cases, "crowd streams=200", "slowest_first_text", "{:.2f}")
        rows.append([system.title, *ratios, first])
    return "### Streams at once\n\n50 tokens a second each, one rail, a judge of 0.05 s.\n\n" + table(head, rows)


def _costs(shown: list[System], results: Results) -> str:
    head = [
        "",
        "CPU per token, µs",
        "import, s of CPU",
        "memory of the process, MB",
        "5,000 tokens add, MB",
        "read ahead of a slow reader, tokens",
        "provider closed after it leaves, s",
    ]
    rows = []
    for system in shown:
        found = results[system.key]
        cases = found["cases"]
        rows.append(
            [
                system.title,
                _number(cases, "cpu", "microseconds", "{:.1f}"),
                f"{found['import_seconds']:.2f}",
                _number(cases, "memory", "before_mb", "{:.0f}"),
                _number(cases, "memory", "added_mb", "{:.1f}"),
                _number(cases, "slow consumer", "most_ahead", "{:.0f}"),
                _number(cases, "slow consumer", "closed_after", "{:.2f}", missing="not closed"),
            ]
        )
    return (
        "### Costs\n\nA rail that takes no time; the provider's own cost is included, which is that of the first row. "
        "The slow reader takes 1,000 tokens a second of a provider that has no limit, and leaves after two seconds.\n\n"
        + table(head, rows)
    )


def _plots() -> str:
    names = {
        "total": "total time over the ideal, with a judge of half a second",
        "streams": "200 streams at once: total time over the ideal",
        "cpu": "processor time for each token",
    }
    return "\n\n".join(f"![{words}](benchmarks/{name}.svg)" for name, words in names.items())


def _settings(results: Results) -> str:
    rows = []
    for system in SYSTEMS:
        found = results.get(system.key)
        if found is None:
            continue
        version = f"not measured: {found['missing']}" if "missing" in found else found["version"]
        rows.append([system.title, version or NONE, system.remark])
    return "### Versions and settings\n\n" + table(["", "version", "settings"], rows)


def _cannot(shown: list[System], results: Results) -> str:
    reasons = [
        f"- {system.title}, {case}: {result['cannot']}"
        for system in shown
        for case, result in results[system.key]["cases"].items()
        if "cannot" in result
    ]
    return "### What a system could not do\n\n" + "\n".join(reasons) if reasons else ""


def _name(latency: float, rails: int) -> str:
    return f"pace L={latency:g} rails={rails}"


def _number(cases: dict[str, Any], case: str, key: str, shape: str, *, missing: str = NONE) -> str:
    result = cases.get(case)
    if result is None or "cannot" in result:
        return NONE
    value = result.get(key)
    return missing if value is None else shape.format(value)


def _leaked(cases: dict[str, Any]) -> str:
    result = cases.get("violation", {"cannot": ""})
    if "cannot" in result:
        return NONE
    note = f", {result['not_blocked']} never blocked" if result["not_blocked"] else ""
    return f"{result['leaked']} ({result['leaked_mean']:.0f}){note}"


def _complete(cases: dict[str, Any]) -> str:
    result = cases.get(_name(0.5, 1), {})
    return {True: "yes", False: "no", None: NONE}[result.get("complete")]


def _of(results: Results) -> str:
    found = (found["cases"].get("violation", {}).get("of") for found in results.values())
    return str(next(filter(None, found), "?"))
