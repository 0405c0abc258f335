"""What the README promises beside its snippets, which `test_documentation.py` runs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from distributions import ROOT
from handrail import Registry
from handrail.plugins import RailSpec
from pages import PAGES

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
_LONGEST = 150  # lines
STRANGERS = {
    "handrail-discount-limit",
    "handrail-moderation",
    "handrail-teleprinter",
    "handrail-clauses",
    "handrail-conversations",
}
"""Packages that the pages themselves write."""


def rows(title: str) -> list[list[str]]:
    """Return the cells of the table below a title."""
    section = README.split(f"## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_the_readme_is_short():
    assert len(README.splitlines()) <= _LONGEST


def test_ci_runs_the_command_that_the_readme_names_for_the_tests():
    (command,) = (line for line in README.splitlines() if "the tests pass" in line)
    ran = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1]
    assert command.removeprefix("$ ").split("#")[0].strip() == ran.removeprefix("exec ")


@pytest.mark.parametrize("page", [page for page in PAGES if "make " in page.read_text("utf-8")], ids=str)
def test_every_target_that_a_page_names_exists(page: Path):
    named = re.findall(r"(?:`|\$ )make ([a-z-]+)", page.read_text("utf-8"))
    assert [target for target in named if not re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)] == []


def test_every_rail_of_the_table_is_installed_and_comes_from_the_package_named_beside_it():
    registry, named = Registry.discover(), []
    for _, rails, packages in rows("Which rail for which job"):
        for name in re.findall(r"`([^`]+)`", rails):
            found = [full for full in registry.names(RailSpec) if full in (name, f"{name} input", f"{name} output")]
            assert found, name
            plugins = {str(registry.rail(full).plugin.distribution) for full in found}
            assert {plugin.removeprefix("handrail-") for plugin in plugins} <= set(re.findall(r"`([^`]+)`", packages))
            named += found
    assert len(named) > 10


def test_what_pages_install_exists():
    """A page cannot install from the index when the tests run, so what it names is looked up instead."""
    members = {project["name"]: project for project in map(_project, ROOT.glob("p*/*/pyproject.toml"))}
    extras = set(_project(ROOT / "core" / "pyproject.toml")["optional-dependencies"])
    readmes = ROOT.glob("p*/*/README.md")
    commands = [line for page in (*PAGES, *readmes) for line in page.read_text("utf-8").splitlines() if _installs(line)]
    assert len(commands) > 20
    for line in commands:
        for extra in filter(None, ",".join(re.findall(r"\bhandrail\[([^\]]+)\]", line)).split(",")):
            assert extra.strip() in extras, line
        for name, own in re.findall(r"\b(handrail-[a-z-]+[a-z])(?:\[([^\]]+)\])?", line):
            if name in members:
                assert set(filter(None, own.split(","))) <= set(members[name].get("optional-dependencies", {})), line
            else:
                assert name in STRANGERS, line


def _installs(line: str) -> bool:
    return re.search(r"\bpip install\b", line) is not None


def _project(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))["project"]
