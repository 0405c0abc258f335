"""The JSON Schema takes the configurations that can be used, and refuses others where they are wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from handrail import ConfigurationError, LLMRails, RailsConfig, Registry
from handrail.config import json_schema
from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted(file.parent for file in (ROOT / "docs" / "examples").glob("*/config.yml"))

# A plugin that reads rails from a configuration lets them have any name, so it is left out where names count.
INSTALLED = Registry.discover()
STRICT = INSTALLED.without([p.name for p in INSTALLED.plugins if p.config_rails or p.config_providers])


@pytest.fixture(scope="module", params=[INSTALLED, STRICT], ids=["everything", "without Colang"])
def schema(request: pytest.FixtureRequest) -> dict[str, Any]:
    return json_schema(request.param)


@pytest.fixture(scope="module")
def strict() -> Draft7Validator:
    return Draft7Validator(json_schema(STRICT))


def problem(validator: Draft7Validator, text: str) -> tuple[str, str] | None:
    """Return the place and the text of what is wrong."""
    error = best_match(validator.iter_errors(yaml.safe_load(text)))
    return error and (".".join(map(str, error.absolute_path)), error.message)


def main(text: str) -> str:
    return f"models: [{{type: main, engine: scripted, parameters: {{answers: [Hi]}}}}]\n{text}"


def judged(streaming: str) -> str:
    prompt = "prompts: [{task: self_check_output, content: 'Is {{ bot_response }} harmful? Answer yes or no.'}]"
    return f"{prompt}\nrails: {{output: {{flows: [self check output], streaming: {streaming}}}}}"


def guarded(rail: str, settings: str, key: str | None = None) -> str:
    return f"rails: {{output: {{flows: [{rail}]}}, config: {{{key or rail}: {settings}}}}}"


def test_the_schema_is_a_schema(schema: dict[str, Any]):
    Draft7Validator.check_schema(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_the_files_of_every_example_fit(schema: dict[str, Any], folder: Path):
    files = RailsConfig.from_path(folder).files
    assert files
    for file in files:
        assert list(Draft7Validator(schema).iter_errors(yaml.safe_load(file.read_text()))) == []


def test_everything_has_a_description(schema: dict[str, Any]):
    def undescribed(name: str, part: dict[str, Any]):
        for key, value in part.get("properties", {}).items():
            if isinstance(value, dict) and "$ref" not in value and "description" not in value:
                yield f"{name}.{key}"

    found = [*undescribed("", schema)]
    for name, definition in schema["definitions"].items():
        found += undescribed(name, definition)
    assert found == []


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        ("models: [{type: main, engine: opnai}]", "models.0.engine", "'opnai'"),
        ("models: [{type: main, engine: scripted}]", "models.0", "'parameters' is a required property"),
        ("models: [{engine: openai}]", "models.0", "'type' is a required property"),
        (
            "models: [{type: main, engine: openai, parameters: {timeout: soon}}]",
            "models.0.parameters.timeout",
            "'soon'",
        ),
        ("models: [{type: main, engine: tiny, parameters: {top_k: -1}}]", "models.0.parameters.top_k", "-1"),
        ("models: [{type: main, engine: tiny, parameters: {temprature: 1}}]", "models.0.parameters", "'temprature'"),
        ("rails: {output: {flows: [personal data chek]}}", "rails.output.flows.0", "'personal data chek'"),
        ("rails: {input: {flows: [self check output]}}", "rails.input.flows.0", "'self check output'"),
        ("rails: {output: {flows: [secret check $kinds]}}", "rails.output.flows.0", "'secret check $kinds'"),
        ("rails: {output: {flows: secret check}}", "rails.output.flows", "'secret check'"),
        ("rails: {outptu: {}}", "rails", "'outptu' was unexpected"),
        (judged("{chunk_size: 0}"), "rails.output.streaming.chunk_size", "0"),
        (judged("{chunksize: 5}"), "rails.output.streaming", "'chunksize' was unexpected"),
        (judged("{strategy: rollin}"), "rails.output.streaming.strategy", "'rollin'"),
        (judged("{min_tokens: 5}"), "rails.output.streaming", "'min_tokens' was unexpected"),
        (
            judged("{strategy: sentence, min_tokens: none}"),
            "rails.output.streaming.min_tokens",
            "'none'",
        ),
        (
            judged("{strategy: sentence, context_paragraphs: 1}"),
            "rails.output.streaming",
            "'context_paragraphs' was unexpected",
        ),
        (
            judged("{strategy: sentence, chunk_size: 100}"),
            "rails.output.streaming",
            "'chunk_size' was unexpected",
        ),
        ("rails: {config: {secret chek: {}}}", "rails.config", "'secret chek'"),
        (guarded("secret check", "{action: erase}"), "rails.config.secret check.action", "'erase'"),
        (guarded("secret check", "{action: erase}", "Secret-Check"), "rails.config.Secret-Check.action", "'erase'"),
        (guarded("secret check", "{acton: block}"), "rails.config.secret check", "'acton' was unexpected"),
        (guarded("secret check", "{on_error: pass}"), "rails.config.secret check.on_error", "'pass'"),
        (guarded("regex check", "{patterns: [{patern: x}]}"), "rails.config.regex check.patterns.0", ""),
        (
            "rails: {config: {self check output: {streaming: {enabled: true}}}}",
            "rails.config.self check output.streaming",
            "'enabled' was unexpected",
        ),
        ("rails: {tool_output: {flows: [x]}}", "rails.tool_output.flows", ""),
        ("prompts: [{task: x}]", "prompts.0", ""),
        ("prompts: [{task: x, content: a, messages: [b]}]", "prompts.0", ""),
        ("prompts: [{task: x, messages: [{role: user}]}]", "prompts.0.messages.0", "'content' is a required property"),
        ("plugins: {disable: [handrail-nothing]}", "plugins.disable.0", "'handrail-nothing'"),
        ("flows: []", "flows", ""),
    ],
)
def test_what_is_wrong_is_refused_where_it_stands_and_check_refuses_it_too(
    strict: Draft7Validator, text: str, where: str, said: str
):
    text = text if text.startswith("models") else main(text)
    found = problem(strict, text)
    assert found is not None
    assert found[0] == where
    assert said in found[1]
    with pytest.raises(ConfigurationError):
        LLMRails(RailsConfig.from_content(yaml_content=text), registry=STRICT)


@pytest.mark.parametrize(
    "text",
    [
        "models: [{type: main, engine: scripted, parameters: {answers: [Hi, {contains: x, text: y}], stop: END}}]",
        "models: [{type: main, engine: scripted, model: m, parameters: {answers: [{text: Hi, delay: 0.1}]}}]",
        "models: [{type: main, engine: scripted, parameters: {model: m, answers: [Hi]}}]",
        "models: [{type: main, engine: tiny, parameters: {stop: END, max_new_tokens: 5}}]\nrails:\nprompts:",
        "models: [{type: main, engine: openai, model: m, parameters: {api_key: x, temperature: 0, extra: 1}}]",
        main("rails: {output: {flows: [secret check, personal data check], streaming: {enabled: true}}}"),
        main(
            "rails: {output: {flows: [regex check], streaming: }, config: {regex_check: {patterns: [a, {pattern: b}]}}}"
        ),
        main(judged("{strategy: sentence, min_tokens: 5, abbreviations: [ca]}")),
        main("rails: {output: {streaming: {hold_size: , first_chunk_size: 90}}, config: {secret check: }}"),
        main("rails: {config: {Secret-Check: {timeout: 5, streaming: {strategy: whole}, channels: [reasoning]}}}"),
        main("rails: {config: {self check output: {cache_size: 3, streaming: {strategy: paragraph, max_tokens: 9}}}}"),
        main("rails: {dialog: {anything: true}, retrieval: {flows: []}}\nstreaming: true\nmine: {x: 1}"),
        main("prompts: [{task: x, messages: [a, {role: user, content: b}, {type: user, content: c}]}]"),
        main("plugins: {disable: [handrail-tools, tiny]}\ncolang_version: '1.0'"),
        main("rails: {output: {flows: ['secret check $a=b $c=\"d e\"']}}"),
    ],
)
def test_what_can_be_used_fits(schema: dict[str, Any], text: str):
    assert problem(Draft7Validator(schema), text) is None
    LLMRails(RailsConfig.from_content(yaml_content=text), registry=INSTALLED)


def test_names_that_a_configuration_may_define_itself_are_taken_where_a_plugin_reads_them():
    text = "rails: {output: {flows: [my own flow]}, config: {my own flow: {on_error: allow}}}"
    assert problem(Draft7Validator(json_schema(INSTALLED)), text) is None
    wrong = "rails: {config: {my own flow: {on_error: pass}}}"
    found = problem(Draft7Validator(json_schema(INSTALLED)), wrong)
    assert found is not None
    assert found[0] == "rails.config.my own flow.on_error"
