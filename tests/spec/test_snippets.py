"""Every snippet of the specification, with its imports, calls and YAML, through the drop-in."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

WITH_OUTPUT_RAILS = """
rails:
  output:
    flows:
      - self check output
    streaming:
      enabled: True
"""


@pytest.fixture
def anyio_backend():
    return "asyncio"  # the snippets use asyncio by name


async def test_basic_usage(write_config, capsys):
    write_config()
    from nemoguardrails import LLMRails, RailsConfig

    config = RailsConfig.from_path("./config")
    rails = LLMRails(config)

    messages = [{"role": "user", "content": "Hello!"}]

    async for chunk in rails.stream_async(messages=messages):
        print(chunk, end="", flush=True)

    assert capsys.readouterr().out == "Hello there, how are you?"


async def test_streaming_with_output_rails(write_config):
    write_config(WITH_OUTPUT_RAILS)
    from nemoguardrails import LLMRails, RailsConfig

    rails = LLMRails(RailsConfig.from_path("./config"))
    chunks = [chunk async for chunk in rails.stream_async(messages=[{"role": "user", "content": "bleach"}])]
    assert '"code": "content_blocked"' in chunks[-1]
    assert '"param": "self check output"' in chunks[-1]


def test_streaming_that_is_not_enabled_is_refused_at_the_call(write_config):
    write_config("rails: {output: {flows: [self check output]}}")
    from nemoguardrails import LLMRails, RailsConfig
    from nemoguardrails.exceptions import StreamingNotSupportedError

    rails = LLMRails(RailsConfig.from_path("./config"))
    with pytest.raises(StreamingNotSupportedError, match="set rails.output.streaming.enabled to True, or use generate"):
        rails.stream_async(messages=[{"role": "user", "content": "Hello!"}])


@pytest.mark.filterwarnings("ignore:StreamingHandler is deprecated")
async def test_streaming_with_handler(write_config, capsys):
    write_config()
    from nemoguardrails import LLMRails, RailsConfig
    from nemoguardrails.streaming import StreamingHandler

    config = RailsConfig.from_path("./config")
    rails = LLMRails(config)

    streaming_handler = StreamingHandler()

    async def process_tokens():
        async for chunk in streaming_handler:
            print(chunk, end="", flush=True)

    task = asyncio.create_task(process_tokens())

    result = await rails.generate_async(
        messages=[{"role": "user", "content": "Hello!"}], streaming_handler=streaming_handler
    )
    await task

    assert result == {"role": "assistant", "content": "Hello there, how are you?"}
    assert capsys.readouterr().out == "Hello there, how are you?"


def test_token_usage_tracking(write_config, capsys):
    write_config()
    from nemoguardrails import LLMRails, RailsConfig

    rails = LLMRails(RailsConfig.from_path("./config"))
    messages = [{"role": "user", "content": "Hello!"}]

    response = rails.generate(messages=messages, options={"log": {"llm_calls": True}})

    for llm_call in response.log.llm_calls:
        print(f"Total tokens: {llm_call.total_tokens}")
        print(f"Prompt tokens: {llm_call.prompt_tokens}")
        print(f"Completion tokens: {llm_call.completion_tokens}")

    total, prompt, completion = (int(line.rpartition(" ")[2]) for line in capsys.readouterr().out.splitlines())
    assert total == prompt + completion > 0


async def test_hugging_face_pipeline_streaming():
    from handrail_tiny import MODEL_PATH
    from transformers import pipeline

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tokenizer = pipeline("text-generation", model=str(MODEL_PATH), device="cpu").tokenizer
    from nemoguardrails import LLMRails, RailsConfig
    from nemoguardrails.llm.providers.huggingface import AsyncTextIteratorStreamer, HuggingFacePipelineCompatible

    # Create streamer with tokenizer
    streamer = AsyncTextIteratorStreamer(tokenizer, skip_prompt=True)
    params = {"temperature": 0.01, "max_new_tokens": 20, "streamer": streamer}

    pipe = pipeline("text-generation", model=str(MODEL_PATH), device="cpu", **params)

    llm = HuggingFacePipelineCompatible(pipeline=pipe, model_kwargs=params)

    rails = LLMRails(RailsConfig.from_content(config={"models": []}), llm=llm)
    chunks = [chunk async for chunk in rails.stream_async(prompt="Tell me a story about a fox.")]
    assert len(chunks) > 3


async def test_server_api(write_config, tmp_path):
    write_config(folder="configs/my_config")
    import httpx2
    from handrail_server import ServerSettings, create_app

    body = """
    {
        "config_id": "my_config",
        "messages": [{"role": "user", "content": "Hello!"}],
        "stream": true
    }
    """
    app = create_app(ServerSettings(config=tmp_path / "configs"))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        headers = {"content-type": "application/json"}
        response = await client.post("/v1/chat/completions", content=body, headers=headers)
    events = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    deltas = [json.loads(event)["choices"][0]["delta"] for event in events[:-1] if json.loads(event)["choices"]]
    assert "".join(delta.get("content") or "" for delta in deltas) == "Hello there, how are you?"


def test_cli_usage(write_config):
    write_config(folder="path/to/config")
    command = [str(Path(sys.executable).with_name("nemoguardrails")), "chat", "path/to/config", "--streaming"]
    done = subprocess.run(command, input="Hello!\n", capture_output=True, text=True, timeout=300, check=False)
    assert "Hello there, how are you?" in done.stdout
    assert done.returncode == 0
