"""Rails and engines that a configuration itself defines, and rails that ask other rails."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
from fakes import FakeProvider
from handrail import ConfigurationError, LLMRails, RailError, RailsConfig, Registry, Verdict
from handrail._builtin import plugin as builtin
from handrail.errors import PluginConflictError, PluginLoadError
from handrail.plugins import ProviderSpec, RailSpec, hookimpl

ANSWER = [{"role": "assistant", "content": "a secret"}]


class Refusing:
    """Refuses one word, and says who it is."""

    def __init__(self, reason, word="secret"):
        self.reason, self.word = reason, word

    async def check(self, window, turn):
        return Verdict.block(self.reason) if self.word in window.text else Verdict.allow()


class Installed:
    @hookimpl
    def handrail_rails(self):
        yield RailSpec("word check", lambda settings, context: Refusing("installed"), aliases=("check words",))
        yield RailSpec("input check", lambda settings, context: Refusing("input"), directions=("input",))
        yield RailSpec("broken check", lambda settings, context: Refusing(None, word=3))
        yield RailSpec("prompted check", lambda settings, context: Refusing("x"), prompts=("prompted_check",))

    @hookimpl
    def handrail_providers(self):
        yield ProviderSpec("fake", lambda settings, context: FakeProvider(["installed"]))


class Own:
    """What a configuration defines."""

    def __init__(self, rail=None, *, name="word check"):
        self.rail, self.name = rail or (lambda settings, context: Refusing("own")), name
        self.calls = []

    @hookimpl
    def handrail_config_providers(self, config):
        self.calls.append("providers")
        if "engine" in config.custom_data:
            yield ProviderSpec("fake", lambda settings, context: FakeProvider(["own"]))

    @hookimpl
    def handrail_config_rails(self, config, registrations):
        self.calls.append("rails")
        registrations.action_params["from"] = "the configuration"
        return [RailSpec(self.name, self.rail)]


def compose(own, flows=("word check",), **values):
    values = {"models": [], "rails": {"output": {"flows": list(flows)}}, **values}
    registry = Registry().with_plugins(builtin, Installed(), own)
    return LLMRails(RailsConfig.from_content(config=values), registry=registry)


async def test_a_rail_of_the_configuration_takes_the_place_of_an_installed_one():
    rails = compose(Own())
    assert (await rails.check_async(ANSWER)).reason == "own"


async def test_the_label_of_what_took_a_place_names_whose_it_was():
    offer = compose(Own())._app.registry.rail("word check")
    assert offer.label == "plugin 'Own', in place of plugin 'Installed'"
    assert compose(Own(name="other check"))._app.registry.rail("word check").label == "plugin 'Installed'"


async def test_other_names_of_the_replaced_rail_stay():
    rails = compose(Own(), flows=["check words"])
    assert (await rails.check_async(ANSWER)).reason == "installed"


async def test_an_engine_of_the_configuration_takes_the_place_of_an_installed_one():
    models = [{"type": "main", "engine": "fake"}]
    assert await compose(Own(), (), models=models).generate_async("?") == "installed"
    assert await compose(Own(), (), models=models, engine="own").generate_async("?") == "own"


def test_rails_of_the_configuration_are_asked_for_before_its_engines():
    own = Own()
    compose(own)
    assert own.calls == ["rails", "providers"]


def test_what_the_configuration_registers_is_there_for_its_rails():
    seen = []
    compose(Own(lambda settings, context: seen.append(context.registrations.action_params) or Refusing("own")))
    assert seen == [{"from": "the configuration"}]


class Asking:
    """Asks another rail about the same text."""

    def __init__(self, settings, context, name="word check"):
        self.inner = context.rail(name)

    async def check(self, window, turn):
        return await self.inner.judge(window.text, turn)


async def test_a_rail_may_ask_the_installed_rail_whose_name_it_took():
    result = await compose(Own(Asking)).check_async(ANSWER)
    assert (result.rail, result.reason) == ("word check", "installed")
    assert [run.rail for run in result.journal.rail_runs] == ["word check", "word check"]


async def test_an_inner_rail_is_closed_with_the_others():
    closed = []

    class Closing(Refusing):
        async def aclose(self):
            closed.append(self.reason)

    class Closable:
        @hookimpl
        def handrail_rails(self):
            yield RailSpec("closing check", lambda settings, context: Closing("inner"))

    values = {"models": [], "rails": {"output": {"flows": ["word check"]}}}
    own = Own(lambda settings, context: Asking(settings, context, "closing check"))
    registry = Registry().with_plugins(builtin, Installed(), Closable(), own)
    await LLMRails(RailsConfig.from_content(config=values), registry=registry).aclose()
    assert closed == ["inner"]


async def test_an_inner_rail_that_fails_makes_the_outer_one_fail():
    rails = compose(Own(lambda settings, context: Asking(settings, context, "broken check")))
    result = await rails.check_async(ANSWER)
    assert result.failed
    assert RailError.__name__ in result.reason


def test_an_inner_rail_judges_what_it_is_for():
    seen = []
    own = Own(lambda settings, context: seen.append(context.rail) or Refusing("own"))
    compose(own)
    (rail,) = seen
    assert rail("input check").direction == "input"
    assert rail("word check").direction == "output"
    assert rail("no such check") is None


def test_an_inner_rail_without_its_prompt_is_an_error_when_the_configuration_is_composed():
    with pytest.raises(ConfigurationError, match="no prompt for the task 'prompted_check'"):
        compose(Own(lambda settings, context: Asking(settings, context, "prompted check")))


def test_colang_that_no_installed_plugin_reads_is_an_error():
    config = RailsConfig.from_content("define flow x\n  stop", config={"models": []})
    with pytest.raises(ConfigurationError, match="no installed plugin can run; see 'handrail plugins'") as caught:
        LLMRails(config, registry=Registry().with_plugins(builtin))
    assert (caught.value.problems[0].code, caught.value.problems[0].subject) == ("unknown-name", "Colang")


def test_a_task_of_a_rail_within_a_rail_has_the_prompt_and_the_model_that_it_is_given():
    seen = []
    models = [{"type": kind, "engine": "fake", "model": kind} for kind in ("main", "guard")]
    prompts = [{"task": "guard_check", "content": "Is it bad?"}, {"task": "word_check", "content": "Is it good?"}]
    compose(
        Own(lambda settings, context: seen.append(context) or Refusing("own")),
        ["word check $model=guard"],
        models=models,
        prompts=prompts,
    )
    outer = seen[0]
    inner = outer.with_task("word_check", prompt="guard_check", model="guard")
    assert (inner.prompt("word_check").content, inner.model("word_check").name) == ("Is it bad?", "guard")
    assert (outer.prompt("word_check").content, outer.model("word_check").name) == ("Is it good?", "main")
    assert (dict(outer.arguments), dict(inner.arguments)) == ({"model": "guard"}, {})
    assert inner.prompt("guard_check").content == "Is it bad?"


class Elsewhere(Own):
    """A plugin that was installed, and offers a name for every configuration, whatever that defines."""

    def __init__(self, defined_at=""):
        super().__init__()
        self.defined_at = defined_at

    @hookimpl
    def handrail_config_rails(self, config, registrations):
        return [RailSpec(self.name, self.rail, defined_at=self.defined_at)]


def installed(plugin):
    """Return a registry in which a plugin counts as an installed one."""
    registry = Registry().with_plugins(builtin, Installed(), plugin)
    *others, last = registry.plugins
    return Registry([*others, replace(last, distribution="elsewhere", version="1.0")])


def test_an_installed_plugin_takes_the_place_of_another_only_with_what_the_configuration_defines():
    config = RailsConfig.from_content(config={"models": [], "rails": {"output": {"flows": ["word check"]}}})
    with pytest.raises(
        PluginConflictError, match="rail 'word check' is offered by plugin 'Installed' and by elsewhere"
    ):
        LLMRails(config, registry=installed(Elsewhere()))
    rails = LLMRails(config, registry=installed(Elsewhere("rails.co:3")))
    assert rails._app.registry.rail("word check").label == "elsewhere 1.0, in place of plugin 'Installed'"


@pytest.mark.parametrize("hook", [lambda: 1 / 0, lambda: sys.exit(3), lambda: 3, lambda: [3]])
def test_a_plugin_that_fails_over_a_configuration_is_named(hook):
    class Failing:
        @hookimpl
        def handrail_config_rails(self, config, registrations):
            return hook()

    with pytest.raises(PluginLoadError, match="^plugin 'Failing': ") as caught:
        compose(Failing())
    assert caught.value.plugin == "plugin 'Failing'"
