"""Nothing of whoever runs the tests, and a way to run suites over parts that are bad on purpose."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pytest
from handrail_testkit._conformance import thorough
from handrail_testkit._strategy_suite import _WORDS as WORDS
from hypothesis import Phase, settings

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Take away proxies."""
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def quick(monkeypatch):
    """Try few random examples, and do not look for the smallest one: what is bad on purpose fails without them."""
    monkeypatch.setattr("handrail_testkit._rail_suite.EXAMPLES", 3)
    monkeypatch.setattr("handrail_testkit._rail_suite.harmless.__kwdefaults__", {"length": 300})
    monkeypatch.setattr("handrail_testkit._stream_rail_suite.EXAMPLES", 3)
    monkeypatch.setattr("handrail_testkit._stream_rail_suite.LONG", 300)
    monkeypatch.setattr("handrail_testkit._strategy_suite._LONG", WORDS * 8)
    few = settings(thorough, max_examples=3, phases=[Phase.generate], database=None)
    for suite in ("strategy", "stream_rail"):
        monkeypatch.setattr(f"handrail_testkit._{suite}_suite.thorough", few)


@dataclass(frozen=True)
class _Only:
    """Runs of each class that has named tests those, and of each other class every test."""

    named: Mapping[str, Collection[str]]

    @pytest.hookimpl
    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if self.wants(item.cls.__name__, item.originalname)]

    def wants(self, kind: str, test: str) -> bool:
        return not (named := self.named.get(kind)) or test in named


@pytest.fixture
def failures(pytester, quick):
    """Run a module of suites; give for each class the tests that failed, and make sure that others passed.

    With `only`, a class for which it names tests runs those alone, so that none of them need pass.
    """

    def run(source: str, *, only: Mapping[str, Collection[str]] = MappingProxyType({})) -> dict[str, set[str]]:
        pytester.makepyfile(textwrap.dedent(source))
        record = pytester.inline_run("-q", "--tb=no", "-p", "no:cacheprovider", plugins=[_Only(only)] if only else [])
        failed: dict[str, set[str]] = defaultdict(set)
        passed: dict[str, int] = defaultdict(int)
        for report in record.getreports("pytest_runtest_logreport"):
            kind, test = report.nodeid.split("::")[-2:]
            failed[kind] |= {test.partition("[")[0]} if report.failed else set()
            passed[kind] += report.when == "call" and report.passed
        whole = (kind for kind in passed if not only.get(kind))
        assert all(passed[kind] for kind in whole), "a class of which no test passes proves nothing"
        return dict(failed)

    return run


@pytest.fixture
def assert_each_bites():
    """Check that bad parts fail the tests of the rules that they break, and no others; good ones none."""

    def check(found, broken, suite, elsewhere=frozenset()) -> None:
        wrong = [
            f"{name}: {what} {', '.join(sorted(tests))}"
            for name, failed in found.items()
            for what, tests in (
                ("fails", failed - set(broken.get(name, ()))),
                ("passes", set(broken.get(name, ())) - failed),
            )
            if tests
        ]
        assert not wrong, "\n".join(wrong)
        assert broken.keys() <= found.keys()
        untried = suite.suite_tests - elsewhere - set().union(*broken.values())
        assert not untried, "tests that no bad part fails"

    return check
