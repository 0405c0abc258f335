"""The engine `openai` asks a real model in `transformers serve`, in an environment of its own below .venvs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path

import anyio
import httpx2
import pytest
from handrail import LLMRails, RailsConfig, Registry, Usage, Verdict
from handrail.errors import ProviderBadRequestError, ProviderServerError
from handrail.plugins import RailSpec, hookimpl
from handrail_tiny import MODEL_PATH

PROGRAM = Path(__file__).parents[3] / ".venvs" / "served" / "bin" / "transformers"
QUESTION = [{"role": "user", "content": "Tell me a story about a fox."}]
BEGINNING = "Once upon a time there was a clever fox"
LONG = {"max_new_tokens": 2000, "min_new_tokens": 2000, "do_sample": False, "eos_token_id": 1, "pad_token_id": 2}

pytestmark = pytest.mark.parametrize("api", ["chat", "responses"])


class NoPostman:
    """A window rail that refuses one word of the story."""

    def __init__(self, settings, context):
        pass

    async def check(self, window, turn):
        return Verdict.block("a postman") if "postman" in window.text else Verdict.allow()


class Plugin:
    @hookimpl
    def handrail_rails(self):
        yield RailSpec(name="no postman", target=NoPostman, directions=("output",), summary="Refuses one word.")


@pytest.fixture(scope="module")
def port():
    with closing(socket.create_server(("127.0.0.1", 0))) as one:
        port = one.getsockname()[1]
    options = ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    server = subprocess.Popen([PROGRAM, "serve", MODEL_PATH, *options], env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: healthy(server, port), seconds=120)
        yield port
    finally:
        server.terminate()
        server.wait()


def wait_until(holds, *, seconds=30):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"still not so after {seconds} seconds"
        time.sleep(0.02)


def healthy(server, port):
    assert server.poll() is None, "the server has ended"
    with suppress(httpx2.HTTPError):
        return httpx2.get(f"http://127.0.0.1:{port}/health").is_success
    return False


@pytest.fixture
def make_rails(port, api, monkeypatch):
    """Make rails before the server; rails that guard refuse the word "postman"."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def make(*, model=str(MODEL_PATH), guarded=False, **parameters):
        parameters = {"base_url": f"http://127.0.0.1:{port}/v1", "api": api, "max_retries": 0, **parameters}
        output = {"flows": ["no postman"], "streaming": {"enabled": True, "chunk_size": 20, "context_size": 5}}
        config = {
            "models": [{"type": "main", "engine": "openai", "model": model, "parameters": parameters}],
            "rails": {"output": output} if guarded else {},
        }
        registry = Registry.discover().with_plugins(Plugin())
        return LLMRails(RailsConfig.from_content(config=config), registry=registry)

    return make


def generation(**settings):
    """Return what this server reads instead of the model's own settings."""
    return {"generation_config": json.dumps(settings)}


def connections(port):
    """Count the server's open connections, as Linux lists them."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


async def no_connection_is_left(port):
    """Wait for it. An answer that was read to its end keeps its connection, for the next request."""
    await anyio.to_thread.run_sync(wait_until, lambda: not connections(port))


async def test_an_answer_is_the_same_whole_and_streamed(make_rails, port):
    async with make_rails() as rails:
        whole = await rails.generate_async(messages=QUESTION, options={})
        async with rails.stream(messages=QUESTION) as stream:
            texts = [event.text async for event in stream if hasattr(event, "text")]
        assert connections(port) == 1
    assert len(texts) > 20
    assert "".join(texts) == stream.response.text == whole.text
    assert whole.text.startswith(BEGINNING)
    assert whole.text.endswith("hear them sing.")
    for response in (whole, stream.response):
        assert response.finish_reason == "stop"
        assert response.usage == Usage(12, 132)


async def test_the_limit_and_the_history_reach_the_model(make_rails, api):
    """Over Responses this server calls an answer complete that its own limit has cut."""
    history = [*QUESTION, {"role": "assistant", "content": "No."}, {"role": "user", "content": "Tell it."}]
    async with make_rails(max_tokens=5) as rails, rails.stream(messages=history) as stream:
        assert [event async for event in stream]
    assert stream.response.usage.output_tokens == 5
    assert stream.response.usage.input_tokens > 12
    assert stream.response.finish_reason == ("length" if api == "chat" else "stop")


async def test_a_rail_that_blocks_stops_the_answer_and_closes_its_connection(make_rails, port):
    async with make_rails(guarded=True, extra_body=generation(**LONG)) as rails:
        async with rails.stream(messages=QUESTION) as stream:
            shown = "".join([event.text async for event in stream if type(event).__name__ == "TextDelta"])
        assert stream.response.stop is not None
        await no_connection_is_left(port)
    assert shown.startswith(BEGINNING)
    assert "postman" not in shown


async def test_leaving_a_stream_closes_its_connection(make_rails, port):
    async with make_rails(extra_body=generation(**LONG)) as rails:
        async with rails.stream(messages=QUESTION) as stream:
            async for _ in stream:
                assert connections(port) == 1
                break
        await no_connection_is_left(port)


async def test_a_model_that_the_server_lacks_is_an_error(make_rails):
    async with make_rails(model="another") as rails:
        with pytest.raises(ProviderBadRequestError, match="another"):
            await rails.generate_async(messages=QUESTION)


async def test_an_answer_that_fails_is_an_error(make_rails):
    """The server notices only as it generates, when its answer has begun."""
    async with make_rails(extra_body=generation(prompt_lookup_num_tokens=-1)) as rails:
        with pytest.raises(ProviderServerError, match="broke off"):
            await rails.generate_async(messages=QUESTION)
