"""Measures Handrail and every peer that can be installed, with the same work, and writes `docs/benchmarks.md`.

Usage: `python tests/bench/peers [--quick] [--only SYSTEM ...] [--cases KIND ...] [--reuse]`
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from cases import all_cases, memory_case
from environments import (
    QUIET,
    ROOT,
    SYSTEMS,
    MissingError,
    System,
    import_seconds,
    make_environment,
    python_of,
    version_of,
)
from plots import write_plots

sys.path.append(str(Path(__file__).parents[1]))  # for what the programs of this folder share

from report import write_report  # noqa: E402

_HERE = Path(__file__).parent
_RESULTS = ROOT / ".venvs" / "results.json"

Results = dict[str, dict[str, Any]]


def run_driver(system: System, cases: list[dict[str, Any]]) -> dict[str, Any]:
    """Measure cases in a system's own process; print each as it is done."""
    process = subprocess.Popen(
        [str(python_of(system)), str(_HERE / "driver.py"), system.key],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | QUIET,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(cases))
    process.stdin.close()
    results = {}
    for line in process.stdout:
        if line.startswith('{"case"'):
            result = json.loads(line)
            results[result["case"]] = result
            progress(f"{system.title}: {result['case']} in {result['seconds']:.1f} s", result.get("cannot", ""))
    process.wait()
    return results


def measure(system: System, names: list[str] | None, *, quick: bool) -> dict[str, Any]:
    """Measure one system; what it cannot do is in its results."""
    try:
        progress(f"{system.title}: environment")
        make_environment(system)
        facts = {"version": version_of(system), "import_seconds": import_seconds(system)}
    except MissingError as exc:
        progress(f"{system.title}: not measured", str(exc))
        return {"missing": str(exc), "cases": {}}
    chosen = [case for case in all_cases(quick=quick) if names is None or case["kind"] in names]
    cases = run_driver(system, [memory_case()]) if names is None or "memory" in names else {}
    return {**facts, "cases": cases | run_driver(system, chosen)}


def merged(earlier: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
    """Return the later results of a system with the earlier ones of cases that were not measured again."""
    return {**later, "cases": earlier.get("cases", {}) | later["cases"]}


def progress(what: str, more: str = "") -> None:
    """Print a line, since the whole takes a while."""
    print(time.strftime("%H:%M:%S"), what, more[:150], file=sys.stderr, flush=True)


def main() -> None:
    """Measure, and write the tables and plots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only a few cases, to try the program; writes nothing")
    parser.add_argument("--only", nargs="*", metavar="KEY", help="only these systems; earlier results of others stay")
    parser.add_argument("--cases", nargs="*", metavar="KIND", help="only cases of these kinds, as --only for systems")
    parser.add_argument("--reuse", action="store_true", help="measure nothing: write the tables from earlier results")
    options = parser.parse_args()
    partly = options.only or options.cases or options.reuse
    results: Results = json.loads(_RESULTS.read_text()) if partly and _RESULTS.exists() else {}
    for system in SYSTEMS:
        if not options.reuse and (options.only is None or system.key in options.only):
            found = measure(system, options.cases, quick=options.quick)
            results[system.key] = merged(results.get(system.key, {}), found)
            if not options.quick:
                _RESULTS.write_text(json.dumps(results))
    if options.quick:
        print(json.dumps(results, indent=1))
        return
    write_plots(results)
    write_report(results)


if __name__ == "__main__":
    main()
