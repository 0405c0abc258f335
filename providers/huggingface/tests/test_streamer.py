from __future__ import annotations

import threading

import anyio
import pytest
import torch
from handrail_huggingface import AsyncTextIteratorStreamer

PANCAKES = [{"role": "user", "content": "How do I make pancakes?"}]


def inputs(tokenizer, messages=PANCAKES):
    return tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt")


def in_thread(pipe, streamer, **kwargs):
    """Generate as programs that use streamers do."""
    arguments = {
        **inputs(pipe.tokenizer).to(pipe.device),
        "max_new_tokens": 60,
        "do_sample": False,
        "streamer": streamer,
        **kwargs,
    }
    thread = threading.Thread(target=pipe.model.generate, kwargs=arguments)
    thread.start()
    return thread


def whole(pipe, **kwargs):
    given = inputs(pipe.tokenizer).to(pipe.device)
    ids = pipe.model.generate(**given, max_new_tokens=60, do_sample=False, **kwargs)[0, given["input_ids"].shape[1] :]
    return pipe.tokenizer.decode(ids, skip_special_tokens=True)


async def test_pieces_join_to_the_text_and_the_iteration_ends(pipe, tokenizer):
    streamer = AsyncTextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
    thread = in_thread(pipe, streamer)
    with anyio.fail_after(300):
        pieces = [piece async for piece in streamer]
    thread.join()
    assert "".join(pieces) == whole(pipe)
    assert len(pieces) > 20
    assert all(pieces)


def test_a_streamer_can_be_made_and_fed_before_any_loop_runs(pipe, tokenizer):
    streamer = AsyncTextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
    in_thread(pipe, streamer).join()

    async def read():
        return "".join([piece async for piece in streamer])

    assert anyio.run(read) == whole(pipe)


def test_one_streamer_serves_one_loop_after_the_other(pipe, tokenizer):
    streamer = AsyncTextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)

    async def read():
        thread = in_thread(pipe, streamer, max_new_tokens=12)
        pieces = [piece async for piece in streamer]
        await anyio.to_thread.run_sync(thread.join)
        return "".join(pieces)

    assert anyio.run(read) == anyio.run(read, backend="trio") != ""


async def test_the_prompt_is_the_first_piece_unless_it_is_skipped(tokenizer):
    streamer = AsyncTextIteratorStreamer(tokenizer, skip_special_tokens=True)
    streamer.put(tokenizer("Good morning", return_tensors="pt")["input_ids"])
    streamer.put(torch.tensor(tokenizer(" to you")["input_ids"]))
    streamer.end()
    assert [piece async for piece in streamer] == ["Good morning", " to you"]


async def test_the_next_iteration_gives_the_next_text(tokenizer):
    streamer = AsyncTextIteratorStreamer(tokenizer)
    for words in ("one", "two"):
        streamer.put(tokenizer(words)["input_ids"])
        streamer.end()
    assert [piece async for piece in streamer] == ["one"]
    assert [piece async for piece in streamer] == ["two"]


async def test_tokens_are_known_and_counted(pipe, tokenizer):
    streamer = AsyncTextIteratorStreamer(tokenizer, skip_prompt=True)
    in_thread(pipe, streamer, max_new_tokens=7).join()
    assert streamer.prompt_ids == inputs(tokenizer)["input_ids"][0].tolist()
    assert len(streamer.token_ids) == 7


async def test_an_error_of_the_thread_reaches_the_reader(tokenizer):
    streamer = AsyncTextIteratorStreamer(tokenizer)
    streamer.put(tokenizer("half of")["input_ids"])
    streamer.fail(MemoryError("the machine is full"))
    assert await anext(streamer) == "half of"
    with pytest.raises(MemoryError, match="the machine is full"):
        await anext(streamer)


async def test_generate_waits_for_a_slow_reader(tokenizer):
    streamer = AsyncTextIteratorStreamer(tokenizer, skip_prompt=True, max_pending=2)
    sent = []

    def send():
        streamer.put([0])
        for token in tokenizer("one two three four five six seven")["input_ids"]:
            streamer.put([token])
            sent.append(token)
        streamer.end()

    reader = aiter(streamer)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, send)
        first = await anext(reader)
        pieces = [first]
        async for piece in reader:
            pieces.append(piece)
            assert len(sent) <= len(pieces) + 3
    assert "".join(pieces) == "one two three four five six seven"


async def test_a_reader_that_leaves_holds_nobody_back(tokenizer):
    streamer = AsyncTextIteratorStreamer(tokenizer, skip_prompt=True, max_pending=1)
    done = threading.Event()

    def send():
        streamer.put([0])
        for token in tokenizer("one two three four five six seven")["input_ids"]:
            streamer.put([token])
        streamer.end()
        done.set()

    thread = threading.Thread(target=send)
    thread.start()
    await anext(streamer)
    streamer.leave()
    assert await anyio.to_thread.run_sync(done.wait, 300)
    assert [piece async for piece in streamer] == []


def test_a_batch_of_several_texts_is_refused(tokenizer):
    streamer = AsyncTextIteratorStreamer(tokenizer)
    with pytest.raises(ValueError, match="one text at a time; generate was given a batch of 2"):
        streamer.put(torch.zeros((2, 3), dtype=torch.long))
