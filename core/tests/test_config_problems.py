"""Bad input: what is said of it, line by line."""

from __future__ import annotations

import pytest
from handrail import LLMRails
from handrail.config import RailsConfig
from handrail.errors import ConfigurationError, InvalidRailsConfigurationError
from pydantic import BaseModel, ConfigDict, Field, field_validator


def refusal(text: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        RailsConfig.from_content(yaml_content=text)
    return caught.value


def test_all_problems_are_told_at_once_in_the_order_of_the_file():
    error = refusal(
        """\
models:
  - type: main
    engien: openai
    model: 4.1
rails:
  outptu: {}
  output:
    flows: self check output
    flow: [self check output]
    streaming: {enabled: maybe, chunk_size: 0}
  input:
    flows: ["check $model=", "$model=guard", 3]
  config:
    toxicity check: {timeout: -1}
prompts:
  - task: self_check_output
lowest_temperature: warm
"""
    )
    assert type(error) is InvalidRailsConfigurationError
    assert error.problems == (
        "yaml_content:2:5: models[0] is missing the required key 'engine'",
        (
            "yaml_content:3:5: unknown key 'engien' in models[0]; allowed: 'type', 'engine', 'model', 'parameters', "
            "'api_key_env_var', 'concurrency', 'fallback', 'breaker', 'mode', 'cache', 'reasoning_config'; "
            "did you mean 'engine'?"
        ),
        "yaml_content:4:12: models[0].model is the number 4.1; it must be text, put it in quotes",
        (
            "yaml_content:6:3: unknown key 'outptu' in rails; allowed: 'input', 'output', 'config', "
            "'failure_message'; did you mean 'output'?"
        ),
        (
            "yaml_content:8:12: rails.output.flows is the text 'self check output'; it must be a list, "
            "each item on a line "
            "of its own that begins with '- '"
        ),
        (
            "yaml_content:9:5: unknown key 'flow' in rails.output; allowed: 'flows', 'parallel', 'streaming', "
            "'deliver_unguarded', 'refusal'; "
            "did you mean 'flows'?"
        ),
        "yaml_content:10:26: rails.output.streaming.enabled is the text 'maybe'; it must be true or false",
        "yaml_content:10:45: rails.output.streaming.chunk_size is the number 0; it must be at least 1",
        (
            "yaml_content:12:13: rails.input.flows[0]: '$model=' cannot be read; arguments are written $name=value or "
            '$name="two words"'
        ),
        (
            "yaml_content:12:30: rails.input.flows[1]: no rail name; start with the name of a rail, such as "
            "'self check output'"
        ),
        "yaml_content:12:46: rails.input.flows[2] is the number 3; it must be text, put it in quotes",
        "yaml_content:14:31: rails.config.toxicity check.timeout is the number -1; it must be more than 0",
        "yaml_content:16:5: prompts[0] has neither 'content' nor 'messages'; a prompt needs one of them",
        "yaml_content:17:21: lowest_temperature is the text 'warm'; it must be a number",
    )
    assert str(error) == "\n".join(error.problems)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "models: {type: main}",
            "1:1: models is a mapping; it must be a list, each item on a line of its own that begins with '- '",
        ),
        ("models: [main]", "1:10: models[0] is the text 'main'; it must be a mapping"),
        ("models: [{engine: x}]", "1:10: models[0] is missing the required key 'type'"),
        (
            "models: [{type: a, engine: x, parameters: 3}]",
            "1:43: models[0].parameters is the number 3; it must be a mapping",
        ),
        (
            "models: [{type: a, engine: x, model: b, parameters: {model_name: b}}]",
            "1:38: models[0].model names the model more than once: model, parameters.model_name; keep one of them",
        ),
        (
            "models: [{type: a, engine: x, parameters: {model: a, model_name: b}}]",
            (
                "1:10: models[0].model names the model more than once: parameters.model, parameters.model_name; "
                "keep one of them"
            ),
        ),
        ("prompts: [{content: x}]", "1:11: prompts[0] is missing the required key 'task'"),
        (
            "prompts: [{task: a, content: x, messages: []}]",
            "1:33: prompts[0].messages cannot be combined with 'content'; use one or the other",
        ),
        (
            "prompts: [{task: a, messages: [{type: user}]}]",
            "1:32: prompts[0].messages[0] is missing the required key 'content'",
        ),
        (
            "prompts: [{task: a, messages: [{type: user, content: x, contents: y}]}]",
            (
                "1:57: unknown key 'contents' in prompts[0].messages[0]; allowed: 'type', 'content'; did "
                "you mean 'content'?"
            ),
        ),
        (
            "prompts: [{task: a, messages: [3]}]",
            "1:32: prompts[0].messages[0] is the number 3; it must be a mapping",
        ),
        (
            "prompts: [{task: a, content: x, stop: y}]",
            (
                "1:39: prompts[0].stop is the text 'y'; it must be a list, each item "
                "on a line of its own that begins with '- '"
            ),
        ),
        (
            "prompts: [{task: a, content: x, max_length: 0}]",
            "1:45: prompts[0].max_length is the number 0; it must be at least 1",
        ),
        ("plugins: [x]", "1:1: plugins is a list; it must be a mapping"),
        (
            "plugins: {disabled: [x]}",
            "1:11: unknown key 'disabled' in plugins; allowed: 'enable', 'disable'; did you mean 'disable'?",
        ),
        ("instructions: [{type: general}]", "1:16: instructions[0] is missing the required key 'content'"),
        ("lowest_temperature: -1", "1:21: lowest_temperature is the number -1; it must be at least 0"),
        ("custom_data: x", "1:14: custom_data is the text 'x'; it must be a mapping"),
        ("colang_version: [1]", "1:1: colang_version is a list; it must be text"),
        (
            "sample_conversation: 2024",
            "1:22: sample_conversation is the number 2024; it must be text, put it in quotes",
        ),
    ],
)
def test_what_is_no_rail_is_a_configuration_error(text: str, message: str):
    error = refusal(text)
    assert type(error) is ConfigurationError
    assert str(error) == f"yaml_content:{message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rails: [output]", "1:1: rails is a list; it must be a mapping"),
        ("rails: {output: on}", "1:17: rails.output is true; it must be a mapping"),
        ("rails: {output: {streaming: true}}", "1:29: rails.output.streaming is true; it must be a mapping"),
        ("rails: {output: {flows: [{a: b}]}}", "1:26: rails.output.flows[0] is a mapping; it must be text"),
        ("rails: {output: {parallel: 7}}", "1:28: rails.output.parallel is the number 7; it must be true or false"),
        (
            "rails: {input: {streaming: {}}}",
            (
                "1:17: unknown key 'streaming' in rails.input; allowed: 'flows', 'roles', 'parallel', 'speculative', "
                "'refusal'"
            ),
        ),
        ("rails: {config: [x]}", "1:9: rails.config is a list; it must be a mapping"),
        ("rails: {config: {x: 3}}", "1:21: rails.config.x is the number 3; it must be a mapping"),
        ("rails: {7: {}}", "1:9: unknown key '7' in rails; allowed: 'input', 'output', 'config', 'failure_message'"),
    ],
)
def test_what_concerns_rails_is_the_more_special_error(text: str, message: str):
    error = refusal(text)
    assert type(error) is InvalidRailsConfigurationError
    assert str(error) == f"yaml_content:{message}"


def test_values_that_came_from_no_file_are_named_by_their_path():
    with pytest.raises(ConfigurationError) as caught:
        RailsConfig.from_content(config={"models": [{"type": "main", "engine": 3}]})
    assert str(caught.value) == "models[0].engine is the number 3; it must be text, put it in quotes"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "the configuration has no content; write at least 'models' and 'rails' in 'yaml_content' or 'config'"),
        (
            {"yaml_content": "# later\n"},
            "the configuration is empty; write at least 'models' and 'rails' in 'yaml_content' or 'config'",
        ),
        ({"config": "models: []"}, "the configuration is the text 'models: []'; it must be a mapping"),
        ({"config": ["models"]}, "the configuration is a list; it must be a mapping"),
    ],
)
def test_content_that_is_no_configuration(arguments: dict[str, str], message: str):
    with pytest.raises(ConfigurationError) as caught:
        RailsConfig.from_content(**arguments)
    assert str(caught.value) == message


def test_a_mapping_that_contains_itself_is_refused():
    config: dict[str, object] = {}
    config["custom"] = config
    with pytest.raises(ConfigurationError, match="contains itself"):
        RailsConfig.from_content(config=config)


def test_a_long_value_is_cut_in_the_message():
    told = str(refusal(f"models: {'x' * 1000}"))
    assert len(told) < 200
    assert "…" in told


class Settings(BaseModel):
    threshold: float = Field(default=0.5, le=1)
    words: list[str] = []

    @field_validator("words")
    @classmethod
    def _some(cls, words: list[str]) -> list[str]:
        if not words:
            raise ValueError("name at least one word")
        return words


class OpenSettings(Settings):
    model_config = ConfigDict(extra="allow")


PATH = ("rails", "config", "toxicity check")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{threshold: 2}", "3:33: rails.config.toxicity check.threshold is the number 2; it must be at most 1"),
        ("{words: []}", "3:22: rails.config.toxicity check.words: name at least one word"),
        (
            "{treshold: 0.4}",
            (
                "3:22: unknown key 'treshold' in rails.config.toxicity check; allowed: 'threshold', "
                "'words', 'timeout'; "
                "did you mean 'threshold'?"
            ),
        ),
    ],
)
def test_settings_of_a_plugin_are_refused_in_the_same_words(written: str, message: str):
    config = RailsConfig.from_content(yaml_content=f"rails:\n  config:\n    toxicity check: {written}\n")
    _, own = config.rail_options("toxicity check")
    with pytest.raises(InvalidRailsConfigurationError) as caught:
        config.validate_settings(Settings, own, *PATH, also=["timeout"])
    assert str(caught.value) == f"yaml_content:{message}"


def test_settings_of_a_plugin_are_its_own_model():
    config = RailsConfig.from_content(config={})
    assert config.validate_settings(Settings, {"threshold": 1}, *PATH) == Settings(threshold=1)
    assert config.validate_settings(OpenSettings, {"more": 1}, *PATH).model_extra == {"more": 1}


def test_each_problem_has_a_code_and_a_place_for_programs():
    text = "models:\n  - {type: main, engin: scripted}\nrails: {output: {flows: 5}}\n"
    with pytest.raises(ConfigurationError) as caught:
        RailsConfig.from_content(yaml_content=text)
    found = {problem.code: problem for problem in caught.value.problems}
    assert found.keys() == {"missing-key", "unknown-key", "invalid-value"}
    unknown = found["unknown-key"]
    assert (unknown.place, unknown.subject, unknown.fix) == (("yaml_content", 2, 18), "engin", "engine")
    assert unknown == f"yaml_content:2:18: {unknown.message}"
    assert found["missing-key"].subject == "engine"


def test_a_problem_of_a_plugin_gets_the_place_of_what_named_it():
    text = "models: []\nrails: {output: {flows: [no such rail]}}\n"
    with pytest.raises(ConfigurationError) as caught:
        LLMRails(RailsConfig.from_content(yaml_content=text))
    (problem,) = caught.value.problems
    assert (problem.code, problem.place, problem.subject) == ("unknown-name", ("yaml_content", 2, 26), "no such rail")
    again = problem.at(("elsewhere", 1, 1))
    assert again is problem
