"""What every suite has in common: its tests cannot be taken out of the way, and a failure says what to do."""

from __future__ import annotations

import textwrap

import pytest
from handrail_testkit import (
    HostConformance,
    PluginConformance,
    ProviderConformance,
    StrategyConformance,
    StreamRailConformance,
    WindowRailConformance,
)

SUITES = (
    HostConformance,
    PluginConformance,
    ProviderConformance,
    StrategyConformance,
    StreamRailConformance,
    WindowRailConformance,
)

SILENT = """
    import pytest
    from handrail import Chunk
    from handrail_testkit import ProviderCase, ProviderConformance

    @pytest.fixture
    def anyio_backend():
        return "asyncio"

    class Silent:
        async def stream(self, messages, params):
            yield Chunk("a")
            yield Chunk("b", finish_reason="stop")

    class TestSilent(ProviderConformance):
        @pytest.fixture
        def case(self):
            return ProviderCase(provider=Silent())
"""


@pytest.fixture
def run(pytester):
    """Run one test of a module, and give the result."""

    def run(source: str, test: str):
        pytester.makepyfile(textwrap.dedent(source))
        return pytester.runpytest_inprocess("-k", test, "-p", "no:cacheprovider")

    return run


pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])


@pytest.mark.parametrize("suite", SUITES)
def test_each_test_says_what_it_proves_and_how_to_mend_a_failure(suite, anyio_backend):
    for name in suite.suite_tests:
        doc = getattr(suite, name).__doc__
        assert doc, name
        assert doc.count(".") >= 1, name


@pytest.mark.parametrize("suite", SUITES)
def test_no_test_can_be_overridden_or_removed(suite, anyio_backend):
    for name in suite.suite_tests:
        for instead in (lambda self: None, None):
            with pytest.raises(TypeError, match=f"overrides {name} .*'expected_failures'"):
                type("TestCheat", (suite,), {name: instead})


def test_nor_by_a_subclass_of_a_subclass(anyio_backend):
    kind = type("TestMine", (ProviderConformance,), {"test_of_my_own": lambda self: None})
    type("TestMineToo", (kind,), {"test_of_my_own": lambda self: None})
    with pytest.raises(TypeError, match="overrides test_usage_is_told_by_the_end"):
        type("TestCheat", (kind,), {"test_usage_is_told_by_the_end": None})


def test_a_failure_says_what_the_test_proves(run, anyio_backend):
    result = run(SILENT, "usage_is_told")
    assert result.parseoutcomes() == {"failed": 1, "deselected": len(ProviderConformance.suite_tests) - 1}
    result.stdout.fnmatch_lines(["*what this test proves, and what to do*", "The last usage given is that of*"])


def test_an_expected_failure_is_no_failure(run, anyio_backend):
    result = run(
        f"{SILENT}\n        expected_failures = {{'test_usage_is_told_by_the_end': 'to be done'}}", "usage_is_told"
    )
    assert result.parseoutcomes()["xfailed"] == 1


def test_an_expected_failure_that_passes_is_one(run, anyio_backend):
    test = "test_chunks_join_to_the_same_text_each_time"
    result = run(f"{SILENT}\n        expected_failures = {{{test!r}: 'to be done'}}", "chunks_join")
    assert result.parseoutcomes()["failed"] == 1


def test_an_expected_failure_of_no_test_is_an_error(run, anyio_backend):
    result = run(f"{SILENT}\n        expected_failures = {{'test_nothing': 'to be done'}}", "chunks_join")
    assert result.parseoutcomes()["errors"] == 1
    result.stdout.fnmatch_lines(["*names no test of the conformance suite: test_nothing*"])


@pytest.mark.parametrize(
    ("suite", "test", "message"),
    [
        ("ProviderConformance", "usage_is_told", "*override the fixture 'case' so that it gives a ProviderCase*"),
        ("HostConformance", "usage_is_kept", "*override the fixture 'case' so that it returns a HostCase*"),
        ("WindowRailConformance", "examples_show", "*override the fixture 'case' so that it gives a RailCase*"),
        ("StreamRailConformance", "examples_show", "*override the fixture 'case' so that it gives a RailCase*"),
        ("StrategyConformance", "without_text", "*override the fixture 'case' so that it gives a StrategyCase*"),
        ("PluginConformance", "says_what_it_is", "*set 'distribution' to the name of yours*"),
    ],
)
def test_what_is_tested_must_be_said(run, suite, test, message, anyio_backend):
    source = f"from handrail_testkit import {suite}\n\nclass TestNothing({suite}):\n    pass\n"
    result = run(source, f"{test} and not trio")
    assert result.parseoutcomes()["errors"] == 1
    result.stdout.fnmatch_lines([message])
