"""Strategies that are bad on purpose: each fails the tests of the rules that it breaks, and no others."""

from __future__ import annotations

import pytest
from handrail_testkit import StrategyConformance

PARTS = '''
    from __future__ import annotations

    from dataclasses import replace

    import pytest
    from handrail import Registry, Window
    from handrail.plugins import StrategySpec, hookimpl
    from handrail_testkit import StrategyCase, StrategyConformance, virtual_backend
    from pydantic import BaseModel, ConfigDict

    INSTALLED = Registry.discover()
    SIZE, CONTEXT = 60, 15


    class Settings(BaseModel):
        pass


    class Good:
        """Windows of so many characters that repeat some, which are held."""

        def __init__(self, settings, count_tokens):
            self.text, self.base, self.start, self.finished = "", 0, 0, False

        def feed(self, text):
            self.text += text

        def finish(self):
            self.finished = True

        def window(self):
            length = self.base + len(self.text)
            context_start = max(self.start - CONTEXT, 0)
            end = min(context_start + SIZE, length)
            if end <= self.start or (end < context_start + SIZE and not self.finished):
                return None
            last = self.finished and end == length
            window = Window(
                self.text[context_start - self.base : end - self.base],
                context_start,
                self.start,
                end,
                end if last else max(end - CONTEXT, 0),
                last,
            )
            self.start = end
            self.forget(max(end - CONTEXT, 0))
            return window

        def forget(self, keep):
            self.text = self.text[keep - self.base :]
            self.base = keep


    class Suite(StrategyConformance):
        strategy = Good
        settings_model = Settings

        @pytest.fixture
        def anyio_backend(self):
            return virtual_backend("asyncio")

        @pytest.fixture
        def case(self):
            strategy, model = self.strategy, self.settings_model

            class Plugin:
                @hookimpl
                def handrail_strategies(self):
                    yield StrategySpec("characters", strategy, settings=model)

            return StrategyCase("characters", registry=INSTALLED.with_plugins(Plugin()))


    class TestGood(Suite):
        pass


    class Changed(Good):
        """Changes the windows of a good one."""

        def window(self):
            window = super().window()
            return window if window is None else self.changed(window)

        def changed(self, window):
            return window


    class TestShowsOtherContext(Suite):
        class strategy(Changed):
            def changed(self, window):
                context = window.start - window.context_start
                return replace(window, text="x" * context + window.text[context:])


    class TestForgetsTheRest(Suite):
        class strategy(Changed):
            def window(self):
                return None if self.finished else super().window()


    class TestLeavesAGap(Suite):
        class strategy(Changed):
            def changed(self, window):
                if window.end - window.start < 5:
                    return window
                cut = window.start + 2 - window.context_start
                return replace(window, start=window.start + 2, context_start=window.start + 2, text=window.text[cut:])


    class TestClearsLessAndLess(Suite):
        class strategy(Changed):
            def changed(self, window):
                return window if window.last or window.start == 0 else replace(window, clears=0)


    class TestClearsWhatItHasNotSeen(Suite):
        class strategy(Changed):
            def changed(self, window):
                return replace(window, clears=window.end + 10)


    class TestHoldsWithoutContext(Suite):
        class strategy(Changed):
            def changed(self, window):
                text = window.text[window.start - window.context_start :]
                return replace(window, text=text, context_start=window.start)


    class TestNeverKnowsTheEnd(Suite):
        class strategy(Changed):
            def changed(self, window):
                return replace(window, last=False)


    class TestIsShyOfTheEnd(Suite):
        class strategy(Changed):
            def changed(self, window):
                return replace(window, clears=max(window.end - CONTEXT, 0))


    class TestGivesAWindowEveryOtherTime(Suite):
        class strategy(Good):
            asked = 0

            def window(self):
                self.asked += 1
                return super().window() if self.asked % 2 else None


    class TestGivesAWindowOfNothing(Suite):
        class strategy(Good):
            pieces = 0

            def feed(self, text):
                super().feed(text)
                self.pieces += 1

            def window(self):
                if self.finished and self.pieces and not self.start and not self.text:
                    self.start = 1
                    return Window("", 0, 0, 0, 0, last=True)
                return super().window()


    class TestNeedsLessThanItSays(Suite):
        class strategy(Good):
            needs = 2 * SIZE


    class TestSharesItsText(Suite):
        class strategy(Good):
            texts = {}

            @property
            def text(self):
                return self.texts["text"]

            @text.setter
            def text(self, text):
                self.texts["text"] = text


    class TestCutsByPieces(Suite):
        class strategy(Good):
            """Gives what has come since it was asked, as one window without context."""

            def window(self):
                if not self.text:
                    return None
                start, end, text = self.base, self.base + len(self.text), self.text
                self.base, self.text = end, ""
                return Window(text, start, start, end, end, self.finished)


    class TestRepeatsEverything(Suite):
        class strategy(Changed):
            seen = ""

            def feed(self, text):
                super().feed(text)
                self.seen += text

            def changed(self, window):
                return replace(window, text=self.seen[: window.end], context_start=0)


    class TestKeepsEverything(Suite):
        class strategy(Good):
            seen = ""

            def feed(self, text):
                super().feed(text)
                self.seen += text


    class TestCountsFromTheBeginning(Suite):
        class strategy(Good):
            seen = 0

            def feed(self, text):
                super().feed(text)
                self.seen += len(text)
                for _ in range(self.seen // 8):
                    pass


    class TestTakesAnySetting(Suite):
        class settings_model(BaseModel):
            model_config = ConfigDict(extra="allow")
'''

TEXT = "test_windows_have_the_text_that_they_say"
COVER = "test_windows_cover_everything_in_order"
CLEARS = "test_what_is_cleared_goes_forwards_and_not_beyond_the_window"
AGAIN = "test_what_is_held_is_seen_again"
LAST = "test_only_the_end_of_the_text_is_last"
TWICE = "test_asking_again_gives_nothing_twice"
EMPTY = "test_without_text_there_is_no_window"
NEEDS = "test_what_it_says_that_it_needs_is_true"
APART = "test_strategies_know_nothing_of_one_another"
SIZES = "test_sizes_do_not_hang_on_the_pieces"
READ = "test_what_rails_read_is_linear_in_the_text"
KEPT = "test_what_it_keeps_does_not_grow"
WORK = "test_its_work_is_linear_in_the_text"
SETTINGS = "test_unknown_settings_are_refused"
DELIVERS = "test_a_stream_delivers_everything_that_its_rail_allows"
BLOCKS = "test_a_stream_delivers_nothing_that_its_rail_blocks"

BROKEN = {
    "TestShowsOtherContext": {TEXT, DELIVERS, BLOCKS},
    "TestForgetsTheRest": {COVER, DELIVERS, BLOCKS},
    "TestLeavesAGap": {COVER, AGAIN, DELIVERS, BLOCKS},
    "TestClearsLessAndLess": {CLEARS, AGAIN},
    "TestClearsWhatItHasNotSeen": {CLEARS, LAST, DELIVERS, BLOCKS},
    "TestHoldsWithoutContext": {AGAIN},
    "TestNeverKnowsTheEnd": {LAST},
    "TestIsShyOfTheEnd": {LAST},
    "TestGivesAWindowEveryOtherTime": {TWICE, COVER, APART, DELIVERS},
    "TestGivesAWindowOfNothing": {EMPTY, TEXT, COVER, LAST, CLEARS, AGAIN},
    "TestNeedsLessThanItSays": {NEEDS},
    "TestSharesItsText": {APART},
    "TestCutsByPieces": {SIZES},
    "TestRepeatsEverything": {READ, KEPT},
    "TestKeepsEverything": {KEPT},
    "TestCountsFromTheBeginning": {WORK},
    "TestTakesAnySetting": {SETTINGS},
}


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
def test_each_bad_strategy_fails_the_tests_of_the_rules_that_it_breaks(failures, assert_each_bites, anyio_backend):
    assert_each_bites(failures(PARTS, only=BROKEN), BROKEN, StrategyConformance)


@pytest.mark.heavy
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
def test_each_bad_strategy_passes_all_other_tests(failures, assert_each_bites, anyio_backend):
    assert_each_bites(failures(PARTS), BROKEN, StrategyConformance)
