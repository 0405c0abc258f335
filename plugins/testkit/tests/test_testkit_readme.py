"""The examples of the README and of the suites' pages pass, and the pages have the code's own words."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path

import handrail_testkit
import pytest
from handrail_testkit import (
    HostAnswer,
    HostConformance,
    HostRequest,
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
FOLDER = Path(__file__).parents[3] / "docs" / "conformance"
PAGES = {page.stem: page.read_text(encoding="utf-8") for page in sorted(FOLDER.glob("*s.md"))}  # all but the index
LONG = {"fixtures", "hosts", "window-rails"}
"""Pages whose examples take seconds; `make thorough` runs them."""
EVERYTHING = "\n".join([README, *PAGES.values()])
SUITES = {
    HostConformance: ["hosts"],
    PluginConformance: ["distributions"],
    ProviderConformance: ["providers"],
    StrategyConformance: ["strategies"],
    StreamRailConformance: ["stream-rails", "window-rails"],  # what both have in common is said once
    WindowRailConformance: ["window-rails"],
}
CASES = (HostAnswer, HostRequest, ProviderCase, RailCase, StrategyCase)


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=[pytest.mark.heavy] if page in LONG else []) for page in ["README", *PAGES]]
)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
def test_the_examples_of_a_page_pass(failures, page, anyio_backend):
    found = failures("\n".join(re.findall(r"```python\n(.*?)```", {"README": README, **PAGES}[page], re.DOTALL)))
    assert found
    assert not any(found.values()), found


def test_the_readme_can_be_read_in_a_sitting():
    assert README.count("\n") <= 150


@pytest.mark.parametrize("suite", SUITES)
def test_each_test_is_described_in_its_own_words(suite):
    page = "\n".join(PAGES[name] for name in SUITES[suite])
    for name in suite.suite_tests:
        said = " ".join(inspect.getdoc(getattr(suite, name)).split())
        assert f"| `{name.removeprefix('test_')}` | {said} |" in page


@pytest.mark.parametrize("case", CASES)
def test_every_part_of_a_case_is_described(case):
    assert [part.name for part in fields(case) if f"`{part.name}`" not in EVERYTHING] == []


def test_every_fixture_is_described():
    made = [name for name, value in vars(pytest_plugin).items() if type(value).__name__ == "FixtureFunctionDefinition"]
    assert len(made) == 7
    assert [name for name in made if not re.search(rf"\| `(await )?{name}\b", EVERYTHING)] == []


def test_every_public_name_is_described_and_can_be_had():
    for name in handrail_testkit.__all__:
        assert getattr(handrail_testkit, name) is not None
        assert name in EVERYTHING or name == "__version__"
