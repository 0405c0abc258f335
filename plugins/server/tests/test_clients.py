"""OpenAI's own clients, in Python and in Node, against a real process."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path

import openai
import pytest

NODE = Path(__file__).parent / "node"
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}]
HELLO = [{"role": "user", "content": "Hello!"}]


@pytest.fixture
def client(real_server):
    with openai.OpenAI(base_url=f"{real_server.url}/v1", api_key="right-key", max_retries=0) as made:
        yield made


def test_whole_answer(client):
    answer = client.chat.completions.create(model="plain", messages=HELLO)
    assert answer.choices[0].message.content == "Hello there."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens > 0
    assert answer.guardrails == {"config_id": "plain"}


def test_stream_with_usage(client):
    options = {"include_usage": True}
    chunks = list(client.chat.completions.create(model="plain", messages=HELLO, stream=True, stream_options=options))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Hello there."
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].usage.completion_tokens > 0


def test_stream_helper_puts_tools_together(client):
    with client.chat.completions.stream(model="tools", messages=HELLO, tools=TOOLS) as stream:
        for _ in stream:
            pass
        call = stream.get_final_completion().choices[0].message.tool_calls[0]
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Lisbon"})


def test_tools(client):
    answer = client.chat.completions.create(model="tools", messages=HELLO, tools=TOOLS)
    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.choices[0].message.tool_calls[0].function.name == "get_weather"


def test_block_is_a_content_filter(client):
    chunks = list(client.chat.completions.create(model="guarded", messages=HELLO, stream=True))
    last = next(c for c in chunks if c.choices and c.choices[0].finish_reason)
    assert last.choices[0].finish_reason == "content_filter"
    assert last.guardrails["blocked"]["rail"] == "self check output"
    assert "xyzzy" not in "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


def test_asynchronous_client(real_server):
    """On asyncio only: on trio the client itself forgets generators of its connection."""

    async def ask() -> None:
        async with openai.AsyncOpenAI(base_url=f"{real_server.url}/v1", api_key="right-key") as client:
            stream = await client.chat.completions.create(model="plain", messages=HELLO, stream=True)
            texts = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
            assert "".join(texts) == "Hello there."
            names = [
                "broken",
                "endless",
                "form",
                "guarded",
                "long",
                "markdown",
                "masked",
                "plain",
                "reasons",
                "slow",
                "tools",
                "turns",
            ]
            assert [model.id async for model in client.models.list()] == names

    asyncio.run(ask())


def test_errors_are_the_clients_own_classes(real_server, client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="nope", messages=HELLO)
    assert caught.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="plain", messages=HELLO, temperature=9)
    assert caught.value.param == "temperature"
    with (
        pytest.raises(openai.AuthenticationError),
        openai.OpenAI(base_url=f"{real_server.url}/v1", api_key="wrong", max_retries=0) as stranger,
    ):
        stranger.models.list()
    with pytest.raises(openai.APIError) as caught:
        list(client.chat.completions.create(model="broken", messages=HELLO, stream=True))
    assert caught.value.code == "model_failed"


def test_package_for_node(real_server):
    if not (NODE / "node_modules" / "openai").is_dir():
        npm = shutil.which("npm")
        assert npm, "npm is missing; 'make tools' installs it"
        command = [npm, "ci", "--no-audit", "--no-fund", "--silent", "--fetch-retries", "10"]
        subprocess.run(command, cwd=NODE, check=True, timeout=600)
    environment = {**os.environ, "BASE_URL": f"{real_server.url}/v1"}
    command = [shutil.which("node"), "client.mjs"]
    ended = subprocess.run(command, cwd=NODE, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {
        "whole": "Hello there.",
        "streamed": "Hello there.",
        "total": True,
        "tool": "get_weather",
        "blocked": ["content_filter", "self check output"],
        "errors": ["model_not_found", "invalid_api_key", "model_failed"],
    }
