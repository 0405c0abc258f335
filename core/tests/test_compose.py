"""Composing a configuration: everything that it names is there and fits, or every problem is told at once."""

from __future__ import annotations

import pytest
from fakes import FakeProvider, FunctionRail, Guarded, SessionRail, words
from handrail import LLMRails, RailsConfig, Registry, Verdict
from handrail.errors import ConfigurationError, InvalidRailsConfigurationError, PluginConflictError, PluginLoadError
from handrail.plugins import ProviderSpec, RailSpec, StrategySpec, hookimpl
from pydantic import BaseModel

FAKE = "models: [{type: main, engine: fake}]\n"


class Level(BaseModel):
    level: int


class Plugin:
    @hookimpl
    def handrail_providers(self):
        yield ProviderSpec("fake", lambda settings, context: FakeProvider([]))
        yield ProviderSpec("keyed", lambda settings, context: context.api_key("USUAL_KEY") or FakeProvider([]))
        yield ProviderSpec("broken", lambda settings, context: 1 / 0)

    @hookimpl
    def handrail_rails(self):
        yield RailSpec("toxicity check", lambda settings, context: FunctionRail(), settings=Level)
        yield RailSpec("prompted check", lambda settings, context: FunctionRail(), prompts=("prompted_check",))
        yield RailSpec("input only", lambda settings, context: FunctionRail(), directions=("input",))
        yield RailSpec("session check", lambda settings, context: SessionRail())
        yield RailSpec("no rail", lambda settings, context: object())

    @hookimpl
    def handrail_strategies(self):
        yield StrategySpec("broken", lambda settings, count_tokens: 1 / 0)
        yield StrategySpec("levels", lambda settings, count_tokens: object(), settings=Level)


def compose(yaml: str, *plugins: object) -> LLMRails:
    registry = Registry.discover().with_plugins(Plugin(), *plugins)
    return LLMRails(RailsConfig.from_content(yaml_content=yaml), registry=registry)


def problems(yaml: str) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        compose(yaml)
    return caught.value.problems


def test_a_misspelt_flow_is_told_with_its_place_and_the_nearest_rail():
    (problem,) = problems(FAKE + "rails: {output: {flows: [toxcity check]}}")
    assert problem.startswith(
        "yaml_content:2:26: unknown rail 'toxcity check'; did you mean 'toxicity check'? installed: "
    )


def test_a_misspelt_engine_is_told_with_its_place_and_the_nearest_engine():
    (problem,) = problems("models: [{type: main, engine: fakee}]")
    assert problem.startswith("yaml_content:1:31: unknown engine 'fakee'; did you mean 'fake'? installed: ")


def test_an_unknown_strategy_is_told_with_what_is_installed():
    yaml = FAKE + "rails: {output: {flows: [prompted check], streaming: {strategy: rollin}}}\n"
    yaml += "prompts: [{task: prompted_check, content: x}]"
    (problem,) = problems(yaml)
    assert "unknown strategy 'rollin'; did you mean 'rolling'?" in problem


def test_every_problem_is_told_at_once():
    found = problems("models: [{type: main, engine: fakee}]\nrails: {output: {flows: [toxcity check, prompted check]}}")
    assert len(found) >= 3
    assert [problem.split(":")[1] for problem in found[:3]] == ["1", "2", "2"]


def test_a_missing_prompt_is_an_error_that_names_its_task():
    (problem,) = problems(FAKE + "rails: {output: {flows: [prompted check]}}")
    assert "no prompt for the task 'prompted_check'" in problem


def test_settings_of_a_rail_are_validated_by_its_own_model():
    yaml = FAKE + "rails:\n  output: {flows: [toxicity check]}\n  config:\n    toxicity check: {level: high}\n"
    (problem,) = problems(yaml)
    assert (
        problem == "yaml_content:5:29: rails.config.toxicity check.level is the text 'high'; it must be a whole number"
    )


def test_settings_that_belong_to_no_rail_are_an_error():
    (problem,) = problems(FAKE + "rails: {config: {toxcity check: {level: 1}}}")
    assert "rails.config.toxcity check does not match any installed rail" in problem
    assert problem.endswith("; did you mean 'toxicity check'?")


def test_a_rail_in_the_wrong_list_is_an_error():
    (problem,) = problems(FAKE + "rails: {output: {flows: [input only]}}")
    assert problem.endswith("rail 'input only' is for input, not for output")


def test_an_unset_key_variable_is_named(monkeypatch):
    monkeypatch.delenv("MY_KEY", raising=False)
    (problem,) = problems("models: [{type: main, engine: keyed, api_key_env_var: MY_KEY}]")
    assert "takes its key from the environment variable 'MY_KEY', which is not set" in problem


def test_what_cannot_be_built_names_the_plugin():
    with pytest.raises(PluginLoadError, match="plugin 'Plugin': engine 'broken' could not be built: ZeroDivisionError"):
        compose("models: [{type: main, engine: broken}]")


def test_a_strategy_that_cannot_be_built_is_known_before_a_stream_needs_it():
    yaml = FAKE + "rails: {output: {flows: [prompted check], streaming: {strategy: broken}}}\n"
    yaml += "prompts: [{task: prompted_check, content: x}]"
    with pytest.raises(PluginLoadError, match="strategy 'broken' could not be built"):
        compose(yaml)


def test_sizes_that_a_strategy_does_not_read_are_an_error():
    (problem,) = problems(
        FAKE + "rails:\n  output:\n    flows: [toxicity check]\n"
        "    streaming: {strategy: levels, level: 3, hold_size: 9, context_size: 10}\n"
        "  config: {toxicity check: {level: 1}}"
    )
    assert problem == (
        "yaml_content:5:73: rails.output.streaming.context_size has no effect with strategy 'levels', "
        "whose settings are level; remove it"
    )


@pytest.mark.parametrize("rail", ["toxicity check", "session check", None])
def test_a_misspelt_key_of_streaming_is_told_whatever_reads_it(rail):
    config = FAKE + f"rails:\n  output:\n    flows: {[rail] if rail else []}\n    streaming: {{chunk_sise: 60}}\n"
    (problem,) = problems(config + ("  config: {toxicity check: {level: 1}}" if rail == "toxicity check" else ""))
    assert problem.startswith(
        "yaml_content:5:29: unknown key 'chunk_sise' in rails.output.streaming; strategy 'rolling'"
    )
    assert problem.endswith("; did you mean 'chunk_size'?")


def test_a_rail_s_own_strategy_does_not_mind_the_sizes_of_the_others():
    compose(
        FAKE + "rails:\n  output:\n    flows: [toxicity check]\n    streaming: {chunk_size: 100}\n"
        "  config: {toxicity check: {level: 1, streaming: {strategy: levels, level: 2}}}"
    )


def test_an_object_that_is_no_rail_names_what_a_rail_has():
    with pytest.raises(PluginLoadError, match=r"it must have check\(window, turn\), check_batch\(windows"):
        compose(FAKE + "rails: {output: {flows: [no rail]}}")


def test_a_name_that_two_plugins_offer_is_an_error_only_for_a_configuration_that_needs_it():
    class Other:
        @hookimpl
        def handrail_rails(self):
            yield RailSpec("prompted check", lambda settings, context: FunctionRail())

    compose(FAKE, Other())
    with pytest.raises(PluginConflictError, match="is offered by plugin 'Plugin' and by plugin 'Other'"):
        compose(FAKE + "rails: {output: {flows: [prompted check]}}", Other())


def test_a_configuration_may_disable_one_of_them():
    class Other:
        @hookimpl
        def handrail_rails(self):
            yield RailSpec("prompted check", lambda settings, context: FunctionRail())

    yaml = "plugins: {disable: [Plugin]}\nrails: {output: {flows: [prompted check]}}"
    assert compose(yaml, Other())


def test_llm_takes_the_place_of_the_main_model():
    provider = FakeProvider([])
    rails = LLMRails(RailsConfig.from_content(config={}), llm=provider, registry=Registry())
    assert rails.config.models == ()


def test_an_llm_that_is_no_provider_is_an_error():
    with pytest.raises(ConfigurationError, match=r"llm is 'int'; it must have stream\(messages, params\)"):
        LLMRails(RailsConfig.from_content(config={}), llm=3, registry=Registry())


def test_the_error_is_the_special_one_if_rails_are_to_blame():
    with pytest.raises(InvalidRailsConfigurationError):
        compose(FAKE + "rails: {output: {flows: [prompted check]}}")


def test_a_rail_that_reads_the_stream_takes_no_threshold():
    with pytest.raises(InvalidRailsConfigurationError, match="'threshold' is not supported"):
        Guarded(FakeProvider(words(3)), {"r": SessionRail()}, options={"r": {"threshold": 0.5}})


async def test_a_message_is_judged_before_the_model_is_asked_also_where_answers_stream_first():
    provider = FakeProvider(words(3))
    refusing = FunctionRail(lambda window: Verdict.block())
    g = Guarded(provider, {"r": refusing}, input_flows=["r"], flows=["r"], stream_first=True)
    assert [plan.stream_first for plan in g.rails.composition.input_rails] == [False]
    assert [plan.stream_first for plan in g.rails.composition.output_rails] == [True]
    assert (await g.events())[-1].direction == "input"
    assert provider.opened == 0


@pytest.mark.parametrize("key", ["enable", "disable"])
def test_a_plugin_that_is_not_installed_is_told_with_its_place(key):
    config = RailsConfig.from_content(yaml_content=f"models: []\nplugins:\n  {key}: [handrail-nothing]\n")
    for registry in (None, Registry()):
        with pytest.raises(ConfigurationError) as caught:
            LLMRails(config, registry=registry)
        (problem,) = caught.value.problems
        assert problem.place == ("yaml_content", 3, len(key) + 6)
        assert problem.message.startswith("plugin 'handrail-nothing' is not installed; ")
