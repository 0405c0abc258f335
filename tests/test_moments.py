"""No test is decided by the moment: by how busy the machine is, or by what a clock says of some work."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from distributions import ROOT

LONG = 60
"""Seconds; whatever a test waits for outside of it comes within more than these, or has hung."""

FOLDERS = ("core/tests", "plugins/*/tests", "providers/*/tests", "tests", "tests/spec", "tests/support")
TESTS = [file for folder in FOLDERS for file in sorted(ROOT.glob(f"{folder}/*.py"))]
NOT_RUN_WITH_THE_REST = ("compat", "mutants", "observe_check", "observe_live", "side_by_side", "test_moments", "work")

WAITS = re.compile(r"(?:fail_after|\.wait|\.join|\.result|wait_idle)\((\d+(?:\.\d+)?)\)|\.wait, (\d+)\)")
LIMITS = re.compile(
    r"(?:subprocess\.run|partial\(subprocess\.run|HTTPConnection|create_connection|communicate|httpx2?\.Client)"
    r"\([^\n]*\btimeout=(\d+(?:\.\d+)?)"
)
CLOCKS = re.compile(r"\btime\.(?:process_time|perf_counter|time)(?:_ns)?\(|\b(?:process_time|perf_counter)\(\)")
DEADLINES = re.compile(r"\bsettings\([^)]*\bdeadline=(?!None)")
CHECKS = re.compile(r"suppress_health_check=(?!list\(HealthCheck\))\[(?![^]]*too_slow)")
ON_A_VIRTUAL_CLOCK = re.compile(r"virtual_clock|VirtualLoop|from virtual import")


def found(*patterns: re.Pattern[str], but_virtual: bool = False) -> Iterator[tuple[str, re.Match[str]]]:
    """Yield what looks like these in a test, with its file; not in those whose clock does not wait if that is asked."""
    for file in TESTS:
        text = file.read_text("utf-8")
        conftest = file.with_name("conftest.py")
        whole = text + (conftest.read_text("utf-8") if conftest.is_file() else "")
        if file.stem in NOT_RUN_WITH_THE_REST or (but_virtual and ON_A_VIRTUAL_CLOCK.search(whole)):
            continue
        for pattern in patterns:
            for match in pattern.finditer(text):
                yield str(file.relative_to(ROOT)), match


def test_what_is_waited_for_may_take_long():
    """A machine that does other work stretches everything: a limit of seconds is one that fails by chance."""
    waits = [*found(LIMITS), *found(WAITS, but_virtual=True)]
    assert len(waits) > 50
    assert [(name, match[0]) for name, match in waits if float(next(filter(None, match.groups()))) < LONG] == []


def test_work_is_counted_or_measured_where_the_machine_makes_no_difference():
    """`work.py` measures; `handrail_testkit._counting` counts."""
    assert [(name, match[0]) for name, match in found(CLOCKS, DEADLINES, CHECKS)] == []


@pytest.mark.parametrize(
    ("pattern", "bad"),
    [
        (WAITS, "with anyio.fail_after(5):"),
        (WAITS, "closed.wait, 5)"),
        (LIMITS, "subprocess.run(command, check=True, timeout=20)"),
        (CLOCKS, "started = time.process_time()"),
        (DEADLINES, "@settings(max_examples=40, deadline=1_000)"),
        (CHECKS, "suppress_health_check=[HealthCheck.function_scoped_fixture]"),
    ],
)
def test_what_is_meant_is_found(pattern: re.Pattern[str], bad: str):
    assert pattern.search(bad)
