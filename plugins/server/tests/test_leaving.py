"""A client that leaves stops the model and every check."""

from __future__ import annotations

import anyio
import pytest
from fakes import FakeProvider, FunctionRail
from handrail import Chunk


@pytest.fixture
def anyio_backend(virtual_clock):
    return virtual_clock


async def test_client_that_leaves_a_stream_stops_the_model_within_100_ms(serve, fake):
    times = []
    provider = FakeProvider([" w"] * 10, delay=0.001, hang=True)
    client = serve({"a": fake()}, provider=provider)
    with anyio.fail_after(300):
        await client.chat(stream=True, leave_after=5, on_part=lambda: times.append(anyio.current_time()))
    assert provider.closed == 1
    assert provider.closed_at - times[-1] < 0.1


async def test_client_that_leaves_cancels_checks(serve, fake):
    rail = FunctionRail(latency=lambda window: 0 if window.start == 0 else 60)
    provider = FakeProvider([f" w{i}" for i in range(60)], delay=0.001)
    client = serve({"a": fake(output=["words"])}, provider=provider, rails={"words": rail}, keep_alive_seconds=0.1)
    with anyio.fail_after(300):
        await client.chat(stream=True, leave_after=2)  # the second part is the comment of a held stream
    assert rail.running == 0
    assert rail.cancelled >= 1
    assert provider.closed == 1


async def test_client_that_leaves_while_it_waits_for_a_whole_answer_stops_the_model(serve, fake):
    provider = FakeProvider(["hi"], hang=True)
    client = serve({"a": fake()}, provider=provider)
    body = b'{"messages": [{"role": "user", "content": "x"}]}'
    answers = []

    async def ask() -> None:
        answers.append(await client.ask("POST", "/v1/chat/completions", body))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        while not provider.opened:  # noqa: ASYNC110  # until the model was asked
            await anyio.sleep(0.001)
        tasks.cancel_scope.cancel()
    assert provider.closed == 1


@pytest.mark.parametrize("chunk", [" word", Chunk(reasoning=" hmm")], ids=["text", "reasoning"])
async def test_slow_client_holds_the_model_back(serve, fake, chunk):
    """What waits for a client is bounded by `max_pending`: the provider is not read on while nothing can be sent."""
    provider = FakeProvider([chunk] * 5000)
    client = serve({"a": fake(max_pending=300)}, provider=provider)
    blocked = anyio.Event()
    sent = []

    async def app(scope, receive, send):
        async def slow(message):
            sent.append(message)
            if len(sent) == 2:
                await blocked.wait()
            await send(message)

        await inner(scope, receive, slow)

    inner, client.app = client.app, app
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: client.chat(stream=True))
        while len(sent) < 2:  # noqa: ASYNC110  # until the second part
            await anyio.sleep(0.001)
        await anyio.wait_all_tasks_blocked()
        assert provider.produced < 400
        blocked.set()
    assert provider.produced == 5000


async def test_client_that_never_reads_keeps_no_place_when_its_time_is_up(serve, fake, monkeypatch):
    monkeypatch.setattr("handrail_server._stream._LAST_SECONDS", 0.05)
    provider = FakeProvider([" word"], hang=True)
    client = serve({"a": fake()}, provider=provider, limits={"request_seconds": 0.1})
    inner = client.app

    async def app(scope, receive, send):
        async def never(message):
            if message["type"] == "http.response.body":
                await anyio.sleep_forever()
            await send(message)

        await inner(scope, receive, never)

    client.app = app
    with anyio.fail_after(300):
        await client.chat(stream=True)
    assert provider.closed == 1
