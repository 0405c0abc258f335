"""The pages that people look things up in are complete: rails, judges' prompts, words, promises, plugins."""

from __future__ import annotations

import re
import sys
from typing import get_args

import yaml
from distributions import MEMBERS, ROOT, project
from handrail import Outcome, Registry
from handrail.plugins import CommandSpec, ProviderSpec, RailSpec, StrategySpec

DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS / "_extensions"))


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def code(text: str) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", text))


def test_every_rail_is_on_the_page_that_helps_to_choose():
    named, registry = code(page("howto/which-rail.md")), Registry.discover()
    absent = {name for name in registry.names(RailSpec) if name not in named}
    assert {name for name in absent if not re.search(r" (input|output)$", name)} == set()
    # The other side of a pair is the same rail; those of patterns are older names of others.
    siblings = {re.sub(r" (input|output)$", "", name) for name in absent}
    known = {re.sub(r" (input|output)$", "", name) for name in named}
    assert siblings - known == {"detect sensitive data on", "mask sensitive data on"}


def test_every_rail_on_that_page_is_installed():
    cells = [line.split("|")[2] for line in page("howto/which-rail.md").splitlines() if line.startswith("| ")]
    named = set().union(*map(code, cells))
    assert named
    assert named <= set(Registry.discover().names(RailSpec))


def test_the_glossary_is_in_order_and_has_every_outcome():
    text = page("glossary.md")
    terms = re.findall(r"^(\S.*)\n    \S", text, re.MULTILINE)
    assert terms == sorted(terms)
    assert len(terms) > 20
    assert set(get_args(Outcome)) <= code(text)


def test_every_test_that_holds_a_promise_exists():
    names = re.findall(r"`(test_\w+)`", page("compatibility.md"))
    sources = "".join(file.read_text("utf-8") for file in ROOT.glob("tests/test_*.py"))
    assert names
    assert [name for name in names if f"def {name}(" not in sources] == []


def test_the_directory_has_every_package_and_all_that_it_offers():
    from plugin_directory import lines

    registry = Registry.discover()
    table = "\n".join(lines(registry))
    offered = {name for kind in (RailSpec, ProviderSpec, StrategySpec, CommandSpec) for name in registry.names(kind)}
    aliases = {alias for plugin in registry.plugins for spec in plugin.specs for alias in getattr(spec, "aliases", ())}
    assert offered - aliases <= code(table)
    for name in (project(member)["name"] for member in MEMBERS if "entry-points" in project(member)):
        assert f"[{name}](packages/" in table


def test_the_examples_of_others_are_in_the_directory():
    for folder in (DOCS / "examples" / "plugins").glob("handrail-*"):
        assert f"`{folder.name}`" in page("directory.md")


def test_the_prompts_for_judges_are_those_of_rails_that_ask_in_their_users_words():
    blocks = re.findall(r"^```yaml\n(.*?)^```", page("howto/judge-prompts.md"), re.MULTILINE | re.DOTALL)
    tasks = {prompt["task"] for block in blocks for prompt in yaml.safe_load(block)["prompts"]}
    registry = Registry.discover()
    asked = {task for name in registry.names(RailSpec) for task in registry.rail(name).spec.prompts}
    assert tasks >= {"self_check_input", "self_check_output", "self_check_facts"} & asked
    assert tasks <= asked | {"self_check_input", "self_check_output", "self_check_facts"}
