"""What happens when readers leave, or when there are several."""

from __future__ import annotations

import gc
import logging
import threading
from contextlib import aclosing

import anyio
import pytest
from handrail.errors import ProviderRateLimitError
from handrail_huggingface import HuggingFacePipelineCompatible

STORY = [{"role": "user", "content": "Tell me a story about a fox."}]


def text(chunks):
    return "".join(chunk.text for chunk in chunks)


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("handrail-huggingface")]


async def test_after_leaving_at_most_one_further_token_is_computed(pipe, steps):
    llm = HuggingFacePipelineCompatible(pipeline=pipe, max_pending=2)
    stream = llm.stream(STORY, {"logits_processor": [steps], "max_tokens": 200, "temperature": 0})
    async with aclosing(stream):
        async for _ in stream:
            if steps.count >= 5:
                break
    assert 5 <= steps.at_the_end <= steps.count <= steps.at_the_end + 1
    assert not threads()


async def test_cancelling_the_reader_ends_the_thread(llm, steps):
    async def read():
        async for _ in llm.stream(STORY, {"logits_processor": [steps]}):
            reading.set()

    reading = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await reading.wait()
        tasks.cancel_scope.cancel()
    await _none_left()
    assert steps.count < 100


@pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")
async def test_a_stream_that_is_forgotten_ends_its_thread(llm, steps):
    stream = llm.stream(STORY, {"logits_processor": [steps]})
    await anext(stream)
    del stream
    gc.collect()
    await _none_left()
    assert steps.count < 100


async def test_a_stream_that_nobody_asks_starts_nothing(llm):
    stream = llm.stream(STORY, {})
    assert not threads()
    await stream.aclose()


async def test_the_model_is_at_most_so_far_ahead_of_its_reader(pipe, steps):
    llm = HuggingFacePipelineCompatible(pipeline=pipe, max_pending=3)
    async with aclosing(llm.stream(STORY, {"logits_processor": [steps], "max_tokens": 200})) as stream:
        await anext(stream)
        with anyio.move_on_after(0.3):
            await anyio.sleep_forever()
        assert steps.count <= 8


async def test_streams_wait_for_their_turn_in_order_and_say_so(pipe, caplog):
    llm = HuggingFacePipelineCompatible(pipeline=pipe, model_kwargs={"temperature": 0, "max_new_tokens": 8})
    chunks = {name: [] for name in "abc"}
    ended = []

    async def read(name):
        async for chunk in llm.stream(STORY, {}):
            chunks[name].append(chunk)
        ended.append(name)

    with caplog.at_level(logging.INFO, logger="handrail"):
        async with aclosing(llm.stream(STORY, {"max_tokens": 200})) as first:
            await anext(first)
            async with anyio.create_task_group() as tasks:
                for ahead, name in enumerate("abc", 1):
                    tasks.start_soon(read, name)
                    while not chunks[name]:
                        await anyio.lowlevel.checkpoint()
                    assert chunks[name][0].metadata == {"streams_ahead": ahead}
                await first.aclose()
    assert ended == ["a", "b", "c"]
    assert text(chunks["a"]) == text(chunks["c"]) != ""
    assert "a stream waits for the model" in caplog.text


async def test_a_stream_that_waits_may_leave(llm):
    async with aclosing(llm.stream(STORY, {})) as first:
        await anext(first)
        waiting = llm.stream(STORY, {})
        assert (await anext(waiting)).metadata == {"streams_ahead": 1}
        with anyio.fail_after(300):
            await waiting.aclose()
        last = llm.stream(STORY, {})
        assert (await anext(last)).metadata == {"streams_ahead": 1}
        await last.aclose()


async def test_more_than_may_wait_are_refused(pipe):
    llm = HuggingFacePipelineCompatible(pipeline=pipe, max_waiting=0)
    async with aclosing(llm.stream(STORY, {})) as first:
        await anext(first)
        with pytest.raises(ProviderRateLimitError, match="writes 1 text.s. at once, and 0 wait"):
            await anext(llm.stream(STORY, {}))


async def test_several_streams_of_one_pipeline_at_once_stay_apart(pipe, collect):
    params = {"temperature": 0, "max_new_tokens": 40}
    alone = HuggingFacePipelineCompatible(pipeline=pipe, model_kwargs=params)
    together = HuggingFacePipelineCompatible(pipeline=pipe, model_kwargs=params, max_concurrency=3)
    questions = ("How do I make pancakes?", "Tell me a story about a cat.", "How do I make rice?")
    expected = [text(await collect(alone, question)) for question in questions]
    answers = {}

    async def read(question):
        answers[question] = text(await collect(together, question))

    async with anyio.create_task_group() as tasks:
        for question in questions:
            tasks.start_soon(read, question)
    assert [answers[question] for question in questions] == expected


async def _none_left():
    with anyio.fail_after(300):
        while threads():
            await anyio.to_thread.run_sync(threads()[0].join)
            await anyio.lowlevel.checkpoint()
