"""What a configuration may say, and what it is told when it says something else."""

from __future__ import annotations

import pickle
from contextlib import suppress

import pytest
from handrail.errors import ConfigurationError, ProviderError
from handrail_openai import OpenAISettings
from handrail_openai._engines import engine_named
from handrail_openai.plugin import ENGINES, handrail_providers
from pydantic import ValidationError

HELLO = ({"role": "user", "content": "Hello"},)


def endpoint(provider):
    return provider._endpoint


@pytest.mark.parametrize(
    ("engine", "base_url"),
    [
        ("vllm", "http://localhost:8000/v1"),
        ("vllm_openai", "http://localhost:8000/v1"),
        ("sglang", "http://localhost:30000/v1"),
        ("ollama", "http://localhost:11434/v1"),
        ("lmstudio", "http://localhost:1234/v1"),
        ("llamacpp", "http://localhost:8080/v1"),
        ("llama.cpp", "http://localhost:8080/v1"),
    ],
)
def test_servers_of_this_machine_have_an_address_and_need_no_key(configure, engine, base_url):
    provider = configure(engine=engine)
    assert endpoint(provider).base_url == base_url
    assert endpoint(provider).key is None


@pytest.mark.parametrize(
    ("engine", "base_url", "variable"),
    [
        ("nim", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY"),
        ("nvidia_ai_endpoints", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY"),
        ("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
        ("openai", None, "OPENAI_API_KEY"),
    ],
)
def test_services_have_an_address_and_the_variable_of_their_key(configure, monkeypatch, engine, base_url, variable):
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ConfigurationError, match=f"has no key: set the environment variable '{variable}'"):
        configure(engine=engine)
    monkeypatch.setenv(variable, "sk-of-the-service")
    assert endpoint(configure(engine=engine)).base_url == base_url
    assert endpoint(configure(engine=engine)).key == "sk-of-the-service"


def test_the_key_of_openai_goes_to_no_other_service(configure):
    assert endpoint(configure(engine="ollama")).key is None
    with pytest.raises(ConfigurationError, match="OPENROUTER_API_KEY"):
        configure(engine="openrouter")


def test_the_variable_that_is_named_is_used(configure, monkeypatch):
    monkeypatch.setenv("MY_KEY", " sk-mine\n")
    assert endpoint(configure(api_key_env_var="MY_KEY")).key == "sk-mine"


def test_a_variable_that_is_named_and_not_set_is_an_error(configure):
    with pytest.raises(ConfigurationError, match="'MY_KEY', which is not set"):
        configure(api_key_env_var="MY_KEY")


@pytest.mark.parametrize("key", ["sk-öäü-secret", "sk-two\nlines-secret", "sk-\x00-secret"])
def test_a_key_that_cannot_be_sent_is_an_error_that_does_not_show_it(configure, monkeypatch, key):
    with pytest.raises(ConfigurationError, match="printable ASCII") as raised:
        configure(api_key=key)
    assert "secret" not in str(raised.value)


def test_a_server_without_a_key_is_sent_none(protocol_server, configure, monkeypatch):
    import anyio

    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-somebody")

    async def ask(engine):
        provider = configure(protocol_server.base_url, engine=engine)
        assert [chunk async for chunk in provider.stream(HELLO, {})]
        await provider.aclose()

    for engine in ("openai", "vllm"):
        anyio.run(ask, engine)
    with_org, without = (request.headers for request in protocol_server.requests)
    assert "authorization" not in with_org
    assert "authorization" not in without
    assert "openai-organization" not in without


def test_an_administrators_key_is_never_sent(protocol_server, configure):
    import anyio
    import openai

    async def ask():
        client = openai.AsyncOpenAI(
            api_key="", admin_api_key="sk-admin-123", base_url=protocol_server.base_url, max_retries=0
        )
        with suppress(ProviderError):  # the SDK may find that there is no key at all
            [chunk async for chunk in configure(client=client).stream(HELLO, {})]
        await client.close()

    anyio.run(ask)
    assert not any("sk-admin" in str(request.headers) for request in protocol_server.requests)


@pytest.mark.parametrize(
    ("base_url", "words"),
    [
        ("localhost:8000/v1", "not the address of a server"),
        ("ftp://localhost/v1", "not the address of a server"),
        ("http://", "not the address of a server"),
        ("http://host:99999/v1", "not the address of a server"),
        ("http://my host/v1", "not the address of a server"),
        ("not a url", "not the address of a server"),
        ("http://user:pass@host/v1", "must not contain a user or password"),
        ("http://host/v1?key=secret", "put the query into 'query'"),
        ("http://host/v1/chat/completions", "leave out '/chat/completions'"),
    ],
)
def test_an_address_that_is_none_is_refused(base_url, words, configure, monkeypatch):
    with pytest.raises(ValidationError, match=words) as raised:
        OpenAISettings(base_url=base_url)
    assert "pass@" not in str(raised.value)
    assert "secret" not in str(raised.value)
    monkeypatch.setenv("OPENAI_BASE_URL", base_url)
    with pytest.raises(ConfigurationError, match="OPENAI_BASE_URL"):
        configure()


def test_the_address_may_come_from_the_environment(configure, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://gateway.example/v1")
    assert endpoint(configure()).base_url == "http://gateway.example/v1"
    assert endpoint(configure(engine="vllm")).base_url == "http://localhost:8000/v1"


def test_a_model_needs_a_name(configure):
    with pytest.raises(ConfigurationError, match="has no name; write it as 'model'"):
        configure(model=None)


def test_an_engine_of_somebody_else_needs_an_address(configure):
    with pytest.raises(ConfigurationError, match="needs 'base_url'"):
        configure(engine="our-gateway")
    assert endpoint(configure("http://gateway.example/v1", engine="our-gateway")).key is None


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [("temprature", "temperature"), ("max_token", "max_tokens"), ("base_ur", "base_url"), ("timeouts", "timeout")],
)
def test_a_misspelt_parameter_is_an_error_with_the_right_one(misspelt, meant):
    with pytest.raises(ValidationError, match=f"did you mean '{meant}'"):
        OpenAISettings.model_validate({misspelt: 1})
    assert OpenAISettings(extra_body={misspelt: 1}).body == {misspelt: 1}


@pytest.mark.parametrize(
    ("written", "name", "value"),
    [
        ("openai_api_base", "base_url", "http://host/v1"),
        ("request_timeout", "timeout", 5.0),
        ("model_kwargs", "extra_body", {"seed": 1}),
        ("default_headers", "headers", {"X": "y"}),
    ],
)
def test_spellings_of_other_systems_are_understood(written, name, value):
    assert getattr(OpenAISettings.model_validate({written: value}), name) == value
    with pytest.raises(ValidationError, match="another spelling"):
        OpenAISettings.model_validate({name: value, written: value})


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeout": 0},
        {"timeout": "soon"},
        {"chunk_timeout": -1},
        {"max_retries": -1},
        {"n": 2},
        {"extra_body": {"n": 2}},
        {"think_block": "sometimes"},
        {"headers": {"X": "zwei\nZeilen"}},
        {"client": object(), "base_url": "http://host/v1"},
    ],
)
def test_wrong_values_are_refused(wrong):
    with pytest.raises(ValidationError):
        OpenAISettings.model_validate(wrong)


def test_settings_show_no_secret():
    settings = OpenAISettings(api_key="sk-secret-1", headers={"X-Key": "secret-2"}, azure_ad_token="secret-3")
    assert "secret" not in repr(settings) + str(settings)
    with pytest.raises(ValidationError) as raised:
        OpenAISettings.model_validate({"api_key": {"a": "sk-secret-1"}, "headers": {"X-Key": "secret-2\n\x00"}})
    assert "secret" not in str(raised.value)


def test_a_provider_shows_no_secret(configure, key):
    provider = configure()
    assert key not in repr(provider) + repr(vars(provider))
    assert repr(provider) == "<OpenAIProvider openai 'test-model'>"


def test_a_missing_authority_is_an_error(configure):
    with pytest.raises(ConfigurationError, match="'ca_file' is .*nothing.pem', which is not a file"):
        configure(ca_file="nothing.pem")


def test_every_setting_has_a_description_in_the_schema():
    properties = OpenAISettings.model_json_schema()["properties"]
    assert "client" not in properties
    assert all(properties[name].get("description") for name in properties)


def test_the_engines_of_the_plugin_are_those_that_are_known():
    names = [spec.name for spec in handrail_providers()]
    aliases = [alias for _, others, _ in ENGINES for alias in others]
    assert all(engine_named(name).name == name for name in names)
    assert all(engine_named(alias).name in names for alias in aliases)
    assert engine_named("unknown").base_url is None


@pytest.mark.parametrize(("base_url", "name"), [(None, "max_completion_tokens"), ("http://host/v1", "max_tokens")])
def test_openai_is_told_the_limit_of_tokens_under_its_new_name(configure, base_url, name):
    from handrail_openai._request import request_body

    provider = configure(base_url)
    body = request_body(provider._endpoint, provider._settings, HELLO, {"max_tokens": 3})
    assert body[name] == 3
    assert len({"max_tokens", "max_completion_tokens"} & body.keys()) == 1


def test_settings_can_be_pickled():
    settings = OpenAISettings(base_url="http://host/v1", temperature=0.1)
    assert pickle.loads(pickle.dumps(settings)) == settings
