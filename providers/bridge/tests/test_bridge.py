"""Each service is reached at its own address with its own key, in LangChain's spellings too."""

from __future__ import annotations

from contextlib import aclosing

import pytest
from handrail import ConfigurationError, Registry
from handrail_bridge import GoogleSettings, GroqSettings
from pydantic import ValidationError

SERVICES = ["cohere", "deepseek", "fireworks", "mistralai", "together"]
BOTH = pytest.mark.parametrize("engine", ["groq", "google_genai", *SERVICES])


async def answer(provider):
    async with aclosing(provider.stream([{"role": "user", "content": "Hello"}], {})) as stream:
        return "".join([chunk.text async for chunk in stream])


@BOTH
@pytest.mark.anyio
async def test_the_services_own_key_is_sent_and_no_other(engine, protocol_server, make_provider, key):
    protocol_server.key = key
    assert await answer(make_provider(engine, protocol_server.base_url)) == "Hello, world!"


@BOTH
@pytest.mark.anyio
async def test_a_variable_that_the_configuration_names_holds_the_key(engine, protocol_server, make_provider):
    protocol_server.key = "another-key-of-ours"
    made = make_provider(engine, protocol_server.base_url, variable="OURS", value="another-key-of-ours")
    assert await answer(made) == "Hello, world!"


@BOTH
def test_without_a_key_a_configuration_is_refused_and_the_variable_is_named(engine, configure):
    with pytest.raises(ConfigurationError, match=rf"{engine.partition('_')[0].removesuffix('ai').upper()}_API_KEY"):
        configure(engine, value=None)


@BOTH
@pytest.mark.anyio
async def test_spellings_of_langchain_reach_the_request_as_the_protocol_has_them(
    engine, protocol_server, make_provider
):
    spelt = f"{engine.partition('_')[0].removesuffix('ai')}_api_key"
    own = {"max_output_tokens": 7} if engine == "google_genai" else {"max_tokens": 7}
    protocol_server.key = "written-in-the-file"
    parameters = {spelt: "written-in-the-file", "stop_sequences": ["END"], **own}
    await answer(make_provider(engine, protocol_server.base_url, value=None, **parameters))
    body = protocol_server.requests[-1].json
    assert (body["max_tokens"], body["stop"]) == (7, ["END"])
    assert not {spelt, "stop_sequences", "max_output_tokens"} & body.keys()


@pytest.mark.parametrize("name", ["safety_settings", "thinking_budget", "response_schema", "credentials"])
def test_what_googles_compatible_address_does_not_take_is_refused(name):
    with pytest.raises(ValidationError, match="compatible address"):
        GoogleSettings.model_validate({name: "x"})


@pytest.mark.parametrize(
    ("settings", "values"),
    [
        (GroqSettings, {"stop": ["a"], "stop_sequences": ["b"]}),
        (GoogleSettings, {"max_tokens": 1, "max_output_tokens": 2}),
    ],
)
def test_a_parameter_under_two_spellings_is_refused(settings, values):
    with pytest.raises(ValidationError, match="another spelling"):
        settings.model_validate(values)


@pytest.mark.parametrize(
    ("engine", "address"),
    [
        ("groq", "https://api.groq.com/openai/v1"),
        ("google_genai", "https://generativelanguage.googleapis.com/v1beta/openai"),
        ("cohere", "https://api.cohere.ai/compatibility/v1"),
        ("deepseek", "https://api.deepseek.com"),
        ("fireworks", "https://api.fireworks.ai/inference/v1"),
        ("mistralai", "https://api.mistral.ai/v1"),
        ("together", "https://api.together.ai/v1"),
        ("trt_llm", "http://localhost:8000/v1"),
    ],
)
def test_a_service_is_found_at_its_own_address_whatever_openais_variable_says(engine, address, configure):
    assert configure(engine)._settings.base_url == address


@pytest.mark.parametrize("engine", ["azure", "nvidia_ai_endpoints", "ollama"])
def test_other_names_of_langchain_are_engines_of_handrail_openai(engine):
    assert Registry.discover().provider(engine).plugin.distribution == "handrail-openai"


@pytest.mark.parametrize(
    "engine",
    [
        *("groq", "google_genai", "bedrock", "amazon_bedrock", "vertexai", "google_vertexai", "vertex_ai"),
        *("watsonx", "watsonx_ai", "ibm", "trt_llm", *SERVICES),
    ],
)
def test_the_engines_are_found(engine):
    assert Registry.discover().provider(engine).plugin.distribution == "handrail-bridge"


@pytest.mark.parametrize(("engine", "asks"), [("mistralai", False), ("cohere", False), ("together", True)])
@pytest.mark.anyio
async def test_a_service_that_refuses_it_is_not_asked_for_its_tokens(engine, asks, protocol_server, make_provider):
    await answer(make_provider(engine, protocol_server.base_url))
    await answer(make_provider(engine, protocol_server.base_url, stream_usage=True))
    assert ["stream_options" in request.json for request in protocol_server.requests] == [asks, True]


@pytest.mark.anyio
async def test_a_server_of_tensorrt_is_sent_no_key(protocol_server, make_provider):
    assert await answer(make_provider("trt_llm", protocol_server.base_url, value=None)) == "Hello, world!"
    assert protocol_server.requests[-1].key is None


def test_a_triton_server_is_refused_and_told_what_to_write_instead(configure):
    with pytest.raises(ValidationError, match="trtllm-serve"):
        configure("trt_llm", server_url="localhost:8001")
