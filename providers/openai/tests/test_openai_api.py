"""Which of OpenAI's interfaces a request goes to."""

from __future__ import annotations

import pytest
from handrail_openai import OpenAISettings
from handrail_openai._api import api_of
from handrail_openai._endpoint import settle
from handrail_testkit import provider_context

TOOL = {"type": "function", "function": {"name": "f"}}


@pytest.fixture
def chosen():
    def api(model, engine="openai", asked=(), **parameters):
        settings = OpenAISettings.model_validate(parameters)
        context = provider_context(engine, model=model, parameters=parameters)
        return api_of(settle(settings, context), settings, dict(asked))

    return api


@pytest.mark.parametrize(
    ("model", "api"),
    [
        *((model, "chat") for model in ("gpt-4o", "gpt-4.1-mini", "gpt-4o-audio-preview", "gpt-3.5-turbo", "o1-mini")),
        *((model, "chat") for model in ("gpt-5.2-chat-latest", "gpt-audio-mini", "a-model-of-ours", "o1-preview")),
        *((model, "responses") for model in ("gpt-5", "gpt-5.6-luna", "gpt-6-astra", "gpt-10", "o3", "o4-mini")),
        *((model, "responses") for model in ("o1-pro", "gpt-5.2-pro-2025-12-11", "codex-mini-latest", "gpt-5-codex")),
        *((model, "responses") for model in ("computer-use-preview", "o3-deep-research", "ft:gpt-5-mini:us::1")),
    ],
)
def test_at_openai_the_model_decides(chosen, model, api):
    assert chosen(model) == api


@pytest.mark.parametrize("base_url", ["https://api.openai.com/v1", None])
def test_openais_address_may_be_written(chosen, base_url):
    assert chosen("gpt-5", base_url=base_url) == "responses"


@pytest.mark.parametrize("engine", ["vllm", "ollama", "openrouter", "openai"])
def test_elsewhere_it_is_chat_completions_unless_the_configuration_says_so(chosen, engine, monkeypatch):
    monkeypatch.setenv("OPENROUTER_API_KEY", "k-123456")
    assert chosen("gpt-5", engine, base_url="http://localhost:1/v1") == "chat"
    assert chosen("gpt-5", engine, base_url="http://localhost:1/v1", api="responses") == "responses"


@pytest.mark.parametrize("asked", [{"stop": ["x"]}, {"seed": 1}, {"logit_bias": {"1": 1}}, {"functions": [{}]}])
def test_what_only_chat_completions_has_decides_for_it(chosen, asked):
    assert chosen("gpt-5", asked=asked) == "chat"
    assert chosen("gpt-5", **asked) == "chat"
    assert chosen("gpt-5-pro", asked=asked) == "responses"  # and is refused by name
    assert chosen("gpt-5", asked=asked, drop_params=list(asked)) == "responses"


@pytest.mark.parametrize("asked", [{"stop": []}, {"presence_penalty": 0}, {"tools": [TOOL]}, {"temperature": 0}])
def test_what_both_have_decides_nothing(chosen, asked):
    assert chosen("gpt-5", asked=asked) == "responses"
    assert chosen("gpt-4o", asked=asked) == "chat"


@pytest.mark.parametrize(
    "asked",
    [
        {"tools": [{"type": "web_search"}]},
        {"tools": [{"type": "function", "name": "f"}]},
        {"text": {"verbosity": "low"}},
    ],
)
def test_what_only_responses_has_decides_for_it(chosen, asked):
    assert chosen("gpt-4o", asked=asked) == "responses"


def test_the_call_may_name_another_model(chosen):
    assert chosen("gpt-4o", asked={"model": "gpt-5"}) == "responses"


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_the_configuration_has_the_last_word(chosen, api):
    assert chosen("gpt-5", api=api, asked={"stop": ["x"]}) == api


async def test_azure_has_its_deployment_in_the_body_and_its_version_in_the_address(
    responses_server, make_provider, monkeypatch, ask
):
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure-key-123456")
    settings = {"azure_endpoint": responses_server.origin, "api_version": "2025-04-01-preview", "api": "responses"}
    await ask(make_provider(engine="azure_openai", model="gpt-of-ours", azure_deployment="blue", **settings))
    (request,) = responses_server.requests
    assert request.path == "/openai/responses?api-version=2025-04-01-preview"
    assert request.json["model"] == "blue"
    assert request.headers["api-key"] == "azure-key-123456"


def test_a_provider_says_which_interface_it_is_asked_by(configure):
    assert configure(model="gpt-4o").api == "chat"
    assert configure(model="gpt-5").api == "responses"
