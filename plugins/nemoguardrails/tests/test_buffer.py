from __future__ import annotations

import pytest
from handrail import Registry
from handrail.plugins import StrategySpec, hookimpl
from nemoguardrails import LLMRails, RailsConfig
from nemoguardrails.rails.llm.buffer import BufferStrategy, ChunkBatch, RollingBuffer, get_buffer_strategy, strategy_of
from nemoguardrails.rails.llm.config import OutputRailsStreamingConfig


async def numbers(count):
    for number in range(count):
        yield str(number)


async def batches(count, context, size):
    buffer = RollingBuffer(buffer_context_size=context, buffer_chunk_size=size)
    return [batch async for batch in buffer(numbers(count))]


def names(*numbers):
    return [str(number) for number in numbers]


async def test_windows_overlap_and_the_last_has_nothing_new():
    assert await batches(15, 5, 10) == [
        ChunkBatch(names(*range(10)), names(*range(10))),
        ChunkBatch(names(*range(5, 15)), names(*range(10, 15))),
        ChunkBatch(names(*range(10, 15)), []),
    ]


async def test_without_context_no_chunk_is_judged_twice():
    assert await batches(5, 0, 2) == [(["0", "1"], ["0", "1"]), (["2", "3"], ["2", "3"]), (["4"], ["4"])]


@pytest.mark.parametrize(("context", "size"), [(-1, 3), (1, -3), (3, 3)])
def test_sizes_that_cannot_be_used_are_refused(context, size):
    with pytest.raises(ValueError, match="below the chunk size"):
        RollingBuffer(context, size)


def test_the_buffer_of_a_configuration_has_its_sizes():
    buffer = get_buffer_strategy(OutputRailsStreamingConfig(chunk_size=20, context_size=4))
    assert (buffer.buffer_chunk_size, buffer.buffer_context_size) == (20, 4)
    assert buffer.format_chunks(["a", "b"]) == "ab"


class Pairs(BufferStrategy):
    """Judges chunk by chunk, with the next one as context, and releases the one before."""

    @classmethod
    def from_config(cls, config):
        return cls()

    def format_chunks(self, chunks):
        return "".join(chunks)

    async def process_stream(self, streaming_handler):
        before = None
        async for chunk in streaming_handler:
            if before is not None:
                yield ChunkBatch([before, chunk], [before])
            before = chunk
        if before is not None:
            yield ChunkBatch([before], [before])


class Liar(Pairs):
    async def process_stream(self, streaming_handler):
        async for chunk in streaming_handler:
            yield ChunkBatch([], [chunk])


def rails_with(settings, buffer, answer, refused=()):
    class Plugin:
        @hookimpl
        def handrail_strategies(self):
            yield StrategySpec("mine", strategy_of(buffer))

    seen = []
    config = RailsConfig.from_content(config=settings(answer, flows=(), strategy="mine", stream_first=False))
    rails = LLMRails(config, registry=Registry.discover().with_plugins(Plugin()))
    rails.register_rail("look", lambda text: seen.append(text) or not any(word in text for word in refused))
    return rails, seen


async def test_a_buffer_of_ones_own_cuts_streams(settings):
    rails, seen = rails_with(settings, Pairs, "one two three")
    assert "".join([text async for text in rails.stream_async("?")]) == "one two three"
    assert sorted(seen) == ["one two ", "two three"]


async def test_what_it_holds_is_not_delivered(settings):
    rails, _ = rails_with(settings, Pairs, "one two three four", refused=["two three"])
    *delivered, error = [text async for text in rails.stream_async("?")]
    assert "".join(delivered) == "one "
    assert error.error["code"] == "content_blocked"


async def test_a_buffer_that_releases_what_it_does_not_show_stops_the_stream(settings):
    rails, _ = rails_with(settings, Liar, "one two")
    (error,) = [text async for text in rails.stream_async("?")]
    assert error.error["code"] == "rail_execution_failure"
