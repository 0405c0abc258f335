"""Breaks the stream engine on purpose, one way at a time; the engine's tests must notice each. `make mutants`.

Words on the command line choose the mutants whose names have them.

Each mutant is a copy of the kernel with one line changed. A mutant that survives means that a test is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = ["core/tests/test_stream.py", "core/tests/test_invariants.py", "core/tests/test_rolling.py"]


@dataclass(frozen=True)
class Mutant:
    """A line of the engine and what takes its place."""

    name: str
    file: str
    line: str
    instead: str


MUTANTS = [
    Mutant(
        "release a window early",
        "_stream/lanes.py",
        "self.cleared = max(self.cleared, lowered(clears, edits))",
        "self.cleared = max(self.cleared, lowered(check.window.end, edits))",
    ),
    Mutant(
        "drop the last window",
        "_builtin/rolling.py",
        "window = self._make() if self._cuts[-1] > self._start else None",
        "window = self._make() if self._cuts[-1] > self._start and not self._finished else None",
    ),
    Mutant(
        "take what the last window left for cleared",
        "_stream/lanes.py",
        "if self._window_end < self._stage.length:",
        "if False:",
    ),
    Mutant(
        "deliver after the end",
        "_stream/pump.py",
        "if self.pipeline.ended:  #",
        "if False:  #",
    ),
    Mutant(
        "forget to close the provider",
        "_stream/pump.py",
        "await close_source(source, self._provider)",
        "pass",
    ),
    Mutant(
        "let a raise pass",
        "_stream/workers.py",
        "if plan.allow_on_error and isinstance(exc, Exception):",
        "if isinstance(exc, Exception):",
    ),
    Mutant(
        "release out of order",
        "_stream/lanes.py",
        "while self._waiting and self._waiting[0].done and self.stopped_by is None:",
        "while self._waiting and any(c.done for c in self._waiting) and self.stopped_by is None:",
    ),
    Mutant(
        "the first to answer is the verdict",
        "_stream/windows.py",
        "return None if waits else first",
        "return first",
    ),
    Mutant(
        "release what one of several rails has cleared",
        "_stream/windows.py",
        "self._release_to(self._floor)",
        "self._release_to(max(every))",
    ),
    Mutant(
        "read on without a limit",
        "_stream/pump.py",
        "if characters > self._look_at:",
        "if False:",
    ),
    Mutant(
        "read what a provider has at hand before the first check begins",
        "_stream/pump.py",
        "while self._look_at < 0:",
        "while False:",
    ),
    Mutant(
        "ask about text only at its end",
        "_stream/pump.py",
        "if characters >= stage.due:",
        "if False:",
    ),
    Mutant(
        "count as pending only what strategies have seen",
        "_stream/pump.py",
        "stage.came = characters",
        "pass",
    ),
    Mutant(
        "wait for room although only more text can help",
        "_stream/pump.py",
        "while room < enough and (self._checks or self._items):",
        "while room < enough:",
    ),
    Mutant(
        "one check at a time",
        "_stream/lanes.py",
        "while self._running < self.plan.max_concurrency and not self.stopping:",
        "while self._running < 1 and not self.stopping:",
    ),
    Mutant(
        "apply an edit that the next window must see again",
        "_stream/lanes.py",
        "self._accept([edit for edit in edits if edit.end <= clears])",
        "self._accept(edits)",
    ),
    Mutant(
        "keep what a session holds at its end",
        "_stream/sessions.py",
        "self._judge(self._session.finish())",
        "self._session.finish()",
    ),
    Mutant(
        "hold nothing",
        "_builtin/rolling.py",
        "held_from = self._cuts[min(self._index(end_tokens - self._hold_size), end_index)]",
        "held_from = end",
    ),
    Mutant(
        "repeat no context",
        "_builtin/rolling.py",
        "keep = min(self._index(self._start_tokens - self._context_size), end_index)",
        "keep = end_index",
    ),
]


def survives(mutant: Mutant, folder: Path) -> bool:
    """Run the tests against a copy of the kernel with the mutant's line in it."""
    package = folder / "handrail"
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(ROOT / "core/src/handrail", package, ignore=shutil.ignore_patterns("__pycache__"))
    path = package / mutant.file
    source = path.read_text(encoding="utf-8")
    if source.count(mutant.line) != 1:
        sys.exit(f"{mutant.name}: the line to change stands {source.count(mutant.line)} times in {mutant.file}")
    path.write_text(source.replace(mutant.line, mutant.instead), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(folder), "HANDRAIL_EXAMPLES": "150"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *TESTS]
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False, timeout=300)
    except subprocess.TimeoutExpired:  # a stream that never ends is noticed too
        return False
    return done.returncode == 0


def main() -> int:
    """Try every mutant; give 1 if any survives."""
    survivors = 0
    chosen = [mutant for mutant in MUTANTS if all(word in mutant.name for word in sys.argv[1:])]
    with tempfile.TemporaryDirectory() as folder:
        for mutant in chosen:
            alive = survives(mutant, Path(folder))
            survivors += alive
            print(f"{'SURVIVES' if alive else 'noticed ':8}  {mutant.name}", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} mutants noticed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
