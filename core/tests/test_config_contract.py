"""Keys of existing configurations that Handrail does not carry out: noted where harmless, refused where they guard."""

from __future__ import annotations

import pytest
from handrail.config import RailsConfig
from handrail.errors import ConfigurationError


def content(text: str) -> RailsConfig:
    return RailsConfig.from_content(yaml_content=text)


def test_keys_of_the_contract_without_effect_are_noted_and_are_no_custom_data():
    config = content("streaming: true\ntracing: {enabled: false}\nrails:\n  dialog: {single_call: {enabled: false}}\n")
    assert config.custom_data == {}
    assert config.notes == (
        "yaml_content:1:1: 'streaming' has no effect",
        "yaml_content:2:1: 'tracing' has no effect",
        "yaml_content:4:3: 'rails.dialog' has no effect",
    )


def test_an_unknown_key_that_looks_misspelt_is_noted():
    config = content("prompt: []\ncompany: x\n")
    assert config.custom_data == {"prompt": [], "company": "x"}
    (note,) = config.notes
    assert note == "yaml_content:1:1: 'prompt' is not a known key (kept as custom data); did you mean 'prompts'?"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "rail: {output: {flows: [a]}}",
            "1:1: unknown key 'rail' holds 'output'; did you mean 'rails'?",
        ),
        (
            "model: [{type: main, engine: openai}]",
            "1:1: unknown key 'model' holds 'engine', 'type'; did you mean 'models'?",
        ),
        ("Rails: {input: {}}", "1:1: unknown key 'Rails' holds 'input'; did you mean 'rails'?"),
        (
            "flows: [a]",
            "1:1: 'flows' is not supported; list rails under rails.input.flows and rails.output.flows",
        ),
        (
            "actions_server_url: http://localhost:8001",
            (
                "1:1: 'actions_server_url' is not supported; actions run in this process; call the server from an "
                "action of your own in actions.py"
            ),
        ),
        (
            "rails: {retrieval: {flows: [a]}}",
            "1:9: 'rails.retrieval' is not supported; check what was retrieved before it is put into the prompt",
        ),
        (
            "rails: {tool_output: {flows: [a]}}",
            (
                "1:9: 'rails.tool_output' is not supported; name the rail in rails.output.flows and set "
                "'channels: [tool_calls]' for it in rails.config.<rail>"
            ),
        ),
        (
            "rails: {tool_input: {flows: [a]}}",
            (
                "1:9: 'rails.tool_input' is not supported; check results of tools before they are put "
                "into the conversation"
            ),
        ),
        (
            "rails: {output: {apply_to_reasoning_traces: true}}",
            (
                "1:18: 'rails.output.apply_to_reasoning_traces' is not supported; set 'channels: [text, reasoning]' "
                "for the rail in rails.config.<rail>"
            ),
        ),
    ],
)
def test_what_would_guard_and_does_not_is_refused(text: str, message: str):
    with pytest.raises(ConfigurationError) as caught:
        content(text)
    assert str(caught.value) == f"yaml_content:{message}"


def test_what_would_guard_and_is_switched_off_is_accepted():
    text = "rails: {retrieval: {flows: []}, tool_input: ~, output: {apply_to_reasoning_traces: false}}"
    assert content(text).notes == (
        "yaml_content:1:9: 'rails.retrieval' has no effect",
        "yaml_content:1:33: 'rails.tool_input' has no effect",
    )


def test_notes_are_told_once_when_configurations_add_up():
    config = content("streaming: true") + content("streaming: false")
    assert config.notes == ("yaml_content:1:1: 'streaming' has no effect",)


def test_keys_that_are_accepted_and_that_nothing_reads_are_noted_where_they_stand():
    text = """\
models:
  - {type: main, engine: scripted, mode: chat, cache: {enabled: true}, reasoning_config: {a: 1}}
instructions: [{type: general, content: Be kind.}, {type: other, content: Be brief.}]
import_paths: [../shared]
"""
    config = content(text)
    assert config.notes == (
        "yaml_content:2:36: 'models[0].mode' has no effect",
        "yaml_content:2:48: 'models[0].cache' has no effect; every answer of a model is its own",
        "yaml_content:2:72: 'models[0].reasoning_config' has no effect; reasoning is never part of the text",
        "yaml_content:3:53: 'instructions[1].type' has no effect; every instruction is sent",
        "yaml_content:4:1: 'import_paths' has no effect; Colang is read from the configuration's own folder",
    )
    assert content("{}").notes == ()


def test_such_a_key_is_noted_at_its_new_place_when_configurations_add_up():
    later = content("instructions: [{type: other, content: Be brief.}]")
    config = content("instructions: [{content: Be kind.}]") + later
    assert config.notes == ("yaml_content:1:17: 'instructions[1].type' has no effect; every instruction is sent",)
