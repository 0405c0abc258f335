"""Providers that are bad on purpose: each fails the tests of the rules that it breaks, and no others."""

from __future__ import annotations

import pytest
from handrail_testkit import ProviderConformance

PARTS = '''
    from __future__ import annotations

    import asyncio
    from contextlib import aclosing

    import anyio
    import anyio.lowlevel
    import pytest
    from handrail import Chunk, Usage
    from handrail.errors import ProviderError
    from handrail_testkit import ProviderCase, ProviderConformance


    @pytest.fixture
    def anyio_backend():
        return "asyncio"


    class Good:
        """Says three letters."""

        texts = ("a", "b", "c")

        def __init__(self, fails=False):
            self.fails, self.asked, self.open, self.closed = fails, 0, 0, False

        async def stream(self, messages, params):
            self.asked += 1
            self.open += 1
            try:
                for text in self.texts:
                    await anyio.lowlevel.checkpoint()
                    yield self.chunk(text)
                if self.fails:
                    raise self.failure()
                yield Chunk(finish_reason="stop", usage=Usage(1, 2))
            finally:
                self.open -= 1

        def chunk(self, text):
            return Chunk(text)

        def failure(self):
            return ProviderError("gone", engine="good")

        async def aclose(self):
            self.closed = True


    class Suite(ProviderConformance):
        provider = Good

        @pytest.fixture
        def case(self):
            provider, failing = self.provider(), self.provider(fails=True)
            return ProviderCase(
                provider=provider,
                messages=({"role": "user", "content": "Hello"},),
                failing=failing,
                secret="sk-secret",
                requests=lambda: provider.asked + failing.asked,
                is_idle=lambda: provider.open == 0,
            )


    class TestGood(Suite):
        pass


    class TestLeavesATask(Suite):
        class provider(Good):
            def chunk(self, text):
                self.task = asyncio.get_running_loop().create_task(asyncio.sleep(0))
                return super().chunk(text)


    class TestNeedsAnAwait(Suite):
        class provider(Good):
            async def stream(self, messages, params):
                return super().stream(messages, params)


    class TestAsksAtOnce(Suite):
        class provider(Good):
            def stream(self, messages, params):
                self.asked += 1
                return super().stream(messages, params)


    class TestGivesAListOfFacts(Suite):
        class provider(Good):
            def chunk(self, text):
                return Chunk(text, metadata=["fact"])


    class TestSaysItAtOnce(Suite):
        class provider(Good):
            texts = ("abc",)


    class TestEndsTwice(Suite):
        class provider(Good):
            def chunk(self, text):
                return Chunk(text, finish_reason="stop")


    class TestTellsNoUsage(Suite):
        class provider(Good):
            async def stream(self, messages, params):
                async for chunk in super().stream(messages, params):
                    yield Chunk(chunk.text, finish_reason=chunk.finish_reason)


    class TestChangesTheMessages(Suite):
        class provider(Good):
            async def stream(self, messages, params):
                messages[0]["seen"] = True
                async with aclosing(super().stream(messages, params)) as stream:
                    async for chunk in stream:
                        yield chunk


    class TestCannotBeClosed(Suite):
        class provider(Good):
            def stream(self, messages, params):
                return Unclosable(super().stream(messages, params))


    class TestYieldsInAScope(Suite):
        class provider(Good):
            async def stream(self, messages, params):
                with anyio.CancelScope():
                    async with aclosing(super().stream(messages, params)) as stream:
                        async for chunk in stream:
                            yield chunk


    class TestClosesWithAnAwait(Suite):
        class provider(Good):
            async def stream(self, messages, params):
                self.open += 1
                try:
                    async with aclosing(super().stream(messages, params)) as stream:
                        async for chunk in stream:
                            yield chunk
                finally:
                    await anyio.lowlevel.checkpoint()
                    self.open -= 1


    class TestGoesOnWhenItIsCancelled(Suite):
        class provider(Good):
            async def stream(self, messages, params):
                self.open += 1
                await anyio.sleep(0.01)
                self.open -= 1
                async with aclosing(super().stream(messages, params)) as stream:
                    async for chunk in stream:
                        yield chunk


    class TestIsSpoiltWhenItIsLeft(Suite):
        class provider(Good):
            async def stream(self, messages, params):
                try:
                    async with aclosing(super().stream(messages, params)) as stream:
                        async for chunk in stream:
                            yield chunk
                except GeneratorExit:
                    self.texts = ("x", "y")
                    raise


    class TestKeepsItsTextOnItself(Suite):
        class provider(Good):
            async def stream(self, messages, params):
                self.said = ""
                async with aclosing(super().stream(messages, params)) as stream:
                    async for chunk in stream:
                        self.said += chunk.text
                        await anyio.lowlevel.checkpoint()
                        yield Chunk(self.said, finish_reason=chunk.finish_reason, usage=chunk.usage)


    class TestClosesThemAll(Suite):
        class provider(Good):
            running = True

            async def stream(self, messages, params):
                self.running = True
                try:
                    async with aclosing(super().stream(messages, params)) as stream:
                        async for chunk in stream:
                            if self.running:
                                yield chunk
                except GeneratorExit:
                    self.running = False
                    raise


    class TestRaisesItsOwnErrors(Suite):
        class provider(Good):
            def failure(self):
                return OSError("gone")


    class TestNamesNoEngine(Suite):
        class provider(Good):
            def failure(self):
                return ProviderError("gone")


    class TestFailsForEver(Suite):
        class provider(Good):
            def stream(self, messages, params):
                stream = super().stream(messages, params)
                return Unclosable(stream, closes=True, fails=self.failure()) if self.fails else stream


    class TestShowsItsKey(Suite):
        class provider(Good):
            def __repr__(self):
                return "<provider with sk-secret>"


    class TestCanBeClosedOnce(Suite):
        class provider(Good):
            async def aclose(self):
                if self.closed:
                    raise RuntimeError("closed already")
                await super().aclose()


    class Unclosable:
        """A stream of which closing it does nothing, or that fails at each chunk."""

        def __init__(self, stream, closes=False, fails=None):
            self.stream, self.closes, self.fails = stream, closes, fails

        def __aiter__(self):
            return self

        async def __anext__(self):
            if self.fails is not None:
                raise self.fails
            return await anext(self.stream)

        async def aclose(self):
            if self.closes:
                await self.stream.aclose()
'''

IS_ITERATOR = "test_a_stream_is_an_async_iterator_that_needs_no_await"
LAZY = "test_nothing_happens_before_the_first_chunk_is_asked_for"
TYPES = "test_everything_given_is_a_chunk_with_parts_of_the_right_types"
TEXT = "test_chunks_join_to_the_same_text_each_time"
END = "test_the_reason_of_the_end_comes_once_and_after_all_text"
USAGE = "test_usage_is_told_by_the_end"
ARGUMENTS = "test_arguments_are_left_as_they_were"
CLOSED = "test_closing_early_stops_the_model_at_once"
OTHER_TASK = "test_another_task_may_close_what_one_has_begun"
CANCELLED = "test_cancelling_the_consumer_stops_the_model"
AWAITED = "test_cancelling_while_the_model_is_awaited_stops_it"
AGAIN = "test_a_provider_answers_again_after_a_stream_was_left"
MIXED = "test_streams_at_the_same_time_do_not_mix"
ONE_LEFT = "test_closing_one_stream_leaves_another_alone"
FAILURE = "test_a_failure_is_a_provider_error_that_names_the_engine"
AT_ITS_END = "test_a_failed_stream_is_at_its_end"
KEY = "test_the_key_appears_nowhere"
TWICE = "test_a_provider_can_be_closed_twice"

BROKEN = {
    "TestNeedsAnAwait": ProviderConformance.suite_tests - {TWICE},
    "TestAsksAtOnce": {LAZY},
    "TestGivesAListOfFacts": {TYPES},
    "TestSaysItAtOnce": {TEXT},
    "TestEndsTwice": {END},
    "TestTellsNoUsage": {USAGE},
    "TestChangesTheMessages": {ARGUMENTS},
    "TestCannotBeClosed": {CLOSED, OTHER_TASK},
    "TestYieldsInAScope": {CLOSED, OTHER_TASK, ONE_LEFT},
    "TestClosesWithAnAwait": {CANCELLED},
    "TestGoesOnWhenItIsCancelled": {AWAITED},
    "TestIsSpoiltWhenItIsLeft": {AGAIN},
    "TestKeepsItsTextOnItself": {MIXED},
    "TestClosesThemAll": {ONE_LEFT},
    "TestRaisesItsOwnErrors": {FAILURE, AT_ITS_END, KEY},
    "TestNamesNoEngine": {FAILURE},
    "TestFailsForEver": {AT_ITS_END},
    "TestShowsItsKey": {KEY},
    "TestLeavesATask": {"test_no_task_is_left_behind"},
    "TestCanBeClosedOnce": {TWICE},
}


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
def test_each_bad_provider_fails_the_tests_of_the_rules_that_it_breaks(failures, assert_each_bites, anyio_backend):
    assert_each_bites(failures(PARTS), BROKEN, ProviderConformance)
