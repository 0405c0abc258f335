from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from handrail import Chunk, ConfigurationError, LLMRails, ProviderError, RailsConfig, ToolCallDelta, Usage
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
    *found, _ = await chunks(chat_model(piece(parts), piece(additional_kwargs={"reasoning_content": "so"})))
    assert found == [Chunk("abc", reasoning="hm"), Chunk(reasoning="so")]


def call(**fields):
    return {"index": None, "id": None, "name": None, "args": None, **fields}


FORMS = {
    "in fragments, numbered with other parts": [
        call(index=1, id="x", name="look", args='{"a"'),
        call(index=1, args=": 1}"),
        call(index=3, id="y", name="go", args="{}"),
    ],
    "without a number": [call(id="x", name="look", args='{"a": 1}'), call(id="y", name="go", args="{}")],
    "name late, and no arguments": [
        call(index="a", id="x", args=""),
        call(index="a", name="look", args='{"a": 1}'),
        call(index="b", id="y", name="go"),
    ],
    "by turns": [
        call(index=0, id="x", name="look"),
        call(index=1, id="y", name="go", args="{}"),
        call(index=0, args='{"a": 1}'),
    ],
}


@pytest.mark.parametrize("fragments", FORMS.values(), ids=FORMS)
async def test_tool_calls_come_whole_and_in_order(chat_model, piece, fragments):
    found = await chunks(chat_model(*(piece(tool_call_chunks=[fragment]) for fragment in fragments)))
    deltas = [delta for chunk in found for delta in chunk.tool_calls]
    assert [delta.index for delta in deltas] == sorted(delta.index for delta in deltas)
    opened = [(delta.id, delta.name) for delta in deltas if delta.name]
    texts = ["".join(delta.arguments for delta in deltas if delta.index == at) for at in (0, 1)]
    assert (opened, texts) == ([("x", "look"), ("y", "go")], ['{"a": 1}', "{}"])


async def test_a_call_that_was_cut_before_its_arguments_does_not_get_any(chat_model, piece):
    begun = piece(tool_call_chunks=[call(index=0, id="x", name="look")], response_metadata={"finish_reason": "length"})
    *_, last = await chunks(chat_model(begun))
    assert last.tool_calls == (ToolCallDelta(0, "x", "look", ""),)


async def test_a_message_that_is_whole_has_whole_calls(chat_model, piece):
    message = piece()
    message.tool_calls = [{"id": "x", "name": "look", "args": {"a": 1}}, {"id": "y", "name": "go", "args": {}}]
    (chunk,) = await chunks(chat_model(message))
    assert chunk.tool_calls == (ToolCallDelta(0, "x", "look", '{"a": 1}'), ToolCallDelta(1, "y", "go", "{}"))


async def test_a_call_without_a_name_is_an_error(chat_model, piece):
    with pytest.raises(ProviderError, match="without a name"):
        await chunks(chat_model(piece(tool_call_chunks=[call(id="x", args="{}")])))


@pytest.mark.parametrize("key", ["finish_reason", "stop_reason", "done_reason"])
async def test_the_reason_of_the_end_is_told(chat_model, piece, key):
    going_on = piece("a", response_metadata={key: ""}), piece("b", response_metadata={key: "null"})
    found = await chunks(chat_model(*going_on, piece(response_metadata={key: "length"})))
    assert [chunk.finish_reason for chunk in found] == [None, None, "length"]


async def test_an_answer_that_broke_off_is_an_error(chat_model, piece):
    with pytest.raises(ProviderError, match="broke off"):
        await chunks(chat_model(piece("a"), piece(response_metadata={"finish_reason": "error"})))


async def test_usage_has_what_was_cached_and_reasoned(chat_model, piece):
    details = {"input_token_details": {"cache_read": 4}, "output_token_details": {"reasoning": 2}}
    (chunk,) = await chunks(chat_model(piece("a", {"input_tokens": 5, "output_tokens": 3, **details})))
    assert chunk.usage == Usage(5, 3, cached_tokens=4, reasoning_tokens=2)


@pytest.mark.parametrize(
    "fields", [{"additional_kwargs": {"refusal": "No."}}, {"content": [{"type": "refusal", "refusal": "No."}]}]
)
async def test_a_refusal_is_text_and_marked_before(chat_model, piece, fields):
    first, second = await chunks(chat_model(piece(**fields)))
    assert first.metadata == {"refusal": True, "wire": {"refusal": True}}
    assert second.text == "No."


async def test_structure_is_told_and_what_may_be_text_is_kept_apart(chat_model, piece):
    image = {"type": "image_url", "image_url": {"url": "data:"}}
    said = {"model_name": "m", "id": "1", "logprobs": {"content": [1]}, "finish_reason": "stop"}
    found = await chunks(
        chat_model(piece([image], additional_kwargs={"notes": "n"}), piece(response_metadata=said), piece([image]))
    )
    wires = [chunk.metadata["wire"] for chunk in found if chunk.metadata]
    assert wires[0] == {"model": "m", "id": "1"}
    unguarded = {
        "message": {"notes": "n", "content_parts": [image, image]},
        "answer": {"logprobs": {"content": [1]}},
    }
    assert wires[-1] == {"model": "m", "id": "1", "unguarded": unguarded}


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
    subprocess.run([*uv, "--target", tmp_path, "langchain-core>=1,<2"], check=True, timeout=300)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", REAL], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    texts = json.loads(done.stdout)
    assert "".join(texts) == "The moon pulls the sea."
    assert len(texts) > 3
