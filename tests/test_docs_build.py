"""The documentation builds without a warning, and has everything that it must have."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from distributions import MEMBERS, ROOT, once, project, shared
from handrail import Registry
from handrail.plugins import CommandSpec, ProviderSpec, RailSpec, StrategySpec
from sphinx.util.inventory import InventoryFile

DOCS = ROOT / "docs"
PUBLIC = ("handrail", "handrail.plugins", "handrail.config", "handrail.errors", "handrail_testkit", "nemoguardrails")
sys.path.insert(0, str(DOCS / "_extensions"))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation, built once for all processes that run tests; its output is stored beside it."""
    return once(shared(tmp_path_factory) / "documentation", _build)


def _build(folder: Path) -> None:
    done = _sphinx(DOCS, folder)
    failed = "" if done.returncode == 0 else "it has failed"
    folder.with_suffix(".log").write_text(done.stdout + done.stderr + failed)


def _sphinx(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("sphinx-build"), "-q", "-b", "html", *arguments]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True)


@pytest.fixture(scope="session")
def entries(built: Path) -> set[str]:
    """Every name of Python that has an entry."""
    inventory = InventoryFile.loads((built / "objects.inv").read_bytes(), uri="")
    return {name for kind, names in inventory.data.items() if kind.startswith("py:") for name in names}


def names_of(module: str) -> list[str]:
    """Return the public names of a module: what it exports, or else what it defines."""
    loaded = import_module(module)
    if (listed := getattr(loaded, "__all__", None)) is not None:
        return [name for name in listed if name != "__version__"]
    return [name for name, value in vars(loaded).items() if _is_exported(name, value)]


def _values_of(module: str) -> dict[str, object]:
    values = {name: getattr(import_module(module), name) for name in names_of(module)}
    assert values
    return values


def _has_entry(name: str, value: object, entries: set[str]) -> bool:
    """Return whether a name has an entry, under any module that exports this very object."""
    homes = (module for module in PUBLIC if getattr(import_module(module), name, None) is value)
    return any(f"{module}.{name}" in entries for module in homes)


def _is_exported(name: str, value: object) -> bool:
    return not name.startswith("_") and getattr(value, "__module__", "").startswith("handrail")


def test_pages_of_each_kind_build_without_a_warning(tmp_path: Path):
    """The pages that tables and lists are made for; `make thorough` builds all, and finds what leads nowhere."""
    pages = ["directory.md", "reference/http.md", "reference/configuration.md", "packages/patterns.md"]
    elsewhere = ["ref.python", "myst.xref_missing", "toc.not_included"]
    chosen = {"include_patterns": pages, "root_doc": ["directory"], "nitpicky": ["0"], "suppress_warnings": elsewhere}
    settings = [part for key, values in chosen.items() for part in ("-D", f"{key}={','.join(values)}")]
    done = _sphinx(*settings, DOCS, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert all((tmp_path / page).with_suffix(".html").exists() for page in pages)


@pytest.mark.heavy
def test_the_documentation_builds_without_a_warning(built: Path):
    assert built.with_suffix(".log").read_text() == ""


@pytest.mark.heavy
@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_has_an_entry(module: str, entries: set[str]):
    values = _values_of(module)
    assert [name for name, value in values.items() if not _has_entry(name, value, entries)] == []


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_class_has_a_docstring(module: str):
    values = _values_of(module)
    assert [name for name, value in values.items() if isinstance(value, type) and not value.__doc__] == []


@pytest.mark.heavy
def test_every_hook_has_an_entry(entries: set[str]):
    hooks = [name for name in vars(import_module("handrail._plugins.hookspecs")) if name.startswith("handrail_")]
    assert hooks
    assert [hook for hook in hooks if f"handrail._plugins.hookspecs.{hook}" not in entries] == []


def test_every_settings_model_has_a_table():
    from settings_tables import load

    pages = "".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))
    shown = {load(target) for target in re.findall(r"^```\{settings\} (\S+)", pages, re.MULTILINE)}
    registry = Registry.discover()
    finders = {ProviderSpec: registry.provider, RailSpec: registry.rail, StrategySpec: registry.strategy}
    offers = [find(name) for kind, find in finders.items() for name in registry.names(kind)]
    absent = {offer.spec.name for offer in offers if (model := offer.load_settings()) and model not in shown}
    assert absent == set()


def test_every_member_has_a_page():
    pages = {page.stem for page in (DOCS / "packages").glob("*.md")} - {"index"}
    assert pages == {project(member)["name"].removeprefix("handrail-") for member in MEMBERS}


def test_every_command_shows_its_help():
    page = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^```\{command-help\} ([\w-]+)", page, re.MULTILINE))
    assert shown == set(Registry.discover().names(CommandSpec))


def test_the_pictures_are_what_the_engine_does():
    drawn = _python(
        "import drawings\nfor name, draw in drawings.PICTURES.items(): print(name, draw(), sep='\\0', end='\\0')"
    )
    *parts, _ = drawn.split("\0")
    for name, picture in zip(parts[::2], parts[1::2], strict=True):
        kept = (DOCS / "pictures" / f"{name}.svg").read_text(encoding="utf-8")
        assert kept == picture, f"{name}.svg is out of date; python docs/_pictures"


def test_the_measurements_of_sizes_are_what_the_engine_does():
    page, picture = _python("import sizes\nprint(*sizes.rendered(), sep='\\0', end='')").split("\0")
    assert page == (DOCS / "howto" / "sizes.md").read_text(encoding="utf-8"), "python tests/bench/sizes.py"
    assert picture == (DOCS / "pictures" / "sizes.svg").read_text(encoding="utf-8"), "python tests/bench/sizes.py"


def _python(code: str) -> str:
    folders = [DOCS / "_pictures", ROOT / "tests" / "bench"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders)), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
