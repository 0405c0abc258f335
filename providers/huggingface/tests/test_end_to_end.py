"""The provider behind `LLMRails`, with rails and a real model."""

from __future__ import annotations

import json
import threading

import anyio
import pytest
from handrail import LLMRails, RailsConfig, Registry, Ruling, Verdict
from handrail.plugins import RailSpec, hookimpl
from handrail_huggingface import AsyncTextIteratorStreamer, HuggingFacePipelineCompatible
from handrail_tiny import MODEL_PATH
from transformers import pipeline

PANCAKES = [{"role": "user", "content": "How do I make pancakes?"}]


class BlocksMilk:
    """A rail that ends the stream at a word."""

    def __init__(self, settings, context):
        self._seen = ""

    def open(self, turn):
        return BlocksMilk(None, None)

    def feed(self, text):
        self._seen += text
        if "milk" in self._seen:
            return Ruling(block=Verdict.block("no milk today", category="milk"))
        return Ruling(text)

    def finish(self):
        return Ruling()


class Plugin:
    @hookimpl
    def handrail_rails(self):
        yield RailSpec("no milk", BlocksMilk)


@pytest.fixture
def registry():
    return Registry.discover().with_plugins(Plugin())


GUARDED = {"rails": {"output": {"flows": ["no milk"], "streaming": {"enabled": True}}}}


async def test_the_snippet_of_the_documentation_is_guarded(pipe, registry):
    streamer = AsyncTextIteratorStreamer(pipe.tokenizer, skip_prompt=True)
    params = {"temperature": 0.01, "max_new_tokens": 100, "streamer": streamer}
    made = pipeline("text-generation", model=pipe.model, tokenizer=pipe.tokenizer, device=pipe.device, **params)
    llm = HuggingFacePipelineCompatible(pipeline=made, model_kwargs=params)
    free = LLMRails(RailsConfig.from_content(config={}), llm=llm)
    with anyio.fail_after(300):
        pieces = [piece async for piece in free.stream_async(messages=PANCAKES)]
    assert len(pieces) > 30
    assert "milk" in "".join(pieces)
    guarded = LLMRails(RailsConfig.from_content(config=GUARDED), llm=llm, registry=registry)
    with anyio.fail_after(300):
        *pieces, last = [piece async for piece in guarded.stream_async(messages=PANCAKES)]
    assert "eggs" in "".join(pieces)
    assert "milk" not in "".join(pieces)
    assert json.loads(last)["error"]["code"] == "content_blocked"


async def test_after_a_block_at_most_one_further_token_is_computed(pipe, steps, registry):
    llm = HuggingFacePipelineCompatible(
        pipeline=pipe,
        model_kwargs={"temperature": 0, "max_new_tokens": 100, "logits_processor": [steps]},
        max_pending=1,
    )
    rails = LLMRails(RailsConfig.from_content(config=GUARDED), llm=llm, registry=registry)
    async with rails.stream(messages=PANCAKES) as stream:
        events = [type(event).__name__ async for event in stream]
    assert "Blocked" in events
    assert steps.at_the_end <= steps.count <= steps.at_the_end + 1
    assert steps.count < 50  # with all of it, the model had written a hundred
    assert not [thread for thread in threading.enumerate() if thread.name == "handrail-huggingface"]


async def test_an_engine_of_a_configuration_answers_with_usage(registry):
    models = [
        {
            "type": "main",
            "engine": "hf_pipeline_cpu",
            "model": str(MODEL_PATH),
            "parameters": {"dtype": "float32", "temperature": 0, "max_tokens": 20},
        }
    ]
    async with LLMRails(RailsConfig.from_content(config={"models": models}), registry=registry) as rails:
        response = await rails.generate_async(messages=PANCAKES, options={"log": {"llm_calls": True}})
    [call] = response.log.llm_calls
    assert call.completion_tokens == 20
    assert "two eggs" in response.response[0]["content"]
