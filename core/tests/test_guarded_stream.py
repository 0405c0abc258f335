"""`rails.stream()`: what was released together is taken together, and the stream says how much it holds."""

from __future__ import annotations

import anyio
import pytest
from fakes import FakeProvider, FunctionRail, SessionRail, words
from handrail import Blocked, Chunk, Finished, ReasoningDelta, Ruling, TextDelta, ToolCallDelta, Verdict, request_id
from handrail.errors import StreamClosedError


async def taken(stream):
    """Return the lists that `take` returned until the end."""
    lists = []
    while items := await stream.take():
        lists.append(items)
    return lists


async def test_what_a_window_releases_is_taken_together(guarded):
    g = guarded(FakeProvider(words(60), delay=0.01), {"a": FunctionRail(latency=0.5)}, chunk_size=20, context_size=5)
    async with g.rails.stream("hello") as stream:
        lists = await taken(stream)
    assert len(lists) < 10
    assert "".join(item for items in lists for item in items if isinstance(item, str)) == "".join(words(60))
    assert isinstance(lists[-1][-1], Finished)
    assert stream.response.text == "".join(words(60))


@pytest.mark.parametrize("read_ahead", [False, True])
@pytest.mark.parametrize("rails", [{}, {"a": SessionRail()}, {"a": FunctionRail()}])
async def test_taking_gives_what_iterating_gives_with_plain_text(guarded, rails, read_ahead):
    chunks = [Chunk("Hel"), Chunk(reasoning="hm"), Chunk("lo"), Chunk(" you", finish_reason="stop")]
    events = await guarded(FakeProvider(chunks), rails).events()
    async with guarded(FakeProvider(chunks), rails).rails.stream("hello", read_ahead=read_ahead) as stream:
        items = [item for items in await taken(stream) for item in items]
    assert [item.text if isinstance(item, TextDelta) else item for item in events] == items
    assert ReasoningDelta("hm") in items


@pytest.mark.parametrize("rails", [{}, {"a": SessionRail()}])
async def test_with_read_ahead_everything_that_came_meanwhile_is_taken_together(guarded, rails):
    provider = FakeProvider(words(30), delay=0.1)
    async with guarded(provider, rails).rails.stream("hello", read_ahead=True) as stream:
        assert await stream.take() == words(1)
        await anyio.sleep(1)
        assert await stream.take() == words(30)[1:11]
        assert await anext(stream) == TextDelta(words(30)[11], len("".join(words(11))))
    assert provider.closed == 1
    assert provider.produced == 12


async def test_a_model_is_read_ahead_up_to_max_pending(guarded):
    provider = FakeProvider(["word "] * 5000)
    async with guarded(provider, {}, max_pending=100).rails.stream("hello", read_ahead=True) as stream:
        await anyio.wait_all_tasks_blocked()
        assert provider.produced <= 101
        assert "".join(item for items in await taken(stream) for item in items if type(item) is str) == "word " * 5000


@pytest.mark.parametrize("rails", [{}, {"a": FunctionRail()}])
@pytest.mark.parametrize(
    "chunk",
    [
        Chunk(reasoning="hmm "),
        Chunk(tool_calls=(ToolCallDelta(0, "1", "f", "word ", "custom"),)),
        Chunk("word ", reasoning="hmm "),
    ],
    ids=["reasoning", "tool calls", "both"],
)
async def test_what_comes_beside_the_text_is_read_ahead_up_to_max_pending_too(guarded, rails, chunk):
    provider = FakeProvider([chunk] * 5000)
    g = guarded(provider, rails, max_pending=100)
    async with g.rails.stream("hello", read_ahead=True) as stream:
        await anyio.wait_all_tasks_blocked()
        assert provider.produced <= 101
        while await stream.take():
            pass
    assert provider.produced == 5000


async def test_offsets_go_on_after_what_was_taken(guarded):
    async with guarded(FakeProvider(["one ", "two ", "three"]), {}).rails.stream("hello") as stream:
        assert await anext(stream) == TextDelta("one ", 0)
        taken = "".join(item for item in await stream.take() if isinstance(item, str))
        assert "two three".startswith(taken)
        rest = [event async for event in stream]
        assert [event.start for event in rest if isinstance(event, TextDelta)] in ([], [8])


async def test_a_block_and_a_broken_generation_are_taken_like_events(guarded):
    rail = SessionRail(lambda text: Ruling("", block=Verdict.block("no")) if "bad" in text else Ruling(text))
    async with guarded(FakeProvider(["fine ", "bad"]), {"a": rail}).rails.stream("hello") as stream:
        lists = await taken(stream)
    assert lists[0][0] == "fine "
    assert isinstance(lists[-1][-1], Blocked)
    broken = guarded(FakeProvider(["fine "], error=OSError("gone")), {"a": FunctionRail()})
    async with broken.rails.stream("hello") as stream:
        assert await stream.take() == ["fine "]
        with pytest.raises(OSError, match="gone"):
            await stream.take()
    assert stream.response.outcome == "generation failed"


async def test_a_stream_can_be_taken_from_only_inside_its_block(guarded):
    stream = guarded(FakeProvider(["x"]), {}).rails.stream("hello")
    with pytest.raises(StreamClosedError, match="async with"):
        await stream.take()


@pytest.mark.parametrize("rails", [{}, {"a": FunctionRail()}])
async def test_a_stream_that_was_left_gives_nothing_more_and_its_outcome_stands(guarded, rails):
    async with guarded(FakeProvider(["x"]), rails).rails.stream("hello") as stream:
        await taken(stream)
        assert await stream.take() == []
    for more in (stream.take, stream.__anext__):
        with pytest.raises(StreamClosedError, match="async with"):
            await more()
    assert stream.response.outcome == "finished"


@pytest.mark.parametrize("rails", [{}, {"a": FunctionRail()}])
async def test_a_second_reader_is_refused_and_the_first_goes_on(guarded, rails):
    """Two tasks that wait for one stream would take from one another; with rails one of them waited forever."""
    async with guarded(FakeProvider(words(3), delay=1), rails).rails.stream("hello") as stream:
        first = []

        async def read():
            first.extend(await taken(stream))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await anyio.sleep(0.5)
            for more in (stream.take, stream.__anext__):
                with pytest.raises(StreamClosedError, match="already waiting for this stream"):
                    await more()
    assert "".join(item for items in first for item in items if type(item) is str) == "".join(words(3))
    assert stream.response.outcome == "finished"


@pytest.mark.parametrize("rails", [{"a": FunctionRail()}])
async def test_a_second_reader_of_an_iterator_is_refused_too(guarded, rails):
    texts = aiter(guarded(FakeProvider(words(3), delay=1), rails).rails.stream_async("hello"))
    first = []

    async def read():
        first.extend([text async for text in texts])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await anyio.sleep(0.5)
        with pytest.raises(StreamClosedError, match="already waiting for this stream"):
            await anext(texts)
    assert "".join(first) == "".join(words(3))


async def test_whoever_gave_up_waiting_may_wait_again(guarded):
    async with guarded(FakeProvider(words(2), delay=1), {"a": FunctionRail()}).rails.stream("hello") as stream:
        with anyio.move_on_after(0.5) as scope:
            await stream.take()
        assert scope.cancelled_caught
        assert [item for item in await stream.take() if type(item) is str]


async def test_a_stream_says_how_many_characters_wait_for_a_check(guarded):
    g = guarded(FakeProvider(words(10), hang=True), {"a": FunctionRail()})
    async with g.rails.stream("hello") as stream, anyio.create_task_group() as tasks:
        assert stream.held == 0
        tasks.start_soon(stream.take)
        await anyio.sleep(1)
        assert stream.held == len("".join(words(10)))
        tasks.cancel_scope.cancel()


async def test_a_stream_says_which_checks_run(guarded):
    g = guarded(FakeProvider(words(200), hang=True), {"a": FunctionRail(latency=5)})
    async with g.rails.stream("hello") as stream, anyio.create_task_group() as tasks:
        assert stream.checks_under_way == []
        tasks.start_soon(stream.take)
        await anyio.sleep(1)
        check, *_ = stream.checks_under_way
        assert (check.rail, check.channel, check.window[0]) == ("a", "text", 0)
        assert 0 < check.characters <= len("".join(words(200)))
        assert check.finished_at == 0
        await anyio.sleep(5)
        assert check.started_at not in [other.started_at for other in stream.checks_under_way]
        tasks.cancel_scope.cancel()


async def test_the_response_of_a_stream_has_what_the_options_ask_for(guarded):
    answer = [Chunk("Hi", metadata={"model": "m"}, finish_reason="stop")]
    g = guarded(FakeProvider(answer), {"a": FunctionRail()})
    async with g.rails.stream("hello", options={"llm_output": True, "output_vars": ["bot_message"]}) as stream:
        await taken(stream)
    assert stream.response.output_data == {"bot_message": "Hi"}
    assert stream.response.llm_output == {"finish_reason": "stop", "model": "m"}
    async with g.rails.stream("hello") as stream:
        await taken(stream)
    assert stream.response.output_data is stream.response.llm_output is None
    assert stream.response.log.activated_rails


@pytest.mark.parametrize("rails", [{}, {"a": FunctionRail()}])
async def test_the_id_of_a_request_reaches_the_provider_of_each_stream(guarded, rails):
    class Noting(FakeProvider):
        async def stream(self, messages, params):
            yield Chunk(request_id.get() or "none")

    async def ask(id_):
        request_id.set(id_)
        g = guarded(Noting(()), rails)
        assert "".join(await g.texts()) == id_
        assert await g.rails.generate_async("hello") == id_
        async with g.rails.stream("hello") as stream:
            assert (await stream.take())[0] == id_

    async with anyio.create_task_group() as tasks:
        for number in range(3):
            tasks.start_soon(ask, f"req-{number}")
