"""Measures start-up: imports, discovery, composing the quickstart, `handrail --help`. Prints a table; fails nothing.

Each figure is the best of several fresh processes, so that a busy machine disturbs it least.
"""

from __future__ import annotations

import subprocess
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUNS = 7

TIMED = """
import sys, time
started = time.perf_counter()
{code}
print(time.perf_counter() - started)
"""
COMPOSE = "from handrail import LLMRails, RailsConfig; LLMRails(RailsConfig.from_path('docs/examples/quickstart'))"
COMPOSE_WARM = """
from handrail import LLMRails, RailsConfig
LLMRails(RailsConfig.from_path('docs/examples/quickstart'))
started = time.perf_counter()
LLMRails(RailsConfig.from_path('docs/examples/quickstart'))
"""
DISCOVER = "import handrail, handrail._plugins.registry\nstarted = time.perf_counter()\nhandrail.Registry.discover()"
SEARCH = """
from importlib.metadata import entry_points
started = time.perf_counter()
entry_points(group="handrail")
"""


def best(code: str) -> float:
    """Run code in fresh processes; give the shortest time that it took, in milliseconds."""
    runs = []
    for _ in range(RUNS):
        done = subprocess.run(
            [sys.executable, "-c", TIMED.format(code=code)], cwd=ROOT, capture_output=True, text=True, check=True
        )
        runs.append(float(done.stdout))
    return min(runs) * 1000


def best_command(*command: str) -> float:
    """Run a command; give the shortest time from start to end, in milliseconds."""
    runs = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run([str(Path(sys.executable).parent / command[0]), *command[1:]], check=True, capture_output=True)
        runs.append(time.perf_counter() - started)
    return min(runs) * 1000


def main() -> None:
    """Measure and print."""
    base = best("import pluggy, anyio")
    handrail = best("import handrail")
    discovery, search, plugins = best(DISCOVER), best(SEARCH), len(entry_points(group="handrail"))
    rows = [
        ("import pluggy, anyio", base, ""),
        ("import handrail", handrail, f"{handrail / base:.2f} of it; target 2.5"),
        (f"discovery of {plugins} plugins beyond the import", discovery, "target 20 ms for four plugins"),
        ("... of which the search for entry points among all that is installed", search, ""),
        ("... and the rest, for each plugin", (discovery - search) / plugins, "target 2 ms"),
        ("registry and quickstart, imports included", best(COMPOSE), ""),
        ("registry and quickstart, in a warm process", best(COMPOSE_WARM), "target 150 ms"),
        ("handrail --help, whole process", best_command("handrail", "--help"), "target 500 ms"),
    ]
    print("| what | ms | |\n|---|---|---|")
    for name, value, note in rows:
        print(f"| {name} | {value:.1f} | {note} |")


if __name__ == "__main__":
    main()
