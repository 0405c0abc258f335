from __future__ import annotations

import pytest
from handrail_scripted import Answer, ScriptedProvider, ScriptedSettings, ScriptedUsage
from pydantic import ValidationError


@pytest.mark.parametrize(
    ("parameters", "place", "message"),
    [
        ({}, ("answers",), "Field required"),
        ({"answers": 3}, ("answers",), "name of a YAML file or a list of answers"),
        ({"answers": {"hello": "hi"}}, ("answers",), "'default' is a key of its own beside 'answers'"),
        (
            {"answers": [{"text": "a", "chunking": "tokens"}]},
            ("answers", 0, "chunking"),
            "'token', 'character'",
        ),
        ({"answers": ["a"], "usage": {"input": 1}}, ("usage", "input"), "Extra inputs are not permitted"),
        ({"answers": ["a"], "usage": "no"}, ("usage",), "dictionary"),
        ({"answers": ["a"], "tokens_per_secnd": 1}, ("tokens_per_secnd",), "Extra inputs are not permitted"),
        ({"answers": ["a"], "tokens_per_second": -1}, ("tokens_per_second",), "greater than or equal to 0"),
        ({"answers": ["a"], "delay": float("nan")}, ("delay",), "finite"),
        ({"answers": ["a"], "max_tokens": 0}, ("max_tokens",), "greater than or equal to 1"),
        ({"answers": ["a"], "stop": ""}, ("stop", 0), "at least 1 character"),
        ({"answers": ["a"], "default": {"text": "b", "times": 1}}, ("default",), "takes no condition"),
    ],
)
def test_what_is_wrong_has_the_place_that_it_has_in_the_configuration(parameters, place, message):
    """No names of unions' members among the keys, so that the kernel finds the line in the file."""
    with pytest.raises(ValidationError) as caught:
        ScriptedSettings.model_validate(parameters)
    (error,) = caught.value.errors()
    assert error["loc"] == place
    assert message in error["msg"]


def test_the_schema_describes_every_setting():
    schema = ScriptedSettings.model_json_schema()
    definitions = [part for model in (schema, *schema["$defs"].values()) for part in model.get("anyOf", [model])]
    undescribed = [
        name
        for model in definitions
        for name, value in model.get("properties", {}).items()
        if "description" not in value
    ]
    assert undescribed == []
    assert [kind.get("type") for kind in schema["properties"]["answers"]["anyOf"]] == ["string", "array"]
    assert {"type": "boolean"} in schema["properties"]["usage"]["anyOf"]


def test_settings_are_immutable():
    with pytest.raises(ValidationError):
        ScriptedSettings(answers="a.yml").answers = "b.yml"


async def test_settings_may_be_the_model_or_a_plain_mapping(ask):
    for settings in (ScriptedSettings(answers=(Answer(text="a"),)), {"answers": ["a"]}):
        assert (await ask(ScriptedProvider(settings)))[0].text == "a"


def test_the_constructor_for_tests_refuses_what_a_configuration_would():
    with pytest.raises(ValidationError):
        ScriptedProvider.from_texts("a", chunking="syllable")
    assert ScriptedProvider.from_texts("a", usage=ScriptedUsage(input_tokens=1)).calls == ()
