"""What every provider must do: subclass `ProviderConformance`, say how to make one, and run pytest."""

# ruff: noqa: S101  # these are tests, which authors of providers run

from __future__ import annotations

import copy
import traceback
from collections.abc import Awaitable, Mapping
from contextlib import aclosing
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import pytest
from handrail import Chunk, ToolCallDelta, Usage
from handrail.errors import HandrailError, ProviderError

from handrail_testkit._conformance import Conformance
from handrail_testkit._provider_case import PROMPT, ProviderCase, close_stream
from handrail_testkit._standstill import running_tasks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence


class ProviderConformance(Conformance, suite=True):
    """Tests of one provider, on asyncio and on trio. A subclass overrides the fixture `case`, and no test."""

    @pytest.fixture
    def case(self) -> ProviderCase:
        """Return how the provider is made, and what is known of it."""
        raise NotImplementedError("override the fixture 'case' so that it gives a ProviderCase with your provider")

    # What is given

    async def test_a_stream_is_an_async_iterator_that_needs_no_await(self, case: ProviderCase) -> None:
        """`stream` returns the iterator itself; make it an async generator, or a function that returns one."""
        stream = case.provider.stream(case.messages, case.params)
        assert not isinstance(stream, Awaitable), "stream() returned a coroutine; it must return an async iterator"
        assert hasattr(stream, "__anext__")
        await close_stream(stream)

    async def test_nothing_happens_before_the_first_chunk_is_asked_for(self, case: ProviderCase) -> None:
        """Calling `stream`, or closing what it gave, must not send a request."""
        before = case.requests()
        stream = case.provider.stream(case.messages, case.params)
        await anyio.lowlevel.checkpoint()
        await close_stream(stream)
        assert case.requests() == before

    async def test_everything_given_is_a_chunk_with_parts_of_the_right_types(self, case: ProviderCase) -> None:
        """A part that is absent has its default, never None in place of a text."""
        for chunk in await case.all():
            assert isinstance(chunk, Chunk)
            assert isinstance(chunk.text, str)
            assert isinstance(chunk.reasoning, str)
            assert all(isinstance(call, ToolCallDelta) for call in chunk.tool_calls)
            assert chunk.usage is None or isinstance(chunk.usage, Usage)
            assert chunk.finish_reason is None or isinstance(chunk.finish_reason, str)
            assert chunk.metadata is None or isinstance(chunk.metadata, Mapping)

    async def test_chunks_join_to_the_same_text_each_time(self, case: ProviderCase) -> None:
        """Text comes in at least two pieces, and nothing is lost or repeated between two calls."""
        first, second = [await case.all() for _ in range(2)]
        assert sum(bool(chunk.text) for chunk in first) > 1, "the answer came in one piece; it does not stream"
        assert _text(first) == _text(second)
        assert case.expected_text in (None, _text(first))

    async def test_the_reason_of_the_end_comes_once_and_after_all_text(self, case: ProviderCase) -> None:
        """The finish reason is told, by a chunk after which no text comes."""
        chunks = await case.all()
        ends = [at for at, chunk in enumerate(chunks) if chunk.finish_reason is not None]
        assert len(ends) == 1
        assert not any(chunk.text or chunk.reasoning or chunk.tool_calls for chunk in chunks[ends[0] + 1 :])

    async def test_usage_is_told_by_the_end(self, case: ProviderCase) -> None:
        """The last usage given is that of the whole call, prompt and answer."""
        usages = [chunk.usage for chunk in await case.all() if chunk.usage is not None]
        if not case.gives_usage:
            assert not usages, "usage is told after all; leave out 'gives_usage'"
            return
        assert usages
        assert usages[-1].input_tokens > 0
        assert usages[-1].output_tokens > 0

    async def test_arguments_are_left_as_they_were(self, case: ProviderCase) -> None:
        """Messages and parameters belong to the caller, who may use them again, and may not allow changes."""
        before = copy.deepcopy((list(case.messages), dict(case.params)))
        frozen = tuple(MappingProxyType(dict(message)) for message in case.messages)
        await replace(case, messages=frozen, params=MappingProxyType(dict(case.params))).all()
        await case.all()
        assert (list(case.messages), dict(case.params)) == before

    # How it ends early

    async def test_closing_early_stops_the_model_at_once(self, case: ProviderCase) -> None:
        """After `aclose` nothing of the request is left, and the iterator is at its end."""
        stream = case.provider.stream(case.messages, case.params)
        await anext(stream)
        with anyio.fail_after(PROMPT):
            await close_stream(stream)
        assert await case.has_stopped()
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        await close_stream(stream)

    async def test_another_task_may_close_what_one_has_begun(self, case: ProviderCase) -> None:
        """Keep no cancel scope or task group open across a `yield`: those belong to one task."""
        stream = case.provider.stream(case.messages, case.params)
        async with anyio.create_task_group() as first:
            first.start_soon(_first, stream)
        async with anyio.create_task_group() as second:
            second.start_soon(close_stream, stream)
        assert await case.has_stopped()

    async def test_cancelling_the_consumer_stops_the_model(self, case: ProviderCase) -> None:
        """Cancellation goes through to the request, and closing afterwards, still cancelled, works."""
        with anyio.fail_after(PROMPT), anyio.CancelScope() as scope:
            async with aclosing(case.stream()) as stream:
                async for _ in stream:
                    scope.cancel()
                    await anyio.lowlevel.checkpoint()
        assert scope.cancelled_caught
        assert await case.has_stopped()

    async def test_cancelling_while_the_model_is_awaited_stops_it(self, case: ProviderCase) -> None:
        """A request that has not answered yet is given up when the consumer is cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(case.all)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        assert await case.has_stopped()

    async def test_a_provider_answers_again_after_a_stream_was_left(self, case: ProviderCase) -> None:
        """A stream that is left early must not spoil the next."""
        whole = _text(await case.all())
        stream = case.provider.stream(case.messages, case.params)
        await anext(stream)
        await close_stream(stream)
        assert _text(await case.all()) == whole

    async def test_no_task_is_left_behind(self, case: ProviderCase) -> None:
        """What a stream begins ends with it, be it read to its end or left. Start tasks in a task group."""
        await case.all()  # what all streams share is there after the first
        for is_left in (True, False):
            before = running_tasks()
            async with aclosing(case.stream()) as stream:
                async for _ in stream:
                    if is_left:
                        break
            left = [name for task, name in running_tasks().items() if task not in before]
            assert not left, f"the tasks {', '.join(left)} are left"

    # Several at once

    async def test_streams_at_the_same_time_do_not_mix(self, case: ProviderCase) -> None:
        """What belongs to one stream must not be kept on the provider."""
        alone = _facts(await case.all())
        found: list[object] = []

        async def consume() -> None:
            chunks = []
            async with aclosing(case.stream()) as stream:
                async for chunk in stream:
                    chunks.append(chunk)
                    await anyio.lowlevel.checkpoint()
            found.append(_facts(chunks))

        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(consume)
        assert found == [alone] * 8

    async def test_closing_one_stream_leaves_another_alone(self, case: ProviderCase) -> None:
        """Two streams of one provider are closed apart from one another."""
        whole = _text(await case.all())
        left, kept = (case.provider.stream(case.messages, case.params) for _ in range(2))
        await anext(left)
        begun = [await anext(kept)]
        await close_stream(left)
        assert _text(begun + [chunk async for chunk in kept]) == whole

    # How it fails

    async def test_a_failure_is_a_provider_error_that_names_the_engine(self, case: ProviderCase) -> None:
        """Errors of an SDK or a library are turned into Handrail's, with the engine that the configuration names."""
        if case.failing is None:
            return
        with pytest.raises(ProviderError) as raised:
            await case.all(case.failing)
        assert raised.value.engine
        assert str(raised.value).strip()

    async def test_a_failed_stream_is_at_its_end(self, case: ProviderCase) -> None:
        """After the error the iterator ends, and closing it does nothing."""
        if case.failing is None:
            return
        stream = case.failing.stream(case.messages, case.params)
        with pytest.raises(HandrailError):
            await _exhaust(stream)
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        await close_stream(stream)

    async def test_the_key_appears_nowhere(self, case: ProviderCase, caplog: pytest.LogCaptureFixture) -> None:
        """Neither `repr`, nor an error and what it was caused by, nor a log at any level shows the key."""
        if case.secret is None:
            return
        caplog.set_level("DEBUG")
        shown = [repr(case.provider), repr(getattr(case.provider, "__dict__", None))]
        await case.all()
        if case.failing is not None:
            with pytest.raises(ProviderError) as raised:
                await case.all(case.failing)
            shown += ["".join(traceback.format_exception(raised.value)), repr(raised.value)]
            shown += [str(vars(raised.value))]
        assert case.secret not in "".join([*shown, caplog.text])

    async def test_a_provider_can_be_closed_twice(self, case: ProviderCase) -> None:
        """`aclose` may be missing; if it is there, it can be called at any time and again."""
        if not hasattr(case.provider, "aclose"):
            return
        await case.provider.aclose()
        await case.provider.aclose()


async def _exhaust(stream: AsyncIterator[Chunk]) -> None:
    with anyio.fail_after(PROMPT):
        async for _ in stream:
            pass


async def _first(stream: AsyncIterator[Chunk]) -> Chunk:
    return await anext(stream)


def _text(chunks: Sequence[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def _facts(chunks: Sequence[Chunk]) -> tuple[str, str, object, object]:
    usages = [chunk.usage for chunk in chunks if chunk.usage is not None]
    reasons = [chunk.finish_reason for chunk in chunks if chunk.finish_reason is not None]
    return _text(chunks), "".join(chunk.reasoning for chunk in chunks), usages[-1:], reasons
