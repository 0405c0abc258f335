"""Clients try again where it helps, and only there."""

from __future__ import annotations

import math
import socket
import threading

import openai
import pytest
from fakes import FakeProvider, FunctionRail
from handrail.errors import (
    ConfigurationError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderConnectionError,
    ProviderContentFilterError,
    ProviderContextLengthError,
    ProviderRateLimitError,
    ProviderServerError,
    ProviderTimeoutError,
)
from handrail_server import MemoryStore, ServerSettings
from handrail_testkit import replies

HELPS = [
    (ProviderConnectionError("x"), 502, "1"),
    (ProviderServerError("x", status=500), 502, "1"),
    (ProviderTimeoutError("x"), 504, "1"),
    (ProviderRateLimitError("x", retry_after=7), 429, "7"),
    (ProviderRateLimitError("x"), 429, "1"),
    (ProviderRateLimitError("x", retry_after=math.inf), 429, "1"),
    (ProviderRateLimitError("x", retry_after=math.nan), 429, "1"),
    (ProviderServerError("x", status=503, retry_after=16.2), 502, "17"),
]
CANNOT_HELP = [
    (ProviderAuthenticationError("x", status=401), 424),
    (ProviderAuthenticationError("x", status=403), 424),
    (ProviderBadRequestError("x", status=404), 424),
    (ProviderBadRequestError("x", status=405), 424),
    (ProviderBadRequestError("x", status=421), 424),
    (ProviderServerError("x", status=200), 424),
    (ProviderServerError("x", status=302), 424),
    (ProviderServerError("x", status=404), 424),
    (ProviderServerError("x", status=501), 424),
    (ProviderBadRequestError("x", status=400), 400),
    (ProviderBadRequestError("x", status=422, code="invalid_value"), 400),
    (ProviderContextLengthError("x", status=400), 400),
    (ProviderContentFilterError("x"), 400),
    (ProviderBadRequestError("x", code="content_filter"), 400),
    (ProviderRateLimitError("x", code="insufficient_quota", retry_after=7), 429),
    (ConfigurationError("x"), 424),
]
FINAL = [
    (ProviderRateLimitError("x", final=True), 429, None),
    (ProviderRateLimitError("x", final=True, retry_after=3600.5), 429, "3601"),
    (ProviderServerError("x", status=503, final=True), 502, None),
    (ProviderTimeoutError("x", final=True), 504, None),
]
RETRIED = (408, 409, 429)


def kind(value) -> str:
    return f"{type(value).__name__} {getattr(value, 'status', '')}" if isinstance(value, Exception) else str(value)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("error", "status", "after"), HELPS, ids=kind)
async def test_error_that_may_be_over_soon_says_when_to_try_again(serve, fake, error, status, after, stream):
    answer = await serve({"a": fake()}, provider=FakeProvider([], error=error)).chat(stream=stream)
    assert (answer.status, answer.headers["retry-after"]) == (status, after)
    assert "x-should-retry" not in answer.headers


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("error", "status"), CANNOT_HELP, ids=kind)
async def test_error_that_stays_is_told_so_and_is_no_5xx(serve, fake, error, status, stream):
    answer = await serve({"a": fake()}, provider=FakeProvider([], error=error)).chat(stream=stream)
    assert answer.status == status < 500
    assert "retry-after" not in answer.headers
    assert answer.headers.get("x-should-retry") == "false" or answer.status not in RETRIED


async def test_a_parameter_that_the_model_does_not_take_is_named(serve, fake):
    error = ProviderBadRequestError("openai 'm' at http://internal/v1: 'seed' is not supported", param="seed")
    answer = await serve({"a": fake()}, provider=FakeProvider([], error=error)).chat(seed=7)
    assert (answer.status, answer.error["param"], answer.error["code"]) == (400, "seed", "unsupported_value")
    assert "'seed'" in answer.error["message"]
    assert "internal" not in answer.error["message"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("error", "status", "after"), FINAL, ids=kind)
async def test_model_that_says_not_to_try_again_is_heard_by_the_client(serve, fake, error, status, after, stream):
    answer = await serve({"a": fake()}, provider=FakeProvider([], error=error)).chat(stream=stream)
    assert (answer.status, answer.headers["x-should-retry"]) == (status, "false")
    assert answer.headers.get("retry-after") == after


async def test_rail_that_failed_may_be_asked_again(serve, fake):
    rails = {"words": FunctionRail(lambda window: 3)}
    answer = await serve({"a": fake(output=["words"])}, rails=rails).chat()
    assert (answer.status, answer.headers["retry-after"]) == (502, "1")


async def test_answer_that_took_too_long_is_not_asked_for_again(serve, fake):
    client = serve({"a": fake()}, provider=FakeProvider(["hi"], hang=True), limits={"request_seconds": 0.05})
    answer = await client.chat()
    assert (answer.status, answer.headers["x-should-retry"]) == (504, "false")


@pytest.mark.parametrize(("status", "times"), [(401, 1), (404, 1), (500, 3)])
def test_openai_client_asks_as_often_as_it_helps(run_server, root, write, protocol_server, status, times):
    parameters = {"base_url": protocol_server.base_url, "api_key": "none", "max_retries": 0}
    write(root, "a", {"models": [{"type": "main", "engine": "openai", "model": "m", "parameters": parameters}]})
    server = run_server("--config", root)
    protocol_server.will(*(replies.error(status, "no", type="x") for _ in range(5)))
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=2)
    with pytest.raises(openai.APIStatusError):
        client.chat.completions.create(model="a", messages=[{"role": "user", "content": "Hello!"}])
    assert len(protocol_server.requests) == times


class Hanging(MemoryStore):
    """A store whose connection is open and silent."""

    async def _wait(self) -> None:
        import anyio

        await anyio.sleep_forever()

    async def load(self, key):
        await self._wait()

    async def ready(self):
        await self._wait()


async def test_store_that_hangs_gives_503_within_its_time(serve, fake):
    store = Hanging(threads=1, messages=1, size=1)
    client = serve({"a": fake()}, store=store, limits={"store_seconds": 0.05})
    answer = await client.chat(thread_id="a-thread-of-at-least-16")
    assert (answer.status, answer.error["code"], answer.headers["retry-after"]) == (503, "store_unreachable", "1")
    assert (await client.get("/readyz")).status == 503
    assert (await client.get("/healthz")).status == 200


async def test_store_that_hangs_keeps_no_answer_from_its_end(serve, fake):
    class Late(Hanging):
        async def load(self, key):
            return ()

        async def append(self, key, messages):
            await self._wait()

    store = Late(threads=1, messages=1, size=1)
    client = serve({"a": fake()}, store=store, limits={"store_seconds": 0.05})
    for stream in (False, True):
        assert (await client.chat(thread_id="a-thread-of-at-least-16", stream=stream)).status == 200
    assert "handrail_store_failures_total 2" in (await client.get("/metrics")).body.decode()


@pytest.mark.parametrize(
    "kept", [3, [], {}, {"role": 3}, {"role": "user", "content": {}}, {"role": "user", "tool_calls": 7}]
)
@pytest.mark.parametrize("stream", [False, True])
async def test_store_that_has_no_messages_is_not_the_client_s_fault(serve, fake, kept, stream):
    """Others may write into a Redis, and it is the server's."""

    class Odd(MemoryStore):
        async def load(self, key):
            return [kept]

    client = serve({"a": fake()}, store=Odd(threads=1, messages=1, size=1))
    answer = await client.chat(thread_id="a-thread-of-at-least-16", stream=stream)
    assert (answer.status, answer.error["code"]) == (503, "store_unreachable")


@pytest.fixture
def silent_port():
    """A port that accepts connections and says nothing, as a Redis that hangs."""
    listener = socket.create_server(("127.0.0.1", 0))
    accepted = []

    def accept() -> None:
        while True:
            try:
                accepted.append(listener.accept()[0])
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()
    for one in accepted:
        one.close()


def test_redis_that_hangs_gives_503_within_the_time_of_a_store(run_server, root, write, config, silent_port, tmp_path):
    assert ServerSettings(config=root).limits.store_seconds < 2
    write(root, "a", config())
    settings = tmp_path / "server.yml"
    settings.write_text("limits: {store_seconds: 0.2}\n", encoding="utf-8")
    store = f"redis://127.0.0.1:{silent_port}/0"
    server = run_server("--config", root, "--store", store, "--settings", settings)
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
    for _ in range(2):
        with pytest.raises(openai.InternalServerError) as raised:
            client.chat.completions.create(
                model="a",
                messages=[{"role": "user", "content": "Hello!"}],
                extra_body={"guardrails": {"thread_id": "a-thread-of-at-least-16"}},
            )
        assert raised.value.status_code == 503
        assert raised.value.code == "store_unreachable"
