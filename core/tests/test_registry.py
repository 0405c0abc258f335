from __future__ import annotations

import re
import shutil
import subprocess
import sys
import types
from importlib.metadata import EntryPoint
from pathlib import Path

import handrail
import pytest
from handrail import Registry
from handrail._plugins import points
from handrail._specs import CommandSpec, ProviderSpec, RailSpec, StrategySpec
from handrail.errors import ConfigurationError, PluginConflictError, PluginLoadError
from handrail.plugins import hookimpl


class ToxicityPlugin:
    @hookimpl
    def handrail_rails(self):
        yield RailSpec(name="toxicity check", target="nowhere:Rail", aliases=("detect toxicity",))


class FakeDistribution:
    def __init__(self, name: str, version: str = "1.0") -> None:
        self.name = name
        self.version = version

    def read_text(self, name: str) -> None:
        """Have no files."""


@pytest.fixture
def install(monkeypatch):
    """Pretend that modules are installed as plugins: real entry points over modules made here."""
    found: list[EntryPoint] = []

    def install(distribution: str, name: str, **functions: object) -> None:
        module = types.ModuleType(f"fake_{name}")
        for key, value in functions.items():
            setattr(module, key, value)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        point = EntryPoint(name, module.__name__, "handrail")
        vars(point)["dist"] = FakeDistribution(distribution)
        found.append(point)

    def add_missing(distribution: str, name: str, value: str) -> None:
        point = EntryPoint(name, value, "handrail")
        vars(point)["dist"] = FakeDistribution(distribution)
        found.append(point)

    install.missing = add_missing
    monkeypatch.setattr(points, "entry_points", lambda group: found)
    monkeypatch.setattr(points, "_points_in", lambda folders: points.read_points())
    return install


def rails(*names: str):
    @hookimpl
    def handrail_rails():
        return [RailSpec(name=name, target="nowhere:Rail") for name in names]

    return handrail_rails


def test_installed_plugins_are_found():
    registry = Registry.discover()
    assert registry.strategy("rolling").plugin.distribution == "handrail"
    assert registry.provider("scripted").plugin.label.startswith("handrail-scripted ")


def test_what_is_installed_or_removed_later_is_seen(tmp_path, monkeypatch):
    def put(distribution: str, version: str) -> None:
        folder = tmp_path / f"{distribution}-{version}.dist-info"
        folder.mkdir()
        metadata = f"Metadata-Version: 2.4\nName: {distribution}\nVersion: {version}\n\nName: no header"
        (folder / "METADATA").write_text(metadata, encoding="utf-8")
        (folder / "entry_points.txt").write_text("[handrail]\nlate = nowhere_at_all\n", encoding="utf-8")

    def found() -> list[str]:
        return [plugin.label for plugin in Registry.discover().plugins if plugin.name == "late"]

    monkeypatch.syspath_prepend(str(tmp_path))
    assert found() == []
    put("handrail-late", "1.5")
    assert found() == ["handrail-late 1.5"]
    shutil.rmtree(tmp_path / "handrail-late-1.5.dist-info")
    put("handrail-late", "1.6")
    assert found() == ["handrail-late 1.6"]


def test_a_plugin_can_be_handed_in_without_being_installed():
    registry = Registry().with_plugins(ToxicityPlugin())
    assert registry.rail("toxicity check").spec.target == "nowhere:Rail"
    assert registry.rail("detect toxicity").spec.name == "toxicity check"


def test_a_registry_with_more_plugins_leaves_the_first_as_it_was():
    first = Registry()
    first.with_plugins(ToxicityPlugin())
    assert first.names(RailSpec) == []


def test_order_follows_the_distributions_names_and_not_the_file_system(install):
    install("handrail-zebra", "zebra", handrail_rails=rails("z"))
    install("handrail-ant", "ant", handrail_rails=rails("a"))
    assert [plugin.distribution for plugin in Registry.discover().plugins] == ["handrail-ant", "handrail-zebra"]


def test_two_plugins_with_one_name_are_an_error_that_names_both_and_the_setting(install):
    install("handrail-one", "one", handrail_rails=rails("toxicity check"))
    install("handrail-two", "two", handrail_rails=rails("toxicity check"))
    with pytest.raises(PluginConflictError) as caught:
        Registry.discover().rail("toxicity check")
    assert str(caught.value) == (
        "rail 'toxicity check' is offered by handrail-one 1.0 and by handrail-two 1.0; "
        "disable one of them with 'plugins: {disable: [handrail-one]}'"
    )


def test_a_disabled_plugin_is_gone(install):
    install("handrail-one", "one", handrail_rails=rails("toxicity check"))
    install("handrail-two", "two", handrail_rails=rails("toxicity check"))
    registry = Registry.discover().without(["handrail-one"])
    assert registry.rail("toxicity check").plugin.distribution == "handrail-two"


def test_only_the_plugins_that_are_wanted_are_imported(install):
    install.missing("handrail-untrusted", "untrusted", "no_such_module.plugin")
    install("handrail-one", "one", handrail_rails=rails("one check"))
    install("handrail-two", "two", handrail_rails=rails("two check"))
    assert [plugin.name for plugin in Registry.discover(only=["handrail-one"]).plugins] == ["one"]
    assert [plugin.name for plugin in Registry.discover(only=["two"]).plugins] == ["two"]
    assert Registry.discover(only=[]).plugins == ()
    with pytest.raises(ConfigurationError, match="did you mean 'handrail-one'"):
        Registry.discover(only=["handrail-on"])


def test_a_configuration_that_enables_plugins_has_others_neither_used_nor_imported():
    program = (
        "import sys\nfrom handrail import LLMRails, RailsConfig\n"
        "rails = LLMRails(RailsConfig.from_content(config={'plugins': {'enable': ['handrail-scripted']}}))\n"
        "print(sorted({plugin.name for plugin in rails.composition.registry.plugins}))\n"
        "print([name for name in sys.modules if name.endswith('.plugin') and name.startswith('handrail_')])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout == "['handrail', 'scripted']\n['handrail_scripted.plugin']\n"


def test_what_a_program_hands_in_stays_beside_what_a_configuration_enables(install):
    install("handrail-one", "one", handrail_rails=rails("one check"))
    install("handrail-two", "two", handrail_rails=rails("two check"))
    registry = Registry.discover().with_plugins(ToxicityPlugin()).restricted_to(["handrail-one"])
    assert registry.names(RailSpec) == ["detect toxicity", "one check", "toxicity check"]
    with pytest.raises(ConfigurationError, match="plugin 'three' is not installed"):
        registry.restricted_to(["three"])


def test_disabling_what_is_not_installed_is_an_error(install):
    install("handrail-toxicity", "toxicity", handrail_rails=rails("toxicity check"))
    with pytest.raises(ConfigurationError, match="did you mean 'handrail-toxicity'"):
        Registry.discover().without(["handrail-toxcity"])


def test_a_plugin_that_fails_to_import_is_listed_and_disturbs_nobody(install):
    install.missing("handrail-broken", "broken", "no_such_module.plugin")
    install("handrail-toxicity", "toxicity", handrail_rails=rails("toxicity check"))
    registry = Registry.discover()
    broken = registry.plugins[0]
    assert broken.problem == "ModuleNotFoundError: No module named 'no_such_module'"
    assert registry.rail("toxicity check").plugin.version == "1.0"


def test_a_plugin_that_raises_in_its_hook_is_listed_with_its_error(install):
    @hookimpl
    def handrail_rails():
        raise RuntimeError("no licence file")

    install("handrail-broken", "broken", handrail_rails=handrail_rails)
    assert Registry.discover().plugins[0].problem == "RuntimeError: no licence file"


def test_a_name_that_only_a_broken_plugin_might_offer_says_so(install):
    install.missing("handrail-broken", "broken", "no_such_module.plugin")
    with pytest.raises(ConfigurationError, match=r"handrail-broken 1\.0 could not be loaded \(ModuleNotFoundError"):
        Registry.discover().rail("toxicity check")


def test_a_misspelt_hook_is_an_error_with_the_nearest_one(install):
    @hookimpl
    def handrail_rail():
        return []

    install("handrail-typo", "typo", handrail_rail=handrail_rail)
    problem = Registry.discover().plugins[0].problem
    assert problem.startswith("unknown hook 'handrail_rail'; did you mean 'handrail_rails'?")


def test_a_hook_without_its_marker_is_an_error(install):
    install("handrail-bare", "bare", handrail_rails=list)
    assert "put @hookimpl" in Registry.discover().plugins[0].problem


def test_a_plugin_that_offers_nothing_is_an_error():
    with pytest.raises(PluginLoadError, match="registers nothing"):
        Registry().with_plugins(object())


@pytest.mark.parametrize("offered", [None, 3, ["toxicity check"], [ProviderSpec("x", "y:Z")]])
def test_a_hook_that_gives_something_else_is_an_error(offered):
    class Plugin:
        @hookimpl
        def handrail_rails(self):
            return offered

    with pytest.raises(PluginLoadError, match="handrail_rails"):
        Registry().with_plugins(Plugin())


def test_an_unknown_name_gets_the_nearest_one_and_what_is_installed():
    with pytest.raises(ConfigurationError) as caught:
        Registry().with_plugins(ToxicityPlugin()).rail("toxcity check")
    assert str(caught.value) == (
        "unknown rail 'toxcity check'; did you mean 'toxicity check'? installed: 'detect toxicity', 'toxicity check'; "
        "see 'handrail plugins'"
    )


def test_an_unknown_name_is_told_with_what_is_installed_and_where_to_look():
    with pytest.raises(ConfigurationError) as caught:
        Registry().with_plugins(ToxicityPlugin()).provider("openai")
    assert str(caught.value) == "unknown engine 'openai'; installed: none; see 'handrail plugins'"
    assert (caught.value.problems[0].code, caught.value.problems[0].subject) == ("unknown-name", "openai")


def test_the_kernel_names_no_package_that_may_be_missing():
    package = Path(handrail.__file__).parent
    sources = (file.read_text("utf-8") for file in package.rglob("*.py"))
    named = {name for source in sources for name in re.findall(r"pip install|handrail-[a-z]+", source)}
    assert named == {"handrail-toxicity"}  # an example in docstrings


def test_a_target_that_cannot_be_imported_names_plugin_and_version(install):
    install("handrail-toxicity", "toxicity", handrail_rails=rails("toxicity check"))
    with pytest.raises(
        PluginLoadError, match=r"handrail-toxicity 1\.0: the target of 'toxicity check', 'nowhere:Rail'"
    ):
        Registry.discover().rail("toxicity check").load()


def test_a_target_may_be_the_object_itself():
    class Plugin:
        @hookimpl
        def handrail_strategies(self):
            yield StrategySpec(name="mine", target=ToxicityPlugin)

        @hookimpl
        def handrail_commands(self):
            yield CommandSpec(name="do", target=print)

    registry = Registry().with_plugins(Plugin())
    assert registry.strategy("mine").load() is ToxicityPlugin
    assert registry.command("do").load() is print


def test_settings_that_are_no_class_are_an_error():
    class Plugin:
        @hookimpl
        def handrail_rails(self):
            yield RailSpec(name="x", target=ToxicityPlugin, settings="sys:path")

    with pytest.raises(PluginLoadError, match="must be a pydantic model"):
        Registry().with_plugins(Plugin()).rail("x").load_settings()


def test_discovery_imports_no_pydantic_tiktoken_sdk_or_implementation():
    code = (
        "import sys, handrail\n"
        "registry = handrail.Registry.discover()\n"
        "assert len(registry.plugins) >= 4, registry.plugins\n"
        "heavy = {'pydantic', 'yaml', 'tiktoken', 'anyio', 'asyncio', 'openai', 'torch', 'transformers', 'numpy',\n"
        "         'jinja2', 'rich', 'cyclopts', 'starlette', 'trio'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "ours = [name for name in sys.modules if name.startswith('handrail_')]\n"
        "print(sorted(name for name in ours if '.' in name and not name.endswith('.plugin')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", 3),
        ("name", ["a list"]),
        ("name", " "),
        ("target", None),
        ("settings", 3),
        ("aliases", None),
        ("aliases", (1,)),
        ("aliases", "abc"),
        ("prompts", 3),
        ("config_key", 3),
        ("directions", ()),
        ("directions", ("sideways",)),
        ("channels", ("smell",)),
        ("rewrites", "maybe"),
    ],
)
def test_a_record_with_a_wrong_field_spoils_its_own_plugin_and_no_other(install, field, value):
    """It was found out when some name was looked up, by an error about types, or guarded nothing."""
    values = {"name": "odd check", "target": ToxicityPlugin} | {field: value}
    install("handrail-odd", "odd", handrail_rails=hookimpl(lambda: [RailSpec(**values)]))
    install("handrail-toxicity", "toxicity", handrail_rails=rails("toxicity check"))
    registry = Registry.discover()
    assert registry.plugins[0].problem.startswith("handrail_rails() returned a RailSpec that is wrong")
    assert field in registry.plugins[0].problem
    assert registry.rail("toxicity check").plugin.version == "1.0"
    with pytest.raises(ConfigurationError, match=r"handrail-odd 1\.0 could not be loaded"):
        registry.rail("odd check")


def test_one_direction_or_channel_may_be_a_bare_text(install):
    spec = RailSpec("odd check", ToxicityPlugin, directions="output", channels="text")
    assert (spec.directions, spec.channels) == (("output",), ("text",))
    install("handrail-odd", "odd", handrail_rails=hookimpl(lambda: [spec]))
    assert Registry.discover().rail("odd check").spec is spec


def test_a_plugin_that_ends_its_own_import_does_not_end_the_program(install, monkeypatch, tmp_path):
    (tmp_path / "a_script_without_a_main.py").write_text("raise SystemExit(3)\n")
    monkeypatch.syspath_prepend(tmp_path)
    install.missing("handrail-script", "script", "a_script_without_a_main")
    registry = Registry.discover().with_plugins(Script())
    assert registry.plugins[0].problem == "SystemExit: 3"
    with pytest.raises(PluginLoadError, match=r"plugin 'Script': the target .* cannot be imported: SystemExit: 3"):
        registry.rail("script check").load()


class Script:
    @hookimpl
    def handrail_rails(self):
        yield RailSpec("script check", "a_script_without_a_main:Rail")


@pytest.mark.parametrize("settings", [int, object, ToxicityPlugin])
def test_settings_that_are_no_model_are_an_error(settings):
    class Plugin:
        @hookimpl
        def handrail_rails(self):
            yield RailSpec(name="x", target=ToxicityPlugin, settings=settings)

    with pytest.raises(PluginLoadError, match="must be a pydantic model"):
        Registry().with_plugins(Plugin()).rail("x").load_settings()


def test_an_object_that_raises_at_every_attribute_is_an_error_that_names_it():
    class Hostile:
        def __getattr__(self, name):
            raise RuntimeError(f"do not touch {name}")

    with pytest.raises(PluginLoadError, match=r"plugin 'Hostile' cannot be registered: RuntimeError: do not touch"):
        Registry().with_plugins(Hostile())
