"""A secret is never shown: not in an error, not in a repr, not in a traceback."""

from __future__ import annotations

import traceback

import pytest
from handrail.config import RailsConfig
from handrail.config._secrets import is_secret_key, is_secret_value
from handrail.errors import ConfigurationError

SECRET = "hunter2-hunter2"
KEY = "sk-proj-abcdefghijklmnop"


@pytest.mark.parametrize(
    "key",
    ["api_key", "apikey", "API-Key", "X-Api-Key", "token", "access_token", "password", "Authorization", "client_secret",
     "credentials", "subscription-key", "key", "auth", "Cookie"],
)  # fmt: skip
def test_keys_that_name_a_secret(key: str):
    assert is_secret_key(key)


@pytest.mark.parametrize(
    "key",
    [
        "api_key_env_var",
        "max_tokens",
        "tokens_per_second",
        "first_token_delay",
        "tokens",
        "tokenizer",
        "model",
        "config_key",
        "keyword",
        "author",
        7,
        "monkey",
    ],
)
def test_keys_that_name_none(key: object):
    assert not is_secret_key(key)


@pytest.mark.parametrize(
    "value", [KEY, "nvapi-0123456789abc", "hf_abcdefghijkl", "https://me:pass@host/v1", f"Bearer {SECRET}"]
)
def test_values_that_look_like_a_secret(value: str):
    assert is_secret_value(value)


@pytest.mark.parametrize("value", ["gpt-4o", "https://host:8000/v1", "ask-me-anything", "self check output", "bearer"])
def test_values_that_do_not(value: str):
    assert not is_secret_value(value)


@pytest.mark.parametrize(
    "text",
    [
        f"models: [{{type: main, engine: x, parameters: {{api_key: {SECRET}, headers: {{Authorization: {SECRET}}}}}}}]",
        f"models: [{{type: main, engine: x, parameters: {{base_url: 'https://me:{SECRET}@host'}}}}]",
        f"rails: {{config: {{remote check: {{token: {SECRET}, nested: [{{password: {SECRET}}}]}}}}}}",
        f"rails: {{output: {{streaming: {{strategy: x, secret: {SECRET}}}}}}}",
        f"service: {{credentials: {SECRET}}}",
        f"api_key: {SECRET}",
    ],
)
def test_no_repr_shows_a_secret(text: str):
    config = RailsConfig.from_content(yaml_content=text)
    shown = [
        repr(config),
        str(config),
        *map(repr, config.models),
        repr(config.rails),
        repr(config.rails.output.streaming),
    ]
    assert not [text for text in shown if SECRET in text]
    assert "***" in repr(config)


@pytest.mark.parametrize(
    "text",
    [
        f"models: [{{type: main, engine: x, parameters: {{api_key: [{SECRET}]}}, model: 3}}]",
        f"models: [{{type: main, engine: x, api_key: {SECRET}}}]",
        f"models: [{{type: main, engine: x, api_key_env_var: {KEY}}}]",
        f"models: [{{type: main, engine: x, parameters: {KEY}}}]",
        f"models: [{KEY}]",
        f"models: {KEY}",
        f"rails: {{config: {{api_key: {SECRET}}}}}",
        f"rails: {{config: {{x: {{timeout: {KEY}}}}}}}",
        f"api_key: '{SECRET}\nother: [",
        f"api_key: {SECRET}\napi_key: {SECRET}",
        f"api_key: !env {SECRET}",
        f"api_key: !!int {SECRET}",
        f"token: @{SECRET}",
        f"password: {SECRET}\x01",
    ],
)
def test_no_error_shows_a_secret(text: str):
    with pytest.raises(ConfigurationError) as caught:
        RailsConfig.from_content(yaml_content=text)
    told = "".join(traceback.format_exception(caught.value, chain=True))
    for secret in (SECRET, KEY):
        assert secret not in str(caught.value)
        assert secret not in told
        assert secret not in repr(caught.value.problems)


def test_a_key_in_place_of_its_variables_name_is_explained():
    with pytest.raises(ConfigurationError) as caught:
        RailsConfig.from_content(config={"models": [{"type": "main", "engine": "x", "api_key_env_var": KEY}]})
    assert str(caught.value) == (
        "models[0].api_key_env_var: it is not a valid environment variable name; write the name of "
        "the variable that holds "
        "the key, such as OPENAI_API_KEY, and not the key itself"
    )
