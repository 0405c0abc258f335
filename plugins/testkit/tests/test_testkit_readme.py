"""The README's examples pass, and its tables name everything that there is to be named, in the code's own words."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path

import handrail_testkit
import pytest
from handrail_testkit import (
    PluginConformance,
    ProviderCase,
    ProviderConformance,
    RailCase,
    StrategyCase,
    StrategyConformance,
    StreamRailConformance,
    WindowRailConformance,
    pytest_plugin,
)

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SUITES = (PluginConformance, ProviderConformance, StrategyConformance, StreamRailConformance, WindowRailConformance)
CASES = (ProviderCase, RailCase, StrategyCase)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
def test_the_examples_pass(failures, anyio_backend):
    found = failures("\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL)))
    assert len(found) == 7, "six suites, and a function"
    assert not any(found.values()), found


@pytest.mark.parametrize("suite", SUITES)
def test_each_test_is_described_in_its_own_words(suite):
    for name in suite.suite_tests:
        said = " ".join(inspect.getdoc(getattr(suite, name)).split())
        assert f"| `{name.removeprefix('test_')}` | {said} |" in README


@pytest.mark.parametrize("case", CASES)
def test_every_part_of_a_case_is_described(case):
    assert [part.name for part in fields(case) if f"`{part.name}`" not in README] == []


def test_every_fixture_is_described():
    made = [name for name, value in vars(pytest_plugin).items() if type(value).__name__ == "FixtureFunctionDefinition"]
    assert len(made) == 7
    assert [name for name in made if not re.search(rf"\| `(await )?{name}\b", README)] == []


def test_every_public_name_is_described_and_can_be_had():
    for name in handrail_testkit.__all__:
        assert getattr(handrail_testkit, name) is not None
        assert name in README or name == "__version__"
