"""Breaks what decides on purpose, one way at a time; tests must notice each. `make mutants`.

Words on the command line choose the mutants whose names have them.

Each mutant is a copy of a package with one line changed. A mutant that survives means that a test is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from mutant import Group, Mutant
from mutants_of_rules import GROUPS as OF_RULES

ROOT = Path(__file__).parents[1]
TESTS = [
    "core/tests/test_gate.py",
    "core/tests/test_stream.py",
    "core/tests/test_workers.py",
    "core/tests/test_invariants.py",
    "core/tests/test_rolling.py",
    "core/tests/test_observing_rails.py",
    "core/tests/test_slices.py",
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "core/tests").glob("test_promises_*.py")),
]

NOTICED = "noticed"
_SECONDS = 540  # what all these tests take on a busy machine, and more
_PLUGIN = """
def pytest_configure():
    from hypothesis import Phase, settings

    settings.register_profile("first failure", phases=[Phase.explicit, Phase.generate])  # nobody reads it: any will do
    settings.load_profile("first failure")
"""


MUTANTS = [
    Mutant(
        "release a window early",
        "_stream/lanes.py",
        "self.cleared = max(self.cleared, lowered(clears, edits))",
        "self.cleared = max(self.cleared, lowered(window.end, edits))",
    ),
    Mutant(
        "take what the last window left for cleared", "_stream/lanes.py", "if self._window_end < length:", "if False:"
    ),
    Mutant(
        "release out of order",
        "_stream/lanes.py",
        "while waiting and self.stopped_by is None:",
        "while waiting and self.stopped_by is None and not waiting.rotate(-1):",
    ),
    Mutant(
        "one check at a time",
        "_stream/lanes.py",
        "while self.running < self.slots and self.refused is None and not stage.stopping:",
        "while self.running < 1 and self.refused is None and not stage.stopping:",
    ),
    Mutant(
        "apply an edit that the next window must see again",
        "_stream/lanes.py",
        "accepted = [edit for edit in edits if edit.end <= clears]",
        "accepted = list(edits)",
    ),
    Mutant(
        "forget an edit that is owed",
        "_stream/lanes.py",
        "self._owed = [edit for edit in edits if edit.end > clears]",
        "self._owed = []",
    ),
    Mutant(
        "forget what asked for an edit that is owed when a rail reads again",
        "_stream/lanes.py",
        "begins = self._passed[-1][1] if edits and self._passed else window.context_start",
        "begins = window.context_start",
    ),
    Mutant(
        "read again from where the text no longer is",
        "_stream/lanes.py",
        "return passed[0][1] if passed and passed[0][0] <= released else self._origin",
        "return passed[0][1] if passed and passed[0][0] <= released else 0",
    ),
    Mutant(
        "the first to answer is the verdict",
        "_stream/lanes.py",
        "return None if any(lane.busy and _place(lane) < _place(first) for lane in lanes) else first",
        "return first",
    ),
    Mutant(
        "release what one of several rails has cleared",
        "_stream/windows.py",
        "return min([lane.cleared for lane in holding], default=self.length)",
        "return max([lane.cleared for lane in holding], default=self.length)",
    ),
    Mutant(
        "judge as the whole what is left of the text",
        "_stream/windows.py",
        "first = 0 if may_judge_all else min(origins)",
        "first = min(origins)",
    ),
    Mutant(
        "keep what a session holds at its end",
        "_stream/sessions.py",
        "out += self._judge(self._session.finish())",
        "self._session.finish()",
    ),
    Mutant(
        "let a raise pass",
        "_stream/outcome.py",
        "passes = plan.allow_on_error and isinstance(outcome, Exception)",
        "passes = isinstance(outcome, Exception)",
    ),
    Mutant(
        "let what was cancelled from inside pass",
        "_stream/outcome.py",
        "passes = plan.allow_on_error and isinstance(outcome, Exception)",
        "passes = plan.allow_on_error or not isinstance(outcome, Exception)",
    ),
    Mutant(
        "wait forever for an end that nothing brings about", "_stream/gate.py", "elif not self.checking:", "elif False:"
    ),
    Mutant("begin a check after the end", "_stream/gate.py", "step.start.clear()", "pass"),
    Mutant(
        "forget to ask again when a slot comes free",
        "_stream/windows.py",
        "if self.stop is None and (was_full or self.finished or self._doubtful or lane.stage is not self):",
        "if self.stop is None and (self.finished or self._doubtful or lane.stage is not self):",
    ),
    Mutant(
        "call no worker for the checks that are left",
        "_stream/checker.py",
        "self._call(len(todo) if has_come and self._running else 1)",
        "self._call(0)",
    ),
    Mutant(
        "ask although the consumer has left",
        "_stream/checker.py",
        "if check.dropped or gate.ended:",
        "if check.dropped:",
    ),
    Mutant(
        "forget to close the provider",
        "_stream/reader.py",
        "await close_source(self.pieces, self._source.provider)",
        "pass",
    ),
    Mutant(
        "forget to close the provider without tasks",
        "_stream/pull.py",
        "await close_source(pieces, self._source.provider)",
        "pass",
    ),
    Mutant(
        "a provider that is cancelled from inside has ended well",
        "_stream/source.py",
        "return cancelled_inside(provider)",
        "return None",
    ),
    Mutant(
        "read on without a limit", "_stream/reader.py", "if came > self._pause_at or self._hurry:", "if self._hurry:"
    ),
    Mutant(
        "wait for room although only more text can help",
        "_stream/reader.py",
        "while room < enough and (gate.checking or (gate.step.items and not self._is_pushed)):",
        "while room < enough:",
    ),
    Mutant(
        "bound an answer only when reading pauses",
        "_stream/reader.py",
        "self._pause_at = min(came + room, self._max_characters - beside)",
        "self._pause_at = came + room",
    ),
    Mutant(
        "a second reader takes the place of the first", "_stream/pump.py", "if checker.taker is not None:", "if False:"
    ),
    Mutant(
        "a wait that was cancelled stays",
        "_stream/pump.py",
        "if checker.taker is wake:  # cancelled before there was anything, or the end",
        "if False:",
    ),
    Mutant(
        "refuse what a rail before may still take away",
        "_stream/windows.py",
        "other.cleared >= end  #",
        "other.passed_end >= end  #",
    ),
    Mutant(
        "forget a refusal that became certain at the end",
        "_stream/windows.py",
        "if self._doubtful and not self.stopping:  #",
        "if False:  #",
    ),
    Mutant(
        "let the last in order decide",
        "_stream/lanes.py",
        '_place = attrgetter("cleared", "rank")',
        "_place = lambda lane: (lane.cleared, -lane.rank)",
    ),
    Mutant("withdraw nothing", "_stream/gate.py", "self.step.items += retractions(self._chains)", "pass"),
    Mutant(
        "withdraw only what the rail has refused",
        "_stream/windows.py",
        "begins = [lane.cleared",
        "begins = [self.length",
    ),
    Mutant(
        "hold text for a rail that observes",
        "_stream/windows.py",
        "self._holding = [lane for lane in lanes if lane.holds]",
        "self._holding = [lane for lane in lanes if not lane.plan.stream_first]",
    ),
    Mutant(
        "let a rail that observes decide",
        "_stream/windows.py",
        "self._deciding = [lane for lane in lanes if not lane.plan.observes]",
        "self._deciding = lanes",
    ),
    Mutant("warn of a failure twice", "_stream/asking.py", "failures.clear()", "pass"),
    Mutant(
        "look at nothing before the end",
        "_stream/reader.py",
        "if came >= self._gate.due or self._gate.ended:",
        "if self._gate.ended:",
    ),
    Mutant(
        "forget text that is still needed",
        "_stream/kept.py",
        "drop = self.needed_from - self._base",
        "drop = len(self._text) - 1",
    ),
    Mutant(
        "take the end of a part for the end of the text",
        "_builtin/rolling.py",
        "closes = self._finished and not self._incoming",
        "closes = self._finished",
    ),
    Mutant("hold nothing", "_builtin/rolling.py", "self._clears = held", "self._clears = stop"),
    Mutant("repeat no context", "_builtin/rolling.py", "keep = self._back(end, self._context_size)", "keep = end"),
]


ENGINE = Group("core/src/handrail", TESTS, MUTANTS)
GROUPS = (ENGINE, *OF_RULES)


def came_of(mutant: Mutant, group: Group, folder: Path) -> str:
    """Run the tests against a copy of the package with the mutant's line in it; return what came of that."""
    (folder / "first_failure.py").write_text(_PLUGIN, encoding="utf-8")
    package = folder / Path(group.package).name
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(ROOT / group.package, package, ignore=shutil.ignore_patterns("__pycache__"))
    path = package / mutant.file
    source = path.read_text(encoding="utf-8")
    if source.count(mutant.line) != 1:
        sys.exit(f"{mutant.name}: the line to change stands {source.count(mutant.line)} times in {mutant.file}")
    path.write_text(source.replace(mutant.line, mutant.instead), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(folder), "HANDRAIL_EXAMPLES": "150"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "first_failure"]
    try:
        done = subprocess.run(
            [*command, *group.tests], cwd=ROOT, env=environment, capture_output=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:  # a test that waits forever notices nothing
        return "HANGS"
    return "SURVIVES" if done.returncode == 0 else NOTICED


def tried(group: Group, words: list[str]) -> list[bool]:
    """Try the mutants of a group whose names have these words; return whether each was noticed."""
    chosen = [mutant for mutant in group.mutants if all(word in mutant.name for word in words)]
    noticed = []
    with tempfile.TemporaryDirectory() as folder:
        unchanged = replace(group.mutants[0], name="nothing", instead=group.mutants[0].line)
        if chosen and came_of(unchanged, group, Path(folder)) != "SURVIVES":
            sys.exit(f"the tests of {group.package} fail with nothing changed, so they prove nothing")
        for mutant in chosen:
            found = came_of(mutant, group, Path(folder))
            noticed.append(found == NOTICED)
            print(f"{found:8}  {mutant.name}", flush=True)
    return noticed


def main() -> int:
    """Try every mutant; give 1 unless the tests notice each, and do not hang."""
    noticed = [one for group in GROUPS for one in tried(group, sys.argv[1:])]
    print(f"{sum(noticed)} of {len(noticed)} mutants noticed")
    return 0 if all(noticed) else 1


if __name__ == "__main__":
    sys.exit(main())
