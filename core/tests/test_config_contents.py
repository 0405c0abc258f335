"""What a valid configuration gives: models, prompts, custom data, keys of the contract."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import handrail.config
import pytest
from handrail.config import ModelConfig, RailsConfig, TaskPrompt
from handrail.errors import InvalidRailsConfigurationError
from pydantic import ValidationError

FULL = """
models:
  - type: main
    engine: openai
    parameters: {model: gpt-4o, temperature: 0.2}
    api_key_env_var: MY_KEY
  - {type: self_check_output, engine: nim, model: llama}
instructions:
  - {type: general, content: Be kind.}
sample_conversation: |
  user "Hi"
prompts:
  - {task: self_check_output, content: for all}
  - {task: self_check_output, content: for nim, models: [nim], max_tokens: 3, stop: ["\\n"]}
  - {task: self_check_input, messages: [{type: system, content: a}, "history", {role: user, content: b}]}
rails:
  input: {flows: [self check input], parallel: true, speculative: true}
  output: {flows: [self check output, content safety check output $model=guard]}
plugins: {disable: [handrail-patterns]}
enable_rails_exceptions: yes
colang_version: 1.0
import_paths: [lib]
company: {name: ACME}
"""


def content(text: str) -> RailsConfig:
    return RailsConfig.from_content(yaml_content=text)


def test_a_full_configuration_is_read():
    config = content(FULL)
    main, judge = config.models
    assert (main.type, main.engine, main.model, main.api_key_env_var) == ("main", "openai", "gpt-4o", "MY_KEY")
    assert main.parameters == {"temperature": 0.2}
    assert config.model_for("self_check_output") is judge
    assert config.model_for("other") is None
    assert config.instructions[0].content == "Be kind."
    assert config.sample_conversation == 'user "Hi"\n'
    assert config.rails.input.parallel is config.rails.input.speculative is True
    assert [flow.name for flow in config.input_flows] == ["self check input"]
    assert config.output_flows[1].arguments == {"model": "guard"}
    assert config.plugins.disable == ("handrail-patterns",)
    assert config.enable_rails_exceptions is True
    assert config.colang_version == "1.0"
    assert config.import_paths == ("lib",)
    assert config.custom_data == {"company": {"name": "ACME"}}
    assert [note.split("'")[1] for note in config.notes] == ["import_paths"]


def test_defaults():
    config = RailsConfig.from_content(config={})
    assert config.lowest_temperature == 0.001
    assert config.enable_rails_exceptions is False
    assert config.rails.output.parallel is config.rails.input.parallel is config.rails.input.speculative is False
    assert TaskPrompt(task="a", content="b").max_length == 16_000


@pytest.mark.parametrize("key", ["model", "model_name"])
def test_a_models_name_may_stand_among_its_parameters(key: str):
    config = RailsConfig.from_content(
        config={"models": [{"type": "a", "engine": "x", "parameters": {key: "m", "n": 1}}]}
    )
    assert (config.models[0].model, config.models[0].parameters) == ("m", {"n": 1})


def test_nulls_are_absent_keys():
    config = content("models:\nrails:\n  input:\n    flows:\n  output:\n    streaming:\n      hold_size:\n  config:\n")
    empty = RailsConfig.from_content(config={})
    assert (config.models, config.rails) == (empty.models, empty.rails)


def test_explicit_custom_data_goes_before_unknown_keys():
    assert content("a: 1\nb: 2\ncustom_data: {b: 3, c: 4}").custom_data == {"a": 1, "b": 3, "c": 4}


def test_a_configuration_cannot_be_changed():
    config = content(FULL)
    with pytest.raises(ValidationError):
        config.lowest_temperature = 1.0  # type: ignore[misc]
    with pytest.raises(AttributeError):
        config.models.append(config.models[0])  # type: ignore[attr-defined]


def test_a_dictionary_that_changes_later_changes_no_configuration():
    given = {"models": [{"type": "a", "engine": "x", "parameters": {"n": [1]}}], "note": {"a": 1}}
    config = RailsConfig.from_content(config=given)
    given["models"][0]["parameters"]["n"].append(2)
    given["note"]["a"] = 2
    assert config.models[0].parameters == {"n": [1]}
    assert config.custom_data == {"note": {"a": 1}}


def test_yaml_and_a_dictionary_are_merged_and_the_dictionary_is_the_later_one():
    config = RailsConfig.from_content(
        yaml_content="lowest_temperature: 0.1\nrails: {output: {flows: [one]}}",
        config={"lowest_temperature": 0.2, "rails": {"output": {"flows": ["two"]}}},
    )
    assert config.lowest_temperature == 0.2
    assert config.rails.output.flows == ("one", "two")


def test_ready_models_may_stand_in_a_dictionary_or_be_passed_directly():
    model = ModelConfig(type="main", engine="scripted")
    from_content = RailsConfig.from_content(config={"models": [model]})
    direct = RailsConfig(models=(model,))
    assert from_content.models == direct.models == (model,)
    assert (direct + RailsConfig.from_content(config={"lowest_temperature": 0.5})).models == (model,)


def test_a_configuration_can_be_copied_and_pickled():
    config = content(FULL)
    for copied in (copy.deepcopy(config), pickle.loads(pickle.dumps(config))):
        assert copied == config
        assert copied.where("models", 0) == config.where("models", 0) == "yaml_content:3:5"
        assert copied.output_flows == config.output_flows


def test_a_prompt_is_chosen_for_the_model_that_serves_the_task():
    config = content(FULL)
    assert config.prompt("self_check_output").content == "for nim"
    assert config.prompt("self_check_output", model=config.models[0]).content == "for all"


def test_a_prompt_for_a_model_by_name_goes_before_one_for_its_engine():
    prompts = [{"task": "a", "content": names[0], "models": names} for names in (["x/m"], ["x"], ["y"])]
    config = RailsConfig.from_content(
        config={"models": [{"type": "main", "engine": "x", "model": "m"}], "prompts": prompts}
    )
    assert config.prompt("a").content == "x/m"


def test_of_two_equal_prompts_the_later_one_counts_and_the_mode_goes_first():
    prompts = [
        {"task": "a", "content": "1", "mode": "compact"},
        {"task": "a", "content": "2"},
        {"task": "a", "content": "3"},
    ]
    assert RailsConfig.from_content(config={"prompts": prompts}).prompt("a").content == "3"
    compact = RailsConfig.from_content(config={"prompts": prompts, "prompting_mode": "compact"})
    assert compact.prompt("a").content == "1"


def test_messages_of_a_prompt_may_say_role_or_type():
    messages = content(FULL).prompt("self_check_input").messages
    assert messages is not None
    assert [message if isinstance(message, str) else message.type for message in messages] == [
        "system",
        "history",
        "user",
    ]


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        ([], "no prompt for the task 'self_check_output'; write one:"),
        (
            [{"task": "self_check_ouput", "content": "x"}],
            (
                "no prompt for the task 'self_check_output'; there are prompts for 'self_check_ouput'; "
                "did you mean 'self_check_ouput'?; write one:"
            ),
        ),
        (
            [{"task": "self_check_output", "content": "x", "models": ["openai", "nim/a"]}],
            "no prompt for the task 'self_check_output' that is for 'x/m', only for 'openai', 'nim/a'; write one:",
        ),
    ],
)
def test_a_missing_prompt_is_shown_how_to_be_written(prompts: list[dict[str, object]], message: str):
    config = RailsConfig.from_content(
        config={"models": [{"type": "main", "engine": "x", "model": "m"}], "prompts": prompts}
    )
    with pytest.raises(InvalidRailsConfigurationError) as caught:
        config.prompt("self_check_output")
    first, _, example = str(caught.value).partition("\n")
    assert first == message
    assert content(example).prompt("self_check_output").content == (
        "Your template, with variables such as {{ bot_response }}"
    )


@pytest.mark.parametrize("task", ["self_check_input", "content_safety_check_input $model=guard"])
def test_a_missing_prompt_of_an_input_rail_is_shown_with_what_the_user_says(task: str):
    with pytest.raises(InvalidRailsConfigurationError, match=r"such as \{\{ user_input \}\}"):
        RailsConfig.from_content(config={"models": []}).prompt(task)


def test_the_schema_allows_custom_data_and_closes_rails():
    schema = RailsConfig.model_json_schema()
    assert schema["additionalProperties"] is True
    assert schema["$defs"]["Rails"]["additionalProperties"] is False


def test_the_public_names():
    assert sorted(
        name for name in vars(handrail.config) if name[0].isupper() or name in {"json_schema", "normalized_name"}
    ) == [
        "BreakerConfig",
        "Flow",
        "InputRails",
        "Instruction",
        "ModelConfig",
        "OutputRails",
        "PluginsConfig",
        "PriceConfig",
        "PricesConfig",
        "PromptMessage",
        "RailOptions",
        "Rails",
        "RailsConfig",
        "StreamingConfig",
        "TaskPrompt",
        "When",
        "json_schema",
        "normalized_name",
    ]


def test_importing_the_configuration_imports_no_template_engine_and_no_tokenizer():
    program = "import sys, handrail.config; print(*{'jinja2', 'tiktoken', 'anyio', 'difflib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
