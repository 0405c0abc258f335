"""All models of a process that reach one address share its connections on an event loop; the last one closes them."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from dataclasses import replace

import anyio
import pytest
from handrail import LLMRails, RailsConfig
from handrail_http import _pools
from handrail_testkit import Completion, replies

HELLO = [{"role": "user", "content": "Hello"}]


def config_of(server):
    """Return a configuration with two models at the server: one answers, one judges what it is asked."""
    entry = {"engine": "openai", "model": "test-model", "parameters": {"base_url": server.base_url}}
    models = [{"type": kind, **entry} for kind in ("main", "self_check_input")]
    prompts = [{"task": "self_check_input", "content": "Should {{ user_input }} be blocked?"}]
    rails = {"input": {"flows": ["self check input"]}}
    return RailsConfig.from_content(config={"models": models, "rails": rails, "prompts": prompts})


@pytest.fixture
def judging_server(protocol_server):
    """One that lets every message pass where it is asked as the judge."""
    protocol_server.default = Completion(pieces=("No",))
    return protocol_server


async def test_two_models_of_a_configuration_share_connections(judging_server):
    async with LLMRails(config_of(judging_server)) as rails:
        assert (await rails.generate_async(messages=HELLO))["content"] == "No"
    assert len(judging_server.requests) == 2
    assert judging_server.connections == 1


async def test_models_of_several_llmrails_share_connections(judging_server):
    first, second = (LLMRails(config_of(judging_server)) for _ in range(2))
    async with first, second:
        for rails in (first, second, first):
            await rails.generate_async(messages=HELLO)
    assert len(judging_server.requests) == 6
    assert judging_server.connections == 1


async def test_whoever_closes_leaves_the_connections_to_the_others(protocol_server, make_provider, ask):
    leaving, staying = make_provider(protocol_server.base_url), make_provider(protocol_server.base_url)
    stream = staying.stream(HELLO, {})
    await anext(stream)
    await ask(leaving)
    await leaving.aclose()
    assert "".join([chunk.text async for chunk in stream]) == "Hello, world!"
    await ask(staying)
    assert protocol_server.connections == 2  # one for each of the two that ran at once


async def test_the_last_to_close_closes_the_connections(protocol_server, make_provider, ask):
    for _ in range(2):
        providers = [make_provider(protocol_server.base_url) for _ in range(2)]
        for provider in providers:
            await ask(provider)
        (pool,) = _pools._pools.values()
        for provider in providers:
            assert not pool.is_closed
            await provider.aclose()
        assert pool.is_closed
    assert protocol_server.connections == 2


async def test_a_provider_that_nobody_closes_keeps_no_connection_of_the_others(protocol_server, make_provider, ask):
    left, closed = make_provider(protocol_server.base_url), make_provider(protocol_server.base_url)
    await ask(closed)
    await ask(left)
    await closed.aclose()
    await ask(left)
    assert protocol_server.connections == 1


async def test_what_a_server_sets_for_one_client_is_not_sent_by_another(protocol_server, make_provider, ask):
    reply = replies.sse(replies.stream(Completion()))
    protocol_server.will(replace(reply, headers={**reply.headers, "set-cookie": "session=of-the-first; Path=/"}))
    first = make_provider(protocol_server.base_url, api_key="sk-of-the-first")
    second = make_provider(protocol_server.base_url, api_key="sk-of-the-second")
    for provider in (first, second, first):
        await ask(provider)
    assert [request.headers.get("cookie") for request in protocol_server.requests] == [
        None,
        None,
        "session=of-the-first",
    ]
    assert [request.key for request in protocol_server.requests] == [
        "sk-of-the-first",
        "sk-of-the-second",
        "sk-of-the-first",
    ]
    assert protocol_server.connections == 1


def test_each_event_loop_has_its_own_connections(protocol_server, configure):
    provider = configure(protocol_server.base_url)
    asked = threading.Barrier(2, timeout=300)

    async def ask():
        try:
            for _ in range(2):
                assert "".join([chunk.text async for chunk in provider.stream(HELLO, {})]) == "Hello, world!"
                await anyio.to_thread.run_sync(asked.wait)
        except BaseException:
            asked.abort()  # the other one is not to wait for this one
            raise

    threads = [
        threading.Thread(target=anyio.run, args=(ask,), kwargs={"backend": name}) for name in ("asyncio", "trio")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(protocol_server.requests) == 4
    assert protocol_server.connections == 2


FORKS = """
    import os, sys
    import anyio
    from handrail_openai import OpenAIProvider, OpenAISettings
    from handrail_testkit import provider_context

    settings = OpenAISettings(base_url=sys.argv[1])
    context = provider_context("openai", model="test-model", parameters={"base_url": sys.argv[1]})
    providers = [OpenAIProvider(settings, context) for _ in range(2)]

    async def ask():
        for provider in providers:
            stream = provider.stream([{"role": "user", "content": "Hello"}], {})
            assert "".join([chunk.text async for chunk in stream]) == "Hello, world!"

    anyio.run(ask)
    child = os.fork()
    anyio.run(ask)
    if child:
        assert os.waitpid(child, 0)[1] == 0
        print("both are well")
"""


def test_a_process_that_was_forked_after_a_call_opens_its_own(protocol_server):
    command = [
        sys.executable,
        "-W",
        "ignore::DeprecationWarning",
        "-c",
        textwrap.dedent(FORKS),
        protocol_server.base_url,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (0, "both are well\n"), done.stderr
    assert protocol_server.connections == 3
