from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from handrail import Chunk, ConfigurationError, LLMRails, RailsConfig, ToolCallDelta, Usage
from handrail_langchain import LangChainProvider

EMPTY = RailsConfig.from_content(config={"models": []})


async def chunks(model):
    return [chunk async for chunk in LangChainProvider(model).stream([{"role": "user", "content": "?"}], {})]


async def test_a_model_may_take_the_place_of_the_main_one(chat_model, piece):
    model = chat_model("All ", "is ", "well.")
    rails = LLMRails(EMPTY, LangChainProvider(model))
    options = {"llm_params": {"temperature": 0.5}}
    assert "".join([text async for text in rails.stream_async("How is it?", options=options)]) == "All is well."
    assert model.asked == [([{"role": "user", "content": "How is it?"}], {"temperature": 0.5})]


async def test_usage_is_asked_for_and_added_up(chat_model, piece):
    model = chat_model(
        piece("a", {"input_tokens": 5, "output_tokens": 1}),
        piece("b"),
        piece("", {"input_tokens": 0, "output_tokens": 2}),
    )
    assert [chunk.usage for chunk in await chunks(model)] == [Usage(5, 1), None, Usage(5, 3)]
    assert model.stream_usage


async def test_parts_of_a_content_go_where_they_belong(chat_model, piece):
    parts = [
        "a",
        {"type": "text", "text": "b"},
        {"type": "thinking", "thinking": "hm"},
        {"type": "image_url"},
        {"text": "c"},
    ]
    found = await chunks(chat_model(piece(parts), piece(additional_kwargs={"reasoning_content": "so"})))
    assert found == [Chunk("abc", reasoning="hm"), Chunk(reasoning="so")]


async def test_tool_calls_come_in_fragments(chat_model, piece):
    calls = [{"index": 1, "id": "x", "name": "look", "args": '{"a"'}, {"index": None, "args": None}]
    (chunk,) = await chunks(chat_model(piece(tool_call_chunks=calls)))
    assert chunk.tool_calls == (ToolCallDelta(1, "x", "look", '{"a"'), ToolCallDelta(0, None, None, ""))


@pytest.mark.parametrize("key", ["finish_reason", "stop_reason"])
async def test_the_reason_of_the_end_is_told(chat_model, piece, key):
    (chunk,) = await chunks(chat_model(piece(response_metadata={key: "length"})))
    assert (chunk.finish_reason, chunk.metadata) == ("length", {key: "length"})


def test_what_is_no_model_is_refused():
    with pytest.raises(ConfigurationError, match=r"'int'; it must have astream\(messages\)"):
        LangChainProvider(3)


REAL = """
import anyio, json
from handrail import LLMRails, RailsConfig
from handrail_langchain import LangChainProvider
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

config = RailsConfig.from_content(config={"models": []})
model = GenericFakeChatModel(messages=iter([AIMessage("The moon pulls the sea.")]))

async def main():
    rails = LLMRails(config, LangChainProvider(model))
    print(json.dumps([text async for text in rails.stream_async("Why are there tides?")]))

anyio.run(main)
"""


def test_a_real_model_of_langchain_streams(tmp_path):
    """In a folder of its own: a dependency of LangChain is a pytest plugin, which would run in every test."""
    uv = [Path(sys.executable).with_name("uv"), "pip", "install", "--quiet", "--python", sys.executable]
    subprocess.run([*uv, "--target", tmp_path, "langchain-core>=1"], check=True, timeout=300)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", REAL], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    texts = json.loads(done.stdout)
    assert "".join(texts) == "The moon pulls the sea."
    assert len(texts) > 3
