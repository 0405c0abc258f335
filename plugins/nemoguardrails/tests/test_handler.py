from __future__ import annotations

import asyncio

import anyio
import pytest
from nemoguardrails.streaming import END_OF_STREAM, StreamingHandler

pytestmark = pytest.mark.filterwarnings("ignore:StreamingHandler is deprecated")


async def fed(handler, *chunks):
    for chunk in chunks:
        await handler.push_chunk(chunk)
    await handler.finish()
    return [chunk async for chunk in handler]


@pytest.mark.filterwarnings("default:StreamingHandler is deprecated")
async def test_making_a_handler_warns_that_it_is_deprecated():
    with pytest.warns(DeprecationWarning, match="stream_async"):
        StreamingHandler()


async def test_chunks_come_out_as_they_went_in_and_none_ends_them():
    handler = StreamingHandler()
    assert await fed(handler, "a", "", "b", None, "late") == ["a", "", "b"]
    assert handler.completion == "ab"
    assert await handler.wait() == "ab"
    assert handler.streaming_finished_event.is_set()
    assert [chunk async for chunk in handler] == []


async def test_anything_but_text_is_refused():
    with pytest.raises(TypeError, match="a chunk is int"):
        await StreamingHandler().push_chunk(3)


async def test_prefix_and_suffix_are_taken_away_however_the_text_is_cut():
    for chunks in (["P", ": he", "llo E", "N", "x E", "ND"], list("P: hello ENx END"), ["P: hello ENx END"]):
        handler = StreamingHandler()
        handler.set_pattern(prefix="P: ", suffix="END")
        assert "".join(await fed(handler, *chunks)) == handler.completion == "hello ENx "


async def test_a_text_that_does_not_begin_with_the_prefix_is_kept():
    handler = StreamingHandler()
    handler.set_pattern(prefix="P: ")
    assert "".join(await fed(handler, "no", " prefix")) == "no prefix"


async def test_a_suffix_in_the_middle_stays():
    handler = StreamingHandler()
    handler.set_pattern(suffix='"')
    assert "".join(await fed(handler, 'say "hi" ok', '"')) == 'say "hi" ok'


async def test_a_stop_text_ends_the_stream_once_it_is_whole():
    handler = StreamingHandler()
    handler.stop = ["User:"]
    assert "".join(await fed(handler, "hello U", "s", "efull Us", "er: more", " and")) == "hello Usefull "
    assert handler.completion == "hello Usefull "


async def test_metadata_comes_beside_the_text():
    handler = StreamingHandler(include_metadata=True)
    await handler.push_chunk("a")
    await handler.push_chunk("b", {"x": 1})
    assert (await fed(handler))[:2] == [{"text": "a"}, {"text": "b", "metadata": {"x": 1}}]


async def test_whole_lines_are_taken_out_of_the_buffer():
    handler = StreamingHandler(enable_buffer=True)
    for chunk in ("# no\n", "\n", "one\ntw", "o\nthree"):
        await handler.push_chunk(chunk)
    assert await handler.wait_top_k_nonempty_lines(2) == "one\ntwo"
    await handler.disable_buffering()
    assert await fed(handler, "!") == ["three", "!"]


async def test_a_handler_passes_everything_on_to_the_one_behind_it():
    first, second = StreamingHandler(), StreamingHandler()
    first.set_pipe_to(second)
    await first.push_chunk("x")
    await first.push_chunk(END_OF_STREAM)
    assert [chunk async for chunk in second] == ["x"]
    assert first.completion == second.completion == "x"


async def test_printing_is_green(capsys):
    await fed(StreamingHandler(enable_print=True), "hi")
    assert capsys.readouterr().out == "\033[92mhi\033[0m\n"


@pytest.mark.parametrize("cut", range(1, 12))
async def test_a_suffix_before_a_stop_text_is_taken_away_however_they_are_cut(cut):
    handler = StreamingHandler()
    handler.set_pattern(suffix='"')
    handler.stop = ["\nUser asks: "]
    text = 'Good evening"\nUser asks: more'
    for start in range(0, len(text), cut):
        await handler.push_chunk(text[start : start + cut])
    await handler.finish()
    assert "".join([chunk async for chunk in handler]) == "Good evening"


async def test_metadata_stays_with_the_text_of_its_chunk_while_that_is_held():
    handler = StreamingHandler(include_metadata=True)
    handler.set_pattern(prefix="START: ", suffix="END")
    for part, chunk in enumerate(["STA", "RT: ", "One ", "two", " E", "N", "x", "END"], 1):
        await handler.push_chunk(chunk, metadata={"part": part})
    await handler.finish()
    got = [(item["text"], item["metadata"]["part"]) async for item in handler]
    assert got == [("One ", 3), ("two", 4), (" ", 5), ("E", 5), ("N", 6), ("x", 7), ("", 8), ("", 8)]


async def test_metadata_is_gathered_and_the_last_chunk_has_all_of_it():
    handler = StreamingHandler(include_metadata=True)
    await handler.push_chunk("a", metadata={"x": 1, "usage": {"total_tokens": 3}})
    await handler.push_chunk("b", metadata={"y": 2})
    await handler.finish()
    assert [chunk async for chunk in handler] == [
        {"text": "a", "metadata": {"x": 1, "usage": {"total_tokens": 3}}},
        {"text": "b", "metadata": {"x": 1, "y": 2}},
        {"text": "", "metadata": {"response_metadata": None, "usage_metadata": None, "x": 1, "y": 2}},
    ]


async def test_the_last_chunk_of_a_pipe_comes_once():
    first, second = StreamingHandler(include_metadata=True), StreamingHandler(include_metadata=True)
    first.set_pipe_to(second)
    await first.push_chunk("a")
    await first.finish()
    empty = {"response_metadata": None, "usage_metadata": None}
    assert [chunk async for chunk in second] == [{"text": "a"}, {"text": "", "metadata": empty}]


async def test_what_waits_is_asked_for_in_the_words_of_a_queue():
    handler = StreamingHandler()
    assert handler.queue.empty()
    with pytest.raises(asyncio.QueueEmpty):
        handler.queue.get_nowait()
    for chunk in ("a", "b", "c"):
        await handler.push_chunk(chunk)
    assert handler.queue.qsize() == 3
    assert (await handler.queue.get(), handler.queue.get_nowait()) == ("a", "b")
    await handler.finish()
    assert [chunk async for chunk in handler] == ["c"]
    assert await handler.queue.get() is END_OF_STREAM


async def test_a_queue_waits_for_the_next_chunk():
    handler, came = StreamingHandler(), []

    async def take():
        came.append(await handler.queue.get())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(take)
        await anyio.wait_all_tasks_blocked()
        assert came == []
        await handler.push_chunk("late")
    assert came == ["late"]
