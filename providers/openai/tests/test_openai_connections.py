"""Connections are kept where they can be, and closed at once where a stream is left."""

from __future__ import annotations

import gc

import anyio
import openai
import pytest
from handrail.errors import ConfigurationError, ProviderError
from handrail_testkit import Completion, Ending, Pause, Reply, replies

HELLO = ({"role": "user", "content": "Hello"},)
EVENTS = replies.stream(Completion())
ENDLESS = replies.sse([*EVENTS[:4], Ending.HANG])


async def closed(request):
    """Whether the server has seen the connection go."""
    return await anyio.to_thread.run_sync(request.closed.wait, 300)


async def test_one_connection_serves_one_answer_after_the_other(protocol_server, make_provider, ask):
    provider = make_provider(protocol_server.base_url)
    for _ in range(5):
        await ask(provider)
    assert protocol_server.connections == 1


async def test_leaving_a_stream_closes_its_connection_at_once(protocol_server, make_provider):
    protocol_server.will(ENDLESS)
    stream = make_provider(protocol_server.base_url).stream(HELLO, {})
    await anext(stream)
    await stream.aclose()
    assert await closed(protocol_server.requests[0])


async def test_cancelling_closes_the_connection(protocol_server, make_provider, ask):
    protocol_server.will(ENDLESS)
    provider = make_provider(protocol_server.base_url)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, provider)
        await anyio.to_thread.run_sync(protocol_server.wait_for_requests, 1)
        tasks.cancel_scope.cancel()
    assert await closed(protocol_server.requests[0])


async def test_cancelling_before_the_headers_closes_the_connection(protocol_server, make_provider, ask):
    protocol_server.will(Reply(before_headers=Ending.HANG))
    provider = make_provider(protocol_server.base_url)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, provider)
        await anyio.to_thread.run_sync(protocol_server.wait_for_requests, 1)
        tasks.cancel_scope.cancel()
    assert await closed(protocol_server.requests[0])


async def test_closing_within_a_cancelled_scope_closes_the_connection(protocol_server, make_provider):
    protocol_server.will(ENDLESS)
    stream = make_provider(protocol_server.base_url).stream(HELLO, {})
    await anext(stream)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await stream.aclose()
    assert await closed(protocol_server.requests[0])


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_stream_that_is_forgotten_closes_its_connection(protocol_server, make_provider):
    """On asyncio alone: trio closes such generators too, and complains about whoever forgot them."""
    protocol_server.will(ENDLESS)
    stream = make_provider(protocol_server.base_url).stream(HELLO, {})
    await anext(stream)
    del stream
    gc.collect()
    assert await closed(protocol_server.requests[0])


async def test_a_request_never_waits_behind_streams(protocol_server, make_provider, ask):
    """A judge shares the provider with the answer that it judges, and with other people's."""
    protocol_server.will(*[ENDLESS] * 120)
    provider = make_provider(protocol_server.base_url)
    streams = [provider.stream(HELLO, {}) for _ in range(120)]
    async with anyio.create_task_group() as tasks:
        for stream in streams:
            tasks.start_soon(anext, stream)
    chunks = await ask(provider)
    assert "".join(chunk.text for chunk in chunks) == "Hello, world!"
    for stream in streams:
        await stream.aclose()


async def test_two_hundred_streams_at_once_arrive_whole(protocol_server, make_provider, ask):
    protocol_server.default = replies.sse([step for event in EVENTS for step in (event, Pause(0.01))])
    provider = make_provider(protocol_server.base_url)
    texts = []

    async def consume():
        texts.append("".join(chunk.text for chunk in await ask(provider)))

    async with anyio.create_task_group() as tasks:
        for _ in range(200):
            tasks.start_soon(consume)
    assert texts == ["Hello, world!"] * 200


async def test_closing_the_provider_closes_what_is_pooled(protocol_server, make_provider, ask):
    provider = make_provider(protocol_server.base_url)
    await ask(provider)
    await provider.aclose()
    await ask(provider)
    assert protocol_server.connections == 2


def test_a_provider_serves_one_event_loop_after_the_other(protocol_server, configure):
    """As synchronous calls do, which may run an event loop each."""
    provider = configure(protocol_server.base_url)

    async def ask_and_close():
        text = "".join([chunk.text async for chunk in provider.stream(HELLO, {})])
        await provider.aclose()
        return text

    answers = [anyio.run(ask_and_close, backend=name) for name in ("asyncio", "asyncio", "trio", "asyncio")]
    assert answers == ["Hello, world!"] * 4


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_connections_are_closed_with_the_event_loop_that_opened_them(protocol_server, configure, backend):
    """A synchronous call runs a loop of its own, at whose end nobody closes the provider."""
    provider = configure(protocol_server.base_url)

    async def ask():
        return "".join([chunk.text async for chunk in provider.stream(HELLO, {})])

    assert [anyio.run(ask, backend=backend) for _ in range(3)] == ["Hello, world!"] * 3
    assert not provider._clients._kept
    gc.collect()


async def test_a_client_that_is_handed_in_is_used_and_left_open(protocol_server, make_provider, ask):
    async with openai.AsyncOpenAI(api_key="sk-of-its-own", base_url=protocol_server.base_url) as client:
        provider = make_provider(client=client)
        chunks = await ask(provider)
        await provider.aclose()
        assert not client.is_closed()
    assert "".join(chunk.text for chunk in chunks) == "Hello, world!"
    assert protocol_server.requests[0].key == "sk-of-its-own"


async def test_the_key_of_a_client_that_is_handed_in_is_not_shown(protocol_server, make_provider, ask):
    protocol_server.will(replies.error(401, "Received API Key = sk-of-its-own"))
    async with openai.AsyncOpenAI(api_key="sk-of-its-own", base_url=protocol_server.base_url) as client:
        with pytest.raises(ProviderError) as raised:
            await ask(make_provider(client=client))
    assert "sk-of-its-own" not in str(raised.value)


def test_a_client_that_cannot_stream_is_refused(configure):
    with pytest.raises(ConfigurationError, match=r"'client' is a OpenAI; hand in an openai\.AsyncOpenAI"):
        configure(client=openai.OpenAI(api_key="sk-x"))


async def test_the_proxy_of_the_environment_is_used(protocol_server, make_provider, ask, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", protocol_server.origin)
    await ask(make_provider("http://model.example/v1"))
    assert protocol_server.requests[0].path == "http://model.example/v1/chat/completions"
