"""How a model is configured: addresses, keys, headers, and what is refused when the configuration is loaded."""

from __future__ import annotations

import anthropic
import pytest
from handrail import ConfigurationError, LLMRails, RailsConfig
from handrail_anthropic import AnthropicSettings
from handrail_anthropic.testing import Message
from pydantic import ValidationError


async def test_a_configuration_streams_guarded(messages_server):
    messages_server.reply = Message(text="The tides follow the moon.")
    parameters = {"base_url": messages_server.base_url, "temperature": 0.2}
    model = {"type": "main", "engine": "anthropic", "model": "test-model", "parameters": parameters}
    rails = LLMRails(RailsConfig.from_content(config={"models": [model]}))
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Tides?"}]
    async with rails.stream(messages=messages) as stream:
        async for _ in stream:
            pass
    assert stream.response.text == "The tides follow the moon."
    assert stream.response.usage.input_tokens == 25
    assert messages_server.bodies[0]["system"] == [{"type": "text", "text": "Be brief."}]
    await rails.aclose()


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
async def test_the_address_may_end_in_v1(messages_server, make_provider, ask, suffix):
    await ask(make_provider(messages_server.origin + suffix))
    assert messages_server.requests[0].path == "/v1/messages"


async def test_the_key_version_and_betas_are_sent(messages_server, make_provider, ask, key):
    await ask(
        make_provider(messages_server.origin, betas=["one-2026-01-01", "two-2026-01-01"], headers={"X-Mine": "1"})
    )
    headers = messages_server.requests[0].headers
    assert headers["authorization"] == f"Bearer {key}"
    assert headers["anthropic-version"]
    assert headers["anthropic-beta"] == "one-2026-01-01,two-2026-01-01"
    assert headers["x-mine"] == "1"


async def test_a_key_of_its_own_is_named_by_its_variable(messages_server, make_provider, ask, monkeypatch):
    monkeypatch.setenv("OUR_KEY", "sk-our-gateway")
    await ask(make_provider(messages_server.origin, api_key_env_var="OUR_KEY"))
    assert messages_server.requests[0].headers["authorization"] == "Bearer sk-our-gateway"


async def test_without_a_key_none_is_sent(messages_server, make_provider, ask, monkeypatch):
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    await ask(make_provider(messages_server.origin))
    assert not {"authorization", "x-api-key"} & messages_server.requests[0].headers.keys()


def test_anthropic_itself_needs_a_key(configure, monkeypatch):
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    with pytest.raises(ConfigurationError, match="has no key: set the environment variable 'ANTHROPIC_API_KEY'"):
        configure()


async def test_a_client_of_ones_own_is_used_and_left_open(messages_server, make_provider, ask):
    async with anthropic.AsyncAnthropic(api_key="sk-own-client", base_url=messages_server.origin) as client:
        provider = make_provider(client=client)
        await ask(provider)
        await provider.aclose()
        assert messages_server.requests[0].headers["authorization"] == "Bearer sk-own-client"
        assert not client.is_closed()


def test_another_client_is_refused(configure):
    with pytest.raises(ConfigurationError, match="'client' is a object; hand in an anthropic.AsyncAnthropic"):
        configure(client=object())


def test_a_model_must_be_named(configure):
    with pytest.raises(ConfigurationError, match="has no name; write it as 'model'"):
        configure(model=None)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"base_url": "localhost"}, "is not the address of a server"),
        ({"base_url": "http://user:secret@localhost"}, "must not contain a user or password"),
        ({"base_url": "http://localhost/v1/messages"}, "leave out '/messages' at its end"),
        ({"headers": {"X": "a\nb"}}, "the header 'X' has characters that cannot be sent"),
        ({"temprature": 1}, "did you mean 'temperature'"),
        ({"max_tokens": 0}, "greater than or equal to 1"),
        ({"n": 2}, "must be 1"),
        (
            {"base_url": "http://localhost", "anthropic_api_url": "http://localhost"},
            "is another spelling of 'base_url'",
        ),
        ({"client": object(), "base_url": "http://localhost"}, "is set beside 'client'"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(settings, problem):
    with pytest.raises(ValidationError, match=problem):
        AnthropicSettings.model_validate(settings)


def test_spellings_of_other_systems_are_understood():
    settings = AnthropicSettings.model_validate(
        {"anthropic_api_url": "http://localhost", "max_tokens_to_sample": 5, "streaming": True}
    )
    assert (settings.base_url, settings.max_tokens) == ("http://localhost", 5)


@pytest.mark.parametrize("variable", ["http://localhost:1", "nonsense"])
def test_the_address_may_come_from_the_environment(configure, monkeypatch, variable):
    monkeypatch.setenv("ANTHROPIC_BASE_URL", variable)
    if variable == "nonsense":
        with pytest.raises(ConfigurationError, match="the environment variable 'ANTHROPIC_BASE_URL'"):
            configure()
    else:
        assert configure()._endpoint.base_url == variable
