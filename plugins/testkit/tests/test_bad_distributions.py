"""Distributions that are bad on purpose: each fails the tests of the rules that it breaks, and no others."""

from __future__ import annotations

import pytest
from handrail_testkit import PluginConformance

METADATA = {
    "Name": "handrail-good",
    "Version": "1.0",
    "Summary": "A rail of a test.",
    "License-Expression": "MIT",
    "Requires-Python": ">=3.11",
    "Requires-Dist": "handrail>=0.1",
}
README = "# A rail of a test"
ENTRY = "good = handrail_good.plugin"

PLUGIN = """
from __future__ import annotations

from handrail.plugins import RailSpec, hookimpl


@hookimpl
def handrail_rails():
    yield RailSpec(
        "good check",
        "handrail_good.rail:Rail",
        settings="handrail_good.rail:Settings",
        summary="Lets everything pass.",
    )
"""
RAIL = '''
from __future__ import annotations

from handrail import Verdict
from pydantic import BaseModel


class Settings(BaseModel):
    """Settings.

    Attributes:
        level: how strict it is.
    """

    level: int = 1


class Rail:
    def __init__(self, settings, context):
        pass

    async def check(self, window, turn):
        return Verdict.allow()
'''

COUNTING = """

handrail_rails.numbers = iter(range(1000))
"""

SAYS = "test_it_says_what_it_is"
PYTHON = "test_it_says_which_python_it_needs"
KERNEL = "test_it_asks_for_a_kernel_that_it_knows"
TYPES = "test_its_types_can_be_used"
ENTRY_POINT = "test_its_entry_point_is_where_plugins_are_looked_for"
HOOKS = "test_its_hooks_can_be_read"
SAME = "test_hooks_give_the_same_each_time"
IMPORTS = "test_discovery_imports_no_implementation"
QUICK = "test_discovery_is_quick"
TRACE = "test_discovery_leaves_no_trace"
NAMES = "test_names_are_written_as_configurations_write_them"
SUMMARY = "test_each_record_has_a_summary"
TARGETS = "test_everything_that_is_named_can_be_imported"
LATER_TRACE = "test_importing_the_implementation_leaves_no_trace"
DESCRIBED = "test_settings_are_described"
UNKNOWN = "test_unknown_settings_are_refused"
OF_THE_METADATA = {SAYS, PYTHON, KERNEL, TYPES}
OF_THE_REGISTRY = {SAME, NAMES, SUMMARY, DESCRIBED, UNKNOWN}


def with_plugin(old, new, more=""):
    return {"plugin": PLUGIN.replace(old, new) + more}


def with_rail(old, new):
    return {"rail": RAIL.replace(old, new)}


def plugin_runs(code):
    return with_plugin("import annotations", f"import annotations\n{code}")


def rail_runs(code):
    return with_rail("import annotations", f"import annotations\n{code}")


# For each fault: what is otherwise in the distribution, and the tests that must fail.
BROKEN = {
    "NothingElse": ({}, set()),
    "NoSummary": ({"Summary": None}, {SAYS}),
    "NoReadme": ({"readme": ""}, {SAYS}),
    "NoLicence": ({"License-Expression": None}, {SAYS}),
    "NoPython": ({"Requires-Python": None}, {PYTHON}),
    "NoKernel": ({"Requires-Dist": "pydantic>=2"}, {KERNEL}),
    "AnyKernel": ({"Requires-Dist": "handrail"}, {KERNEL}),
    "OldKernel": ({"Requires-Dist": "handrail>=0.0.1,<0.0.2"}, {KERNEL}),
    "NoTypes": ({"typed": False}, {TYPES}),
    "OtherName": ({"entry": "perfect = handrail_good.plugin"}, {ENTRY_POINT}),
    "OtherModule": ({"entry": "good = handrail_good.rail"}, {ENTRY_POINT, HOOKS, IMPORTS, QUICK, *OF_THE_REGISTRY}),
    "MisspeltHook": (with_plugin("handrail_rails", "handrail_rail"), {HOOKS, *OF_THE_REGISTRY}),
    "ForgottenMark": (with_plugin("@hookimpl", ""), {HOOKS, *OF_THE_REGISTRY}),
    "OtherEachTime": (
        with_plugin('"good check"', "f'check {next(handrail_rails.numbers)}'", COUNTING),
        {SAME},
    ),
    "ImportsItsRail": (plugin_runs("import handrail_good.rail"), {IMPORTS, QUICK}),
    "ImportsALot": (plugin_runs("import asyncio, email.mime, http.server"), {QUICK}),
    "Prints": (plugin_runs("print('hello')"), {TRACE}),
    "Logs": (plugin_runs("import logging\nlogging.info('hello')"), {TRACE}),
    "SetsTheEnvironment": (plugin_runs("import os\nos.environ['X_GOOD'] = '1'"), {TRACE}),
    "WritesAFile": (plugin_runs("open(__file__ + '.log', 'w').close()"), {TRACE}),
    "StartsAProcess": (rail_runs("import os\nos.system('true')"), {LATER_TRACE}),
    "PrintsLater": (rail_runs("print('hello')"), {LATER_TRACE}),
    "Capitals": (with_plugin('"good check"', '"Good  check"'), {NAMES}),
    "Twice": (with_plugin("summary=", "aliases=('good check',), summary="), {NAMES, TARGETS, DESCRIBED, UNKNOWN}),
    "NoSummaryOfARail": (with_plugin("Lets everything pass.", ""), {SUMMARY}),
    "TargetElsewhere": (with_plugin("rail:Rail", "rails:Rail"), {TARGETS}),
    "TargetIsNoClass": (with_plugin("rail:Rail", "rail:__name__"), {TARGETS}),
    "SettingsAreNoModel": (with_rail("class Settings(BaseModel)", "class Settings"), {TARGETS, DESCRIBED, UNKNOWN}),
    "NotDescribed": (with_rail("level: how strict it is.", ""), {DESCRIBED}),
    "TakesAnything": (with_rail("level: int = 1", "model_config = {'extra': 'allow'}\n    level: int = 1"), {UNKNOWN}),
}


@pytest.fixture
def install(pytester, monkeypatch):
    """Put a distribution into a folder of its own, where it can be imported."""

    def put(number: int, changes: dict[str, object]) -> str:
        name = f"good{number}"
        named = {"readme": README, "entry": ENTRY, "plugin": PLUGIN, "rail": RAIL, "typed": True}
        parts = {key: changes.get(key, value) for key, value in named.items()}
        headers = {**METADATA, **{key: value for key, value in changes.items() if key in METADATA}}
        lines = ["Metadata-Version: 2.4", *(f"{key}: {value}" for key, value in headers.items() if value is not None)]
        texts = {
            f"handrail_{name}-1.0.dist-info/METADATA": "\n".join([*lines, "", parts["readme"]]),
            f"handrail_{name}-1.0.dist-info/entry_points.txt": f"[handrail]\n{parts['entry']}\n",
            f"handrail_{name}/__init__.py": "",
            f"handrail_{name}/plugin.py": parts["plugin"],
            f"handrail_{name}/rail.py": parts["rail"],
        }
        if parts["typed"]:
            texts[f"handrail_{name}/py.typed"] = ""
        for path, text in texts.items():
            file = pytester.path / "site" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            for word in ("handrail_good", "handrail-good", "good ="):
                text = text.replace(word, word.replace("good", name))
            file.write_text(text, encoding="utf-8")
        return f"handrail-{name}"

    monkeypatch.setenv("PYTHONPATH", str(pytester.path / "site"))
    pytester.syspathinsert(pytester.path / "site")
    return put


@pytest.fixture
def bad(install):
    """Install each bad distribution; return the suites over them, and which tests each must fail."""
    suites = "from handrail_testkit import DistributionConformance, PluginConformance\n"
    for number, (name, (changes, tests)) in enumerate(BROKEN.items()):
        kind = "DistributionConformance" if tests and tests <= OF_THE_METADATA else "PluginConformance"
        suites += f"\n\nclass Test{name}({kind}):\n    distribution = {install(number, changes)!r}\n"
    broken = {f"Test{name}": tests for name, (_, tests) in BROKEN.items()}
    return suites, broken


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
def test_each_bad_distribution_fails_the_tests_of_the_rules_that_it_breaks(
    failures, assert_each_bites, bad, anyio_backend
):
    suites, broken = bad
    assert_each_bites(failures(suites, only=broken), broken, PluginConformance)


@pytest.mark.heavy
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
def test_each_bad_distribution_passes_all_other_tests(failures, assert_each_bites, bad, anyio_backend):
    suites, broken = bad
    assert_each_bites(failures(suites), broken, PluginConformance)
