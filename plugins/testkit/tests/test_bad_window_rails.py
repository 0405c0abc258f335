"""Window rails that are bad on purpose: each fails the tests of the rules that it breaks, and no others."""

from __future__ import annotations

import pytest
from handrail_testkit import WindowRailConformance

PARTS = '''
    from __future__ import annotations

    import asyncio
    import logging
    import time
    from dataclasses import replace

    import anyio
    import anyio.lowlevel
    import pytest
    from handrail import Edit, Registry, Verdict
    from handrail.errors import ProviderError
    from handrail.plugins import RailSpec, hookimpl
    from handrail_scripted import ScriptedProvider
    from handrail_testkit import RailCase, WindowRailConformance

    LONG = "word and so on, " * 7
    INSTALLED = Registry.discover()
    SMALL = {"chunk_size": 20, "context_size": 5}
    WORD, TYPO = "bomb", "colour"


    @pytest.fixture
    def anyio_backend():
        return "asyncio"


    class Good:
        """Blocks a word and corrects another."""

        def __init__(self, settings, context):
            self.settings, self.context = settings, context

        async def check(self, window, turn):
            await anyio.lowlevel.checkpoint()
            return self.judge(window)

        def judge(self, window):
            if (at := window.text.find(WORD)) >= 0:
                return Verdict.block("it says it", category="word", span=self.span(window, at, at + len(WORD)))
            if edits := self.edits(window):
                return Verdict.rewrite(edits)
            return Verdict.allow()

        def edits(self, window):
            at, found = -1, []
            while (at := window.text.find(TYPO, at + 1)) >= 0:
                found.append(Edit(*self.span(window, at, at + len(TYPO)), "color"))
            return found

        def span(self, window, start, end):
            return window.span(start, end)


    class Suite(WindowRailConformance):
        rail = Good
        settings = {}
        more = {}
        broken = None

        @pytest.fixture
        def case(self):
            return self.make_case(self.rail, failing=self.make_case(self.broken) if self.broken else None)

        def make_case(self, kind, **more):
            class Plugin:
                @hookimpl
                def handrail_rails(self):
                    yield RailSpec("word check", kind, stateful=hasattr(kind, "open") and not hasattr(kind, "check"))

            judge = ScriptedProvider.from_texts("no")
            registry = INSTALLED.with_plugins(Plugin(), judge.as_plugin("judge"))
            return RailCase(
                "word check",
                settings=self.settings,
                registry=registry,
                config={"models": [{"type": "judge", "engine": "judge"}], "rails": {"output": {"streaming": SMALL}}},
                **{
                    "allows": ("All is well.", LONG),
                    "blocks": {"a bomb here": "bomb", "bomb " + LONG: "bomb"},
                    "rewrites": {"a colour": "a color", LONG + "colour " + LONG: LONG + "color " + LONG},
                    **self.more,
                    **more,
                },
            )


    class TestGood(Suite):
        pass


    class Raises(Good):
        async def check(self, window, turn):
            raise OSError("the service is down")


    class TestGoodThatCanFail(Suite):
        broken = Raises


    class Sessions:
        """The same, by sessions."""

        def __init__(self, settings, context):
            self.judge = Good(settings, context).judge

        def open(self, turn):
            return Session(self)


    class Session:
        def __init__(self, rail):
            self.rail, self.angry = rail, False

        async def check(self, window):
            await anyio.lowlevel.checkpoint()
            return self.rail.judge(window)


    class TestGoodWithSessions(Suite):
        rail = Sessions


    class TestOpensNothing(Suite):
        class rail(Sessions):
            def open(self, turn):
                return None


    class TestHasOneSessionForAll(Suite):
        class rail(Sessions):
            def __init__(self, settings, context):
                super().__init__(settings, context)
                self.angry = False

            def open(self, turn):
                return Grudge(self)


    class Grudge(Session):
        async def check(self, window):
            verdict = await super().check(window)
            if self.rail.angry and window.text == "All is well.":
                return Verdict.block("somebody said a word before")
            self.rail.angry |= verdict.decision == "block"
            return verdict


    class TestExamplesOfOneKind(Suite):
        more = {"blocks": (), "rewrites": {}}


    class TestBlocksWindowsInTheMiddle(Suite):
        class rail(Good):
            def judge(self, window):
                return super().judge(window) if window.start == 0 else Verdict.block("it has no beginning")


    class TestDecidesAtTheEnd(Suite):
        class rail(Good):
            def judge(self, window):
                return super().judge(window) if window.last or WORD not in window.text else Verdict.allow()


    class TestKeepsTheTextOnItself(Suite):
        class rail(Good):
            async def check(self, window, turn):
                self.window = window
                await anyio.lowlevel.checkpoint()
                return self.judge(self.window)


    class TestBearsAGrudge(Suite):
        class rail(Good):
            angry = False

            def judge(self, window):
                verdict = super().judge(window)
                if self.angry and window.text == "All is well.":
                    return Verdict.block("it said a word before")
                self.angry |= verdict.decision == "block"
                return verdict


    class TestCountsItsKind(Suite):
        class rail(Good):
            made = []

            def __init__(self, settings, context):
                super().__init__(settings, context)
                self.made.append(self)

            def judge(self, window):
                verdict = super().judge(window)
                return Verdict.block(category=f"x{len(self.made)}") if verdict.decision == "block" else verdict


    class TestBelongsToALoop(Suite):
        class rail(Good):
            loop = None

            async def check(self, window, turn):
                self.loop = self.loop or anyio.lowlevel.current_token()
                assert self.loop == anyio.lowlevel.current_token(), "attached to a different loop"
                return await super().check(window, turn)


    class TestKnowsAsyncioOnly(Suite):
        @pytest.fixture
        def anyio_backend(self):
            return "trio"

        class rail(Good):
            async def check(self, window, turn):
                await asyncio.sleep(0)
                return self.judge(window)


    class TestAllowsWhatItCannotJudge(Suite):
        class broken(Good):
            async def check(self, window, turn):
                return Verdict.allow()


    class TestFailsWithoutAWord(Suite):
        class broken(Good):
            async def check(self, window, turn):
                raise OSError


    class TestAllowsWhenItsModelFails(Suite):
        class rail(Good):
            async def check(self, window, turn):
                try:
                    asked = [{"role": "user", "content": "?"}]
                    await self.context.model("judge").complete(asked, turn=turn, task="judge")
                except ProviderError:
                    return Verdict.allow()
                return self.judge(window)


    class TestShowsItsKey(Suite):
        settings = {"key": "sk-secret"}
        more = {"secret": "sk-secret"}

        class rail(Good):
            def __repr__(self):
                return f"<rail with {self.settings}>"


    class TestIsAStreamRailToo(Suite):
        class rail(Good):
            open = None


    class TestRewritesNothing(Suite):
        class rail(Good):
            def judge(self, window):
                verdict = super().judge(window)
                return verdict if verdict.decision != "allow" else Verdict.rewrite([])


    class TestCountsFromTheWindow(Suite):
        class rail(Good):
            def span(self, window, start, end):
                return (start, end) if window.text[start:end] == WORD else window.span(start, end)


    class TestKnowsNoSurrogates(Suite):
        class rail(Good):
            def judge(self, window):
                window.text.encode()
                return super().judge(window)


    class TestChangesTheVariables(Suite):
        class rail(Good):
            async def check(self, window, turn):
                turn.variables["checked"] = True
                return await super().check(window, turn)


    class TestHoldsUpTheLoop(Suite):
        class rail(Good):
            async def check(self, window, turn):
                time.sleep(0.001)
                return self.judge(window)


    class TestComputesOnTheLoop(Suite):
        class rail(Good):
            def judge(self, window):
                end = time.thread_time() + 0.05
                while window.text == "All is well." and time.thread_time() < end:
                    pass
                return super().judge(window)


    class TestPlainAndSlow(Suite):
        class rail(Good):
            def check(self, window, turn):
                time.sleep(0.001)
                return self.judge(window)


    class TestPlain(Suite):
        class rail(Good):
            def check(self, window, turn):
                return self.judge(window)


    class TestPlainAndSilent(Suite):
        class rail(Good):
            def check(self, window, turn):
                verdict = self.judge(window)
                return verdict if verdict.decision != "allow" else None


    class TestLeavesATask(Suite):
        class rail(Good):
            async def check(self, window, turn):
                self.task = asyncio.get_running_loop().create_task(asyncio.sleep(0.01))
                return self.judge(window)


    class TestLogsWhatItJudges(Suite):
        class rail(Good):
            async def check(self, window, turn):
                logging.getLogger("rail").info("judging %s", window.text)
                return self.judge(window)


    class TestPrintsWhatItJudges(Suite):
        class rail(Good):
            async def check(self, window, turn):
                print(window.text)
                return self.judge(window)


    class TestLooksAtTheNewPart(Suite):
        class rail(Good):
            def judge(self, window):
                new = window.start - window.context_start
                return super().judge(replace(window, text=window.text[new:], context_start=window.start))


    class TestSerialises(Suite):
        @pytest.fixture(autouse=True)
        def impatient(self, request):
            if request.node.originalname == "test_a_check_does_not_wait_for_another":  # which waits in vain
                self.more = {"patience": 0.5}

        class rail(Good):
            def __init__(self, settings, context):
                super().__init__(settings, context)
                self.limit = anyio.Semaphore(1)

            async def check(self, window, turn):
                async with self.limit:
                    return await super().check(window, turn)


    class TestAllowsWhenItsConnectionBreaks(Suite):
        class rail(Good):
            async def check(self, window, turn):
                try:
                    return await super().check(window, turn)
                except OSError:
                    return Verdict.allow()


    class TestCountsItsCalls(Suite):
        class rail(Good):
            calls = 0

            def judge(self, window):
                self.calls += 1
                return super().judge(window) if self.calls % 5 else Verdict.allow()


    class TestChangesTheWindow(Suite):
        class rail(Good):
            async def check(self, window, turn):
                object.__setattr__(window, "text", window.text.lower().replace(WORD, ""))
                return await super().check(window, turn)


    class TestCountsBytes(Suite):
        class rail(Good):
            def span(self, window, start, end):
                return window.span(*(len(window.text[:place].encode("utf-8", "replace")) for place in (start, end)))


    class TestSearchesALowerCaseCopy(Suite):
        class rail(Good):
            def judge(self, window):
                return super().judge(replace(window, text=window.text.lower()))


    class TestTruncates(Suite):
        class rail(Good):
            def judge(self, window):
                return super().judge(replace(window, text=window.text[:512]))


    class TestSaysTrue(Suite):
        class rail(Good):
            async def check(self, window, turn):
                return (await super().check(window, turn)).decision == "allow" or Verdict.block()


    class TestSwallowsCancellation(Suite):
        class rail(Good):
            async def check(self, window, turn):
                try:
                    await anyio.lowlevel.checkpoint()
                finally:
                    return self.judge(window)
'''

VERDICTS = "test_examples_get_the_verdicts_that_they_must_have"
SPANS = "test_spans_and_edits_are_places_of_the_whole_text"
ANY_TEXT = "test_any_text_gets_a_verdict"
GIVEN = "test_what_a_check_is_given_stays_as_it_was"
ALLOWED = "test_allowed_text_is_delivered_as_it_is"
BLOCKED = "test_blocked_text_is_never_delivered"
REWRITTEN = "test_rewritten_text_is_delivered_exactly"
IN_LONG = "test_examples_in_a_long_text_fare_the_same"
AT_ONCE = "test_checks_of_one_stream_can_run_at_once_and_in_any_order"
BESIDE = "test_streams_at_the_same_time_do_not_mix"
AFTER = "test_a_stream_leaves_no_trace_in_the_next"
INDEPENDENT = "test_rails_of_one_kind_are_independent"
LOOPS = "test_it_works_in_one_event_loop_after_another"
CANNOT = "test_a_rail_that_cannot_do_its_work_lets_nothing_pass"
RAISED = "test_a_failure_is_raised_and_no_verdict"
LOOP = "test_the_event_loop_is_not_held_up"
TASKS = "test_no_task_is_left_behind"
SHOWN = "test_what_it_refuses_is_neither_logged_nor_printed"
ACROSS = "test_what_lies_across_two_windows_is_seen"
ALONE = "test_a_check_does_not_wait_for_another"
BROKEN_OFF = "test_what_fails_at_any_await_lets_nothing_pass"
CANCELLED = "test_a_check_can_be_cancelled_at_any_await"
CHECK = "test_it_has_a_check"
CHARACTERS = "test_places_are_counted_in_characters"
TO_ITS_END = "test_a_long_window_is_judged_to_its_end"
OF_CHECKS = {CHECK, VERDICTS, SPANS, ANY_TEXT, GIVEN, ACROSS, AT_ONCE, CANCELLED, ALONE, BROKEN_OFF, TO_ITS_END}

APART = "test_streams_of_a_stateful_rail_share_nothing"

BROKEN = {
    "TestOpensNothing": OF_CHECKS | {APART, ALLOWED, BLOCKED, REWRITTEN, IN_LONG, CHARACTERS},
    "TestHasOneSessionForAll": {AFTER, BESIDE, INDEPENDENT, AT_ONCE, APART},
    "TestExamplesOfOneKind": {"test_the_examples_show_what_passes_and_what_does_not"},
    "TestBlocksWindowsInTheMiddle": {ALLOWED, REWRITTEN, IN_LONG, SPANS, ACROSS, CHARACTERS},
    "TestDecidesAtTheEnd": {BLOCKED, IN_LONG},
    "TestKeepsTheTextOnItself": {BLOCKED, REWRITTEN, BESIDE, AT_ONCE, CHARACTERS},
    "TestBearsAGrudge": {AFTER, BESIDE, INDEPENDENT, AT_ONCE},
    "TestCountsItsKind": {INDEPENDENT},
    "TestBelongsToALoop": {LOOPS},
    "TestKnowsAsyncioOnly": {*OF_CHECKS, ALLOWED, BLOCKED, REWRITTEN, IN_LONG, LOOPS, CHARACTERS},
    "TestAllowsWhatItCannotJudge": {CANNOT, RAISED},
    "TestFailsWithoutAWord": {RAISED},
    "TestAllowsWhenItsModelFails": {"test_a_model_that_fails_lets_nothing_pass"},
    "TestShowsItsKey": {"test_the_secret_appears_nowhere"},
    "TestIsAStreamRailToo": {CHECK},
    "TestRewritesNothing": {VERDICTS},
    "TestCountsFromTheWindow": {SPANS},
    "TestKnowsNoSurrogates": {ANY_TEXT},
    "TestChangesTheVariables": {GIVEN},
    "TestSwallowsCancellation": {CANCELLED},
    "TestHoldsUpTheLoop": {LOOP},
    "TestComputesOnTheLoop": {LOOP},
    "TestPlainAndSlow": {LOOP},
    "TestPlainAndSilent": {CHECK, VERDICTS, SPANS, ANY_TEXT, ACROSS, AT_ONCE, ALLOWED, REWRITTEN, IN_LONG, CHARACTERS},
    "TestLeavesATask": {TASKS, LOOPS},
    "TestLogsWhatItJudges": {SHOWN},
    "TestPrintsWhatItJudges": {SHOWN},
    "TestLooksAtTheNewPart": {ACROSS},
    "TestSerialises": {ALONE, LOOPS},
    "TestAllowsWhenItsConnectionBreaks": {BROKEN_OFF},
    "TestCountsItsCalls": {
        VERDICTS,
        SPANS,
        ACROSS,
        AT_ONCE,
        BROKEN_OFF,
        BLOCKED,
        REWRITTEN,
        BESIDE,
        INDEPENDENT,
        CHARACTERS,
    },
    "TestChangesTheWindow": {VERDICTS, BLOCKED, IN_LONG, CHARACTERS, TO_ITS_END},
    "TestCountsBytes": {CHARACTERS},
    "TestSearchesALowerCaseCopy": {CHARACTERS},
    "TestTruncates": {TO_ITS_END},
    "TestSaysTrue": OF_CHECKS - {GIVEN, BROKEN_OFF, TO_ITS_END} | {ALLOWED, REWRITTEN, IN_LONG, CHARACTERS},
}


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
def test_each_bad_rail_fails_the_tests_of_the_rules_that_it_breaks(failures, assert_each_bites, anyio_backend):
    assert_each_bites(failures(PARTS, only=BROKEN), BROKEN, WindowRailConformance)


@pytest.mark.heavy
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
def test_each_bad_rail_passes_all_other_tests(failures, assert_each_bites, anyio_backend):
    assert_each_bites(failures(PARTS), BROKEN, WindowRailConformance)
