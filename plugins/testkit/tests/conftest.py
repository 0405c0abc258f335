"""Nothing of whoever runs the tests, and a way to run suites over parts that are bad on purpose."""

from __future__ import annotations

import textwrap
from collections import defaultdict

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Take away proxies."""
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def failures(pytester):
    """Run a module of suites; give for each class the tests that failed, and make sure that others passed."""

    def run(source: str) -> dict[str, set[str]]:
        pytester.makepyfile(textwrap.dedent(source))
        record = pytester.inline_run("-q", "--tb=no", "-p", "no:cacheprovider")
        failed: dict[str, set[str]] = defaultdict(set)
        passed: dict[str, int] = defaultdict(int)
        for report in record.getreports("pytest_runtest_logreport"):
            _, kind, test = report.nodeid.split("::")
            failed[kind] |= {test.partition("[")[0]} if report.failed else set()
            passed[kind] += report.when == "call" and report.passed
        assert all(passed.values()), "a class of which no test passes proves nothing"
        return dict(failed)

    return run


@pytest.fixture
def assert_each_bites():
    """Check that bad parts fail the tests of the rules that they break, and no others; good ones none."""

    def check(found, broken, suite) -> None:
        wrong = {
            name: (sorted(failed), sorted(broken.get(name, ())))
            for name, failed in found.items()
            if failed != set(broken.get(name, ()))
        }
        assert wrong == {}, "class: (failed, broken)"
        assert broken.keys() <= found.keys()
        assert suite.suite_tests - set().union(*broken.values()) == set(), "tests that no bad part fails"

    return check
