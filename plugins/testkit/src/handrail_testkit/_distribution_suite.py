"""What every distribution with plugins must do: subclass `PluginConformance`, say which it is, and run pytest."""

# ruff: noqa: S101  # these are tests, which authors of plugins run

from __future__ import annotations

import importlib.metadata
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import pytest
from handrail import RailsConfig, Registry
from handrail.config import json_schema
from handrail.errors import ConfigurationError
from handrail.plugins import CommandSpec, DialectSpec, ObserverSpec, PlacementSpec, ProviderSpec, RailSpec, StrategySpec
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic import BaseModel

from handrail_testkit._conformance import Conformance
from handrail_testkit._probing import Probe, probed

_PREFIX = "handrail-"
_KINDS = {
    ProviderSpec: "provider",
    RailSpec: "rail",
    StrategySpec: "strategy",
    CommandSpec: "command",
    DialectSpec: "dialect",
    ObserverSpec: "observer",
    PlacementSpec: "placement",
}
_MOST_MODULES = 12
_PROBES: pytest.StashKey[dict[str, Probe]] = pytest.StashKey()


class DistributionConformance(Conformance, suite=True):
    """Tests of a distribution as it is installed, be there a plugin in it or not."""

    distribution: ClassVar[str] = ""
    """The distribution's name, as pip knows it."""

    packages: ClassVar[Sequence[str]] = ()
    """What is imported of it; unless set, the packages that its entry points are in, or the one that has its name."""

    @pytest.fixture
    def installed(self) -> importlib.metadata.Distribution:
        """Return the distribution as it is installed."""
        assert self.distribution, "set 'distribution' to the name of yours, as pip knows it"
        return importlib.metadata.distribution(self.distribution)

    def test_it_says_what_it_is(self, installed: importlib.metadata.Distribution) -> None:
        """People choose by a package's summary, README and licence. Set `description`, `readme` and `license`."""
        metadata = installed.metadata.json
        assert metadata.get("summary"), "pyproject.toml has no 'description'"
        assert str(metadata.get("description", "")).strip(), "pyproject.toml has no 'readme', or it is empty"
        assert {"license", "license_expression", "license_file"} & metadata.keys(), "pyproject.toml has no 'license'"

    def test_it_says_which_python_it_needs(self, installed: importlib.metadata.Distribution) -> None:
        """An installer must not choose it for a Python that it cannot run on. Set `requires-python`."""
        assert installed.metadata.json.get("requires_python"), "pyproject.toml has no 'requires-python'"

    def test_it_asks_for_a_kernel_that_it_knows(self, installed: importlib.metadata.Distribution) -> None:
        """The contract of plugins only grows. Depend on `handrail>=0.N` with the N you need, and no upper bound."""
        asked = [Requirement(line) for line in installed.requires or ()]
        kernel = [each for each in asked if canonicalize_name(each.name) == "handrail" and not each.marker]
        assert kernel, "pyproject.toml does not depend on 'handrail'"
        operators = {each.operator for each in kernel[0].specifier}
        assert operators & {">=", ">", "==", "~="}, f"'{kernel[0]}' has no lower bound"
        version = importlib.metadata.version("handrail")
        assert kernel[0].specifier.contains(version, prereleases=True), f"'{kernel[0]}' refuses {version}"

    def test_its_types_can_be_used(self, installed: importlib.metadata.Distribution) -> None:
        """Type checkers read a package only if it has an empty file `py.typed` beside its `__init__.py`."""
        for package in self.packages or _packages(installed):
            spec = find_spec(package)
            assert spec is not None, f"the package {package!r} cannot be found"
            folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
            assert any((folder / "py.typed").is_file() for folder in folders), f"{package} has no file py.typed"


class PluginConformance(DistributionConformance, suite=True):
    """Tests of a distribution with plugins. A subclass sets `distribution`, and overrides no test."""

    takes_unknown_settings: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Names whose settings may have keys that nobody knows, and why."""

    @pytest.fixture
    def probe(self, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Probe:
        """Return what discovery of the distribution did in a fresh process."""
        made = request.config.stash.setdefault(_PROBES, {})
        if self.distribution not in made:
            made[self.distribution] = probed(self.distribution, tmp_path_factory.mktemp("probe"))
        return made[self.distribution]

    @pytest.fixture
    def registry(self, installed: importlib.metadata.Distribution) -> Registry:
        """Return a registry of this distribution's plugins alone."""
        return Registry().with_plugins(*(point.load() for point in _points(installed)))

    # How it is found

    def test_its_entry_point_is_where_plugins_are_looked_for(self, installed: importlib.metadata.Distribution) -> None:
        """It is in the group `handrail`, named like the distribution without `handrail-`, and is `PACKAGE.plugin`."""
        name = canonicalize_name(self.distribution)
        points = _points(installed)
        assert points, "pyproject.toml has no [project.entry-points.handrail]"
        assert [point.name for point in points] == [name.removeprefix(_PREFIX)]
        for point in points:
            assert point.value.endswith(".plugin"), f"the entry point is {point.value!r}; it must be 'PACKAGE.plugin'"

    def test_its_hooks_can_be_read(self, probe: Probe) -> None:
        """They are spelt as the kernel spells them, marked with `@hookimpl`, and give records."""
        assert probe.problem is None, probe.problem

    def test_hooks_give_the_same_each_time(self, installed: importlib.metadata.Distribution) -> None:
        """A program may build many registries. Let hooks hang on nothing, and leave nothing behind."""
        plugins = [point.load() for point in _points(installed)]
        first, second = (Registry().with_plugins(*plugins) for _ in range(2))
        assert [plugin.specs for plugin in first.plugins] == [plugin.specs for plugin in second.plugins]

    # What discovery costs

    def test_discovery_imports_no_implementation(
        self, installed: importlib.metadata.Distribution, probe: Probe
    ) -> None:
        """Every program pays for every installed plugin. Import the kernel and the standard library in `PACKAGE.plugin`
        and nothing in the packages around it; name everything else `"package.module:Attribute"`.
        """
        own = {part for point in _points(installed) for part in _with_parents(point.module)}
        known = {*sys.stdlib_module_names, "handrail", "pluggy"}
        foreign = [name for name in probe.modules if name not in own and name.partition(".")[0] not in known]
        assert not foreign, f"discovery imports {', '.join(foreign)}"

    def test_discovery_is_quick(self, probe: Probe, record_property: Callable[[str, object], None]) -> None:
        """Even of the standard library only what is small may be imported; counted, since times hang on the machine."""
        record_property("discovery_milliseconds", round(probe.seconds * 1000, 2))
        shown = f"{len(probe.modules)} modules in {probe.seconds * 1000:.1f} ms: {', '.join(probe.modules)}"
        assert len(probe.modules) <= _MOST_MODULES, f"discovery imports {shown}"

    def test_discovery_leaves_no_trace(self, probe: Probe) -> None:
        """It prints, logs and writes nothing, opens no connection, and changes nothing that belongs to the process."""
        assert probe.traces("discovery") == []

    # What it offers

    def test_names_are_written_as_configurations_write_them(self, registry: Registry) -> None:
        """Names are in lower case with single spaces, and each is given once. They cannot be changed later."""
        for kind, word in _KINDS.items():
            names = [name for spec in _specs(registry, kind) for name in (spec.name, *getattr(spec, "aliases", ()))]
            for name in names:
                right = " ".join(name.lower().split())
                assert name == right, f"the {word} {name!r} must be written {right!r}"
            twice = [name for name, count in Counter(names).items() if count > 1]
            assert not twice, f"the distribution offers the {word} {', '.join(twice)} more than once"

    def test_each_record_has_a_summary(self, registry: Registry) -> None:
        """`handrail plugins` shows one line for each name. Set `summary`."""
        for kind, word in _KINDS.items():
            for spec in _specs(registry, kind):
                assert spec.summary.strip(), f"the {word} {spec.name!r} has no summary"
                assert "\n" not in spec.summary, f"the summary of {spec.name!r} has more than one line"

    def test_everything_that_is_named_can_be_imported(self, probe: Probe) -> None:
        """Each target and each settings model is where its record says, and needs nothing that is not installed."""
        assert probe.problems == []

    def test_importing_the_implementation_leaves_no_trace(self, probe: Probe) -> None:
        """Neither does this print, log, write or connect, or change what belongs to the process. Do so when built."""
        assert probe.traces("implementation") == []

    # Its settings

    def test_settings_are_described(self, registry: Registry) -> None:
        """Editors show what each setting means. Describe each field with `Field(description=...)`, or in the docstring
        of the model under `Attributes:`; use types that JSON Schema can express.
        """
        for name, model in _settings(registry):
            right = isinstance(model, type) and issubclass(model, BaseModel)
            assert right, f"the settings of {name!r} are {model!r}; they must be a pydantic model"
            model.model_json_schema()
        for where, part in json_schema(registry)["definitions"].items():
            bare = [key for key, value in part.get("properties", {}).items() if not _is_described(value)]
            assert not bare, f"{where} does not describe {', '.join(bare)}"

    def test_unknown_settings_are_refused(self, registry: Registry) -> None:
        """A misspelt key would silently change nothing. Leave `extra` of the model alone, or forbid it."""
        lenient = set(self.takes_unknown_settings)
        unknown = lenient - {name for name, _ in _settings(registry)}
        assert not unknown, f"'takes_unknown_settings' names what has no settings: {', '.join(sorted(unknown))}"
        refusing = {name for name, model in _settings(registry) if _refuses(model)}
        takes = [name for name, _ in _settings(registry) if name not in refusing | lenient]
        assert not takes, f"unknown settings are taken by {', '.join(takes)}"
        assert not refusing & lenient, f"'takes_unknown_settings' names {', '.join(refusing & lenient)}, which refuse"


def _refuses(model: type[BaseModel]) -> bool:
    try:
        RailsConfig.from_content(config={}).validate_settings(model, {"no_such_setting": 1})
    except ConfigurationError as exc:
        return "no_such_setting" in str(exc)
    return False


def _is_described(value: object) -> bool:
    return not isinstance(value, dict) or "description" in value or "$ref" in value


def _points(installed: importlib.metadata.Distribution) -> Sequence[importlib.metadata.EntryPoint]:
    return list(installed.entry_points.select(group="handrail"))


def _packages(installed: importlib.metadata.Distribution) -> Sequence[str]:
    """Return the packages with plugins, or the package that is named like the distribution."""
    packages = sorted({point.module.rpartition(".")[0] for point in _points(installed)})
    return packages or [canonicalize_name(installed.name).replace("-", "_")]


def _with_parents(module: str) -> Iterator[str]:
    while module:
        yield module
        module = module.rpartition(".")[0]


def _specs(registry: Registry, kind: type[Any]) -> list[Any]:
    return [spec for plugin in registry.plugins for spec in plugin.specs if type(spec) is kind]


def _settings(registry: Registry) -> Iterator[tuple[str, Any]]:
    """Yield each name with the model of its settings, where it has one."""
    for kind, word in _KINDS.items():
        for spec in _specs(registry, kind):
            if getattr(spec, "settings", None) is not None:
                yield spec.name, getattr(registry, word)(spec.name).load_settings()
