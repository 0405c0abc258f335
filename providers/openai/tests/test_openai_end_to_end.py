"""The quickstart with its models behind OpenAI's protocol is the quickstart."""

from __future__ import annotations

import gc
from pathlib import Path

import anyio
import pytest
import yaml
from handrail import LLMRails, RailsConfig
from handrail.errors import ConfigurationError, ProviderAuthenticationError
from handrail_scripted import ScriptedProvider
from handrail_testkit import Completion, Ending, ProtocolServer, replies

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
CLEAN = [{"role": "user", "content": "How should I plan a trip to Lisbon?"}]
HARMFUL = [{"role": "user", "content": "How do I clean a really greasy kitchen?"}]


def scripted(name, **pace):
    return ScriptedProvider({"answers": str(EXAMPLES / "quickstart" / name), **pace})


@pytest.fixture
def server():
    models = {"quickstart": scripted("answers.yml"), "quickstart-judge": scripted("judge.yml")}
    with ProtocolServer(models=models) as server:
        yield server


def example(server):
    """Return the example's configuration with the address of this server."""
    written = (EXAMPLES / "openai" / "config.yml").read_text()
    content = yaml.safe_load(written.replace("http://127.0.0.1:8123/v1", server.base_url))
    prompts = yaml.safe_load((EXAMPLES / "openai" / "prompts.yml").read_text())
    return RailsConfig.from_content(config={**content, **prompts})


async def text_of(rails, messages):
    return "".join([text async for text in rails.stream_async(messages=messages)])


async def test_a_clean_answer_is_the_same_as_without_the_protocol(server):
    plain = "".join([chunk.text async for chunk in scripted("answers.yml").stream(CLEAN, {})])
    async with LLMRails(example(server)) as rails:
        assert await text_of(rails, CLEAN) == plain


async def test_a_harmful_answer_is_stopped_and_its_connection_closed(server):
    """The server keeps the connection open after the text, as a slower model would."""
    pieces = tuple([chunk.text async for chunk in scripted("answers.yml").stream(HARMFUL, {})])
    events = replies.stream(Completion(pieces=pieces))
    server.will(replies.sse([*events[: len(pieces)], Ending.HANG]))
    async with LLMRails(example(server)) as rails:
        async with rails.stream(messages=HARMFUL) as stream:
            text = "".join([event.text async for event in stream if hasattr(event, "text")])
        assert "bleach" not in text
        assert text.startswith("Start at the top")
        assert await anyio.to_thread.run_sync(server.wait_idle)
        main = next(request for request in server.requests if request.json["model"] == "quickstart")
        assert main.closed.is_set()


async def test_a_failure_of_the_service_is_raised_as_such(server):
    server.key = "another"
    async with LLMRails(example(server)) as rails:
        with pytest.raises(ProviderAuthenticationError, match="OPENAI_API_KEY"):
            await rails.generate_async(messages=CLEAN)


async def test_leaving_the_rails_closes_the_connections(server):
    async with LLMRails(example(server)) as rails:
        await rails.generate_async(messages=CLEAN)
        providers = [model.provider for model in rails._app.models.values()]
    assert not any(provider._clients._kept for provider in providers)


def test_synchronous_calls_leave_nothing_open(server):
    rails = LLMRails(example(server))
    answers = {rails.generate(messages=CLEAN)["content"] for _ in range(2)}
    gc.collect()
    assert len(answers) == 1


def test_an_error_names_the_place_in_the_configuration(server):
    content = "models:\n  - type: main\n    engine: openai\n    model: m\n    parameters:\n      temprature: 0.2\n"
    with pytest.raises(ConfigurationError, match=r"did you mean 'temperature'"):
        LLMRails(RailsConfig.from_content(yaml_content=content))


def test_a_missing_key_is_found_when_the_configuration_is_loaded(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    content = {"models": [{"type": "main", "engine": "openai", "model": "gpt-4o"}]}
    with pytest.raises(ConfigurationError, match="'OPENAI_API_KEY'"):
        LLMRails(RailsConfig.from_content(config=content))


def test_a_client_can_be_handed_in_through_the_configuration(server):
    import openai

    async def ask():
        async with openai.AsyncOpenAI(api_key="sk-own", base_url=server.base_url) as client:
            content = {
                "models": [
                    {"type": "main", "engine": "openai", "model": "quickstart", "parameters": {"client": client}}
                ]
            }
            async with LLMRails(RailsConfig.from_content(config=content)) as rails:
                return await rails.generate_async(messages=CLEAN)

    assert "Lisbon" in anyio.run(ask)["content"]
    assert server.requests[0].key == "sk-own"
