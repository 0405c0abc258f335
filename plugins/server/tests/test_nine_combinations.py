"""What a client speaks and what its model's server speaks: each of three with each of three, over real connections."""

from __future__ import annotations

import pytest
from dialects import PATHS, body, read
from handrail import ToolCall
from handrail_anthropic.testing import Message, MessagesServer
from handrail_openai.testing import ModelResponse, ResponsesServer
from handrail_testkit import Completion, ProtocolServer

JSON = '{"city": "Lisbon"}'
CITY = {"city": "Lisbon"}
TOOL = {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}
TOOLS = {
    "chat": [{"type": "function", "function": TOOL}],
    "responses": [{"type": "function", **TOOL}],
    "messages": [{"name": "get_weather", "input_schema": TOOL["parameters"]}],
}
MASKED = {"output": {"flows": ["personal data check"], "streaming": {"enabled": True}}}
SAID = "Write to anna.lind@example.com now."
UPSTREAMS = {
    "chat": (
        ProtocolServer,
        {"engine": "openai", "parameters": {"api": "chat"}},
        Completion(pieces=(SAID,), reasoning=("Hm.",)),
        Completion(pieces=(), tool_calls=(ToolCall("call_1", "get_weather", JSON),)),
        Completion(pieces=("Cut",), finish_reason="length"),
    ),
    "responses": (
        ResponsesServer,
        {"engine": "openai", "parameters": {"api": "responses"}},
        ModelResponse(text=SAID, summaries=["Hm."]),
        ModelResponse(text="", calls=[ToolCall("call_1", "get_weather", JSON)]),
        ModelResponse(text="Cut", reason="max_output_tokens"),
    ),
    "messages": (
        MessagesServer,
        {"engine": "anthropic", "parameters": {}},
        Message(text=SAID, thinking="Hm.", signature="S"),
        Message(text="", calls=[("get_weather", CITY)]),
        Message(text="Cut", stop_reason="max_tokens"),
    ),
}
CUT = {"chat": "length", "responses": "max_output_tokens", "messages": "max_tokens"}
CALLED = {"chat": "tool_calls", "responses": "stop", "messages": "tool_use"}

TEXT, CALL, SHORT = 2, 3, 4

pytestmark = [
    pytest.mark.parametrize("upstream", UPSTREAMS),
    pytest.mark.parametrize("dialect", PATHS),
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
]


@pytest.fixture
def upstream_server(upstream):
    with UPSTREAMS[upstream][0]() as running:
        yield running


@pytest.fixture
def client(serve, upstream, upstream_server):
    """A client of a server whose model's server speaks what the test says."""

    def make(rails=None):
        model = UPSTREAMS[upstream][1]
        base = upstream_server.origin if upstream == "messages" else upstream_server.base_url
        parameters = {**model["parameters"], "base_url": base, "api_key": "k", "max_retries": 0}
        main = {"type": "main", "engine": model["engine"], "model": "m", "parameters": parameters}
        return serve({"a": {"models": [main], **({"rails": rails} if rails else {})}})

    return make


@pytest.fixture
def ask(client, upstream, upstream_server, dialect):
    """Ask for one of the answers, streamed and whole; give both as they are read, and what was sent."""

    async def asked(answer, rails=None, **more):
        upstream_server.will(*[UPSTREAMS[upstream][answer]] * 2)
        talking = client(rails)
        for stream in (True, False):
            told = await talking.post(PATHS[dialect], body(dialect, stream=stream, **more))
            assert told.status == 200, told.json
            yield read(dialect, told, stream=stream), told.body.decode()

    return asked


async def test_text_and_reasoning(ask):
    async for found, _ in ask(TEXT):
        assert (found.text, found.reasoning, found.error) == (SAID, "Hm.", None)


async def test_a_rewrite(ask):
    async for found, sent in ask(TEXT, MASKED):
        assert "anna" not in sent
        assert (found.text, found.reasoning) == ("Write to [EMAIL] now.", "")


async def test_a_tool_call(ask, dialect):
    async for found, _ in ask(CALL, MASKED, tools=TOOLS[dialect]):
        (call,) = found.calls
        assert (call[1:], found.end) == (("get_weather", JSON), CALLED[dialect])


async def test_an_answer_that_was_cut(ask, dialect):
    async for found, _ in ask(SHORT):
        assert (found.text, found.end) == ("Cut", CUT[dialect])
