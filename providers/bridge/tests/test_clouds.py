"""Bedrock, Vertex AI and watsonx: each at its own address, with its own way to know its callers."""

from __future__ import annotations

from contextlib import aclosing

import handrail_bridge._bedrock
import handrail_bridge._vertex
import pytest
from handrail import ConfigurationError
from handrail.errors import ProviderAuthenticationError
from handrail_bridge import VertexSettings, WatsonxSettings
from handrail_bridge._watsonx import IamToken
from handrail_testkit import replies
from pydantic import ValidationError

HELLO = ({"role": "user", "content": "Hello"},)


async def answer(provider, messages=HELLO, **params):
    async with aclosing(provider.stream(messages, params)) as stream:
        return "".join([chunk.text async for chunk in stream])


@pytest.fixture
def without_libraries(monkeypatch):
    for module in (handrail_bridge._bedrock, handrail_bridge._vertex):
        monkeypatch.setattr(module, "find_spec", lambda name: None)


# Bedrock


async def test_bedrock_is_asked_with_its_own_key(protocol_server, make_provider, key):
    protocol_server.key = key
    assert await answer(make_provider("bedrock", protocol_server.base_url)) == "Hello, world!"


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({"region_name": "eu-west-1"}, "https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1"),
        ({"region": "us-east-2", "endpoint": "mantle"}, "https://bedrock-mantle.us-east-2.api.aws/openai/v1"),
    ],
)
def test_bedrock_is_found_by_its_region(configure, given, address):
    assert configure("bedrock", **given)._settings.base_url == address


def test_the_region_may_be_in_the_environment(configure, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")
    assert "ap-south-1" in configure("bedrock")._settings.base_url


def test_without_a_region_the_variable_is_named(configure):
    with pytest.raises(ConfigurationError, match="AWS_REGION"):
        configure("bedrock")


@pytest.mark.usefixtures("without_libraries")
def test_without_a_key_and_what_signs_requests_it_says_what_to_install(configure):
    with pytest.raises(ConfigurationError, match=r"AWS_BEARER_TOKEN_BEDROCK.*handrail-bridge\[bedrock\]"):
        configure("bedrock", region="eu-west-1", value=None)


def test_a_key_of_aws_without_its_secret_is_refused_and_not_shown(configure, monkeypatch):
    monkeypatch.setattr(handrail_bridge._bedrock, "find_spec", lambda name: object())
    with pytest.raises(ConfigurationError, match="secret_access_key") as caught:
        configure("bedrock", region="eu-west-1", aws_access_key_id="AKIAIOSFODNN7EXAMPLE", value=None)
    assert "AKIAIOSFODNN7EXAMPLE" not in str(caught.value)


# Vertex AI


async def test_vertex_is_asked_with_a_token_and_the_publisher_of_the_model(protocol_server, make_provider):
    token = "ya29.a-token-of-google"
    protocol_server.key = token
    given = {"variable": "OUR_TOKEN", "value": token, "max_output_tokens": 5}
    provider = make_provider("vertexai", protocol_server.base_url, model="gemini-3.5-flash", **given)
    assert await answer(provider) == "Hello, world!"
    body = protocol_server.requests[-1].json
    assert (body["model"], body["max_tokens"]) == ("google/gemini-3.5-flash", 5)
    await answer(provider, model="meta/llama-4")
    assert protocol_server.requests[-1].json["model"] == "meta/llama-4"


@pytest.mark.parametrize(
    ("location", "host"),
    [("us-central1", "us-central1-aiplatform.googleapis.com"), (None, "aiplatform.googleapis.com")],
)
def test_vertex_is_found_by_project_and_location(configure, location, host):
    made = configure("vertexai", variable="OURS", vertex_project="our-project", vertex_location=location)
    place = f"projects/our-project/locations/{location or 'global'}/endpoints/openapi"
    assert made._settings.base_url == f"https://{host}/v1/{place}"


def test_without_a_project_the_variable_is_named(configure):
    with pytest.raises(ConfigurationError, match="GOOGLE_CLOUD_PROJECT"):
        configure("vertexai", variable="OURS")


@pytest.mark.usefixtures("without_libraries")
def test_without_a_token_and_googles_library_it_says_what_to_install(configure):
    with pytest.raises(ConfigurationError, match=r"handrail-bridge\[vertexai\]"):
        configure("vertexai", project="our-project")


@pytest.mark.parametrize("name", ["safety_settings", "credentials", "vertex_credentials"])
def test_what_vertex_does_not_take_is_refused(name):
    with pytest.raises(ValidationError, match="is not supported"):
        VertexSettings.model_validate({name: "x"})


# watsonx


@pytest.fixture
def watsonx(watsonx_server, make_provider):
    def make(**given):
        given = {"iam_url": watsonx_server.iam_url, "project_id": "p-1", "value": watsonx_server.api_key, **given}
        return make_provider("watsonx", watsonx_server.origin, **given)

    return make


async def test_a_key_of_ibm_is_exchanged_once_and_the_token_sent(watsonx_server, watsonx):
    provider = watsonx()
    assert [await answer(provider) for _ in range(2)] == ["Hello, world!"] * 2
    assert watsonx_server.exchanges == 1
    assert watsonx_server.asked[0].path == "/ml/v1/text/chat_stream?version=2025-02-11"
    assert all(watsonx_server.api_key not in str(request.headers) for request in watsonx_server.asked)


async def test_a_request_to_watsonx_is_in_its_words(watsonx_server, watsonx):
    tool = {"type": "function", "function": {"name": "f"}}
    provider = watsonx(params={"max_new_tokens": 7, "temperature": 0.5})
    await answer(provider, ({"role": "system", "content": "Be brief."}, *HELLO), tools=[tool], tool_choice="required")
    assert watsonx_server.asked[0].json == {
        "model_id": "test-model",
        "project_id": "p-1",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
        ],
        "max_tokens": 7,
        "temperature": 0.5,
        "tools": [tool],
        "tool_choice_option": "required",
    }


async def test_a_deployed_model_has_its_own_address_and_no_name(watsonx_server, watsonx):
    await answer(watsonx(deployment_id="d-1"))
    (request,) = watsonx_server.asked
    assert request.path.startswith("/ml/v1/deployments/d-1/text/chat_stream?")
    assert not {"model_id", "project_id"} & request.json.keys()


async def test_a_token_that_was_issued_already_is_sent_as_it_is(watsonx_server, watsonx):
    assert await answer(watsonx(token=watsonx_server.token())) == "Hello, world!"
    assert watsonx_server.exchanges == 0


async def test_a_token_is_renewed_before_it_ends(watsonx_server):
    now = [1000.0]
    token = IamToken(watsonx_server.api_key, watsonx_server.iam_url, clock=lambda: now[0])
    first = await token()
    now[0] += 3600 - 121
    assert await token() == first
    now[0] += 2
    assert await token() != first


@pytest.mark.parametrize(
    ("refusal", "says"),
    [
        (replies.json_reply({"errorMessage": "key an-ibm-cloud-key is wrong"}, status=400), "refused the key (400)"),
        (replies.json_reply({"no": "token"}), "sent no token"),
        (replies.json_reply({"access_token": "two\nlines"}), "sent no token"),
        (replies.json_reply([]), "sent no token"),
        (replies.html(), "sent no token"),
        (replies.json_reply({"access_token": "x" * 100_000}), "sent no token"),
    ],
)
async def test_an_identity_service_that_gives_no_token_is_an_error_without_the_key(
    watsonx_server, watsonx, refusal, says
):
    watsonx_server.refusal = refusal
    with pytest.raises(ProviderAuthenticationError) as caught:
        await answer(watsonx())
    assert says in str(caught.value)
    assert watsonx_server.api_key not in str(caught.value)
    assert caught.value.__cause__ is None
    assert not watsonx_server.asked


async def test_a_token_that_the_service_repeats_is_not_shown(watsonx_server, watsonx):
    provider = watsonx(max_retries=0)
    await answer(provider)
    old = watsonx_server.token()
    watsonx_server.exchanges += 1
    with pytest.raises(ProviderAuthenticationError) as caught:
        await answer(provider)
    assert old not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "named"), [({"value": None, "project_id": "p"}, "WATSONX_APIKEY"), ({}, "WATSONX_PROJECT_ID")]
)
def test_what_watsonx_lacks_is_named(configure, given, named):
    with pytest.raises(ConfigurationError, match=named):
        configure("watsonx", **given)


def test_what_watsonx_chat_does_not_take_is_refused():
    with pytest.raises(ValidationError, match="not supported by watsonx's chat"):
        WatsonxSettings.model_validate({"params": {"decoding_method": "greedy"}})
    with pytest.raises(ValidationError, match="must be 'chat'"):
        WatsonxSettings.model_validate({"api": "responses"})


@pytest.mark.parametrize(
    ("engine", "given"),
    [
        ("bedrock", {"region": "eu-west-1", "api_key": "a-secret"}),
        ("vertexai", {"project": "p", "api_key": "a-secret"}),
        ("watsonx", {"project_id": "p", "token": "a-secret"}),
    ],
)
def test_no_secret_is_in_a_representation(configure, engine, given):
    made = configure(engine, **given)
    assert "a-secret" not in f"{made!r} {made._settings!r} {made._endpoint!r} {made._service!r}"
