"""Breaks what decides on purpose, one way at a time; tests must notice each. `make mutants`.

Words on the command line choose the mutants whose names have them.

Each mutant is a copy of a package with one line changed. A mutant that survives means that a test is missing. The test
that notices it is written into `noticed_by.json`, and asked first the next time.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mutant import Group, Mutant
from mutants_of_calls import GROUPS as OF_CALLS
from mutants_of_engine import ENGINE
from mutants_of_rules import GROUPS as OF_RULES

ROOT = Path(__file__).parents[1]
NOTICED_BY = ROOT / "tests" / "noticed_by.json"
NOTICED = "noticed"
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+?::\w+)", re.MULTILINE)
_SECONDS = 540  # what all these tests take on a busy machine, and more
_PLUGIN = """
def pytest_configure():
    from hypothesis import HealthCheck, Phase, settings

    settings.register_profile(
        "first failure",
        phases=[Phase.explicit, Phase.generate],  # nobody reads it: any will do
        deadline=None,  # a busy machine breaks no mutant
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("first failure")
"""


GROUPS = (ENGINE, *OF_CALLS, *OF_RULES)


def came_of(mutant: Mutant, group: Group, folder: Path, known: str | None = None) -> tuple[str, str | None]:
    """Run the tests against a copy of the package with the mutant's line in it.

    Args:
        mutant: what to change.
        group: whose it is.
        folder: where the copy is made.
        known: the test that noticed it before, which is asked first.

    Returns:
        What came of that, and which test noticed.
    """
    (folder / "first_failure.py").write_text(_PLUGIN, encoding="utf-8")
    package = folder / Path(group.package).name
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(ROOT / group.package, package)
    path = package / mutant.file
    source = path.read_text(encoding="utf-8")
    if source.count(mutant.line) != 1:
        sys.exit(f"{mutant.name}: the line to change stands {source.count(mutant.line)} times in {mutant.file}")
    path.write_text(source.replace(mutant.line, mutant.instead), encoding="utf-8")
    if known is not None and (found := _asked([known], folder))[0] == NOTICED and found[1] is not None:
        return found
    return _asked(group.tests, folder)


def _asked(tests: Sequence[str], folder: Path) -> tuple[str, str | None]:
    environment = {**os.environ, "PYTHONPATH": str(folder), "HANDRAIL_EXAMPLES": "150"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling tests takes longer than most mutants live
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "", "-p", "no:cacheprovider", "-p", "first_failure"]
    try:
        done = subprocess.run(
            [*command, *tests], cwd=ROOT, env=environment, capture_output=True, check=False, timeout=_SECONDS, text=True
        )
    except subprocess.TimeoutExpired:  # a test that waits forever notices nothing
        return "HANGS", None
    failed = _FAILED.search(done.stdout)
    return "SURVIVES" if done.returncode == 0 else NOTICED, failed and failed[1]


def tried(group: Group, words: list[str], noticed_by: dict[str, str]) -> list[bool]:
    """Try the mutants of a group whose names have these words; return whether each was noticed."""
    chosen = [mutant for mutant in group.mutants if all(word in mutant.name for word in words)]
    noticed = []
    with tempfile.TemporaryDirectory() as folder:
        unchanged = replace(group.mutants[0], name="nothing", instead=group.mutants[0].line)
        if chosen and came_of(unchanged, group, Path(folder))[0] != "SURVIVES":
            sys.exit(f"the tests of {group.package} fail with nothing changed, so they prove nothing")
        for mutant in chosen:
            found, by = came_of(mutant, group, Path(folder), noticed_by.get(mutant.name))
            noticed.append(found == NOTICED)
            if by is not None:
                noticed_by[mutant.name] = by
            print(f"{found:8}  {mutant.name}", flush=True)
    return noticed


def main() -> int:
    """Try every mutant; give 1 unless the tests notice each, and do not hang."""
    noticed_by: dict[str, str] = json.loads(NOTICED_BY.read_text(encoding="utf-8"))
    noticed = [one for group in GROUPS for one in tried(group, sys.argv[1:], noticed_by)]
    NOTICED_BY.write_text(json.dumps(noticed_by, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{sum(noticed)} of {len(noticed)} mutants noticed")
    return 0 if all(noticed) else 1


if __name__ == "__main__":
    sys.exit(main())
