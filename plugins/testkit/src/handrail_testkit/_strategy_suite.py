"""What every strategy must do: subclass `StrategyConformance`, say which strategy, and run pytest."""

# ruff: noqa: S101  # these are tests, which authors of strategies run

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

import pytest
from handrail import Window
from handrail.errors import ConfigurationError
from hypothesis import given
from hypothesis import strategies as st

from handrail_testkit._clock import Backend, virtual_backend
from handrail_testkit._conformance import Conformance, thorough
from handrail_testkit._counting import bytes_kept, lines_run
from handrail_testkit._delivered import delivered
from handrail_testkit._oracle import OracleRail
from handrail_testkit._pieces import Split, pieces_of, splits, stream_of
from handrail_testkit._strategy_case import Cut, StrategyCase, cut, take

if TYPE_CHECKING:
    from collections.abc import Callable

    from handrail import Strategy

_WORDS = "Some words, and more of them. A second sentence follows the first!\n\nThen a paragraph, (in brackets) too. "
_LONG = _WORDS * 20
_DENSE = "\u4f60\u597d\u3002\u5b57\U0001f600" * 100
_BAD = "\u2620"


class StrategyConformance(Conformance, suite=True):
    """Tests of one strategy. A subclass overrides the fixture `case`, and no test."""

    @pytest.fixture
    def case(self) -> StrategyCase:
        """Return which strategy is tested, with which settings."""
        raise NotImplementedError("override the fixture 'case' so that it gives a StrategyCase with your strategy")

    @pytest.fixture
    def make(self, case: StrategyCase) -> Callable[[], Strategy]:
        """Return what makes a strategy for each stream."""
        return case.maker()

    @pytest.fixture(params=["asyncio", "trio"])
    def anyio_backend(self, request: pytest.FixtureRequest) -> Backend:
        """A strategy does nothing but compute, so its streams run on a virtual clock."""
        return virtual_backend(request.param)

    # What a window is

    def test_windows_have_the_text_that_they_say(self, make: Callable[[], Strategy]) -> None:
        """`text` is the whole text's `[context_start, end)`. Offsets are characters, whatever the text came in."""

        def check(made: Cut) -> None:
            for window in made.windows:
                assert type(window) is Window, f"window() returned {window!r}; it must return a Window or None"
                assert 0 <= window.context_start <= window.start < window.end <= len(made.text), window
                assert window.text == made.text[window.context_start : window.end], window

        for_cuts(make, check)

    def test_windows_cover_everything_in_order(self, make: Callable[[], Strategy]) -> None:
        """Each window starts where the last one ended, and after `finish` they go on to the end of the text."""

        def check(made: Cut) -> None:
            starts = [window.start for window in made.windows]
            ends = [window.end for window in made.windows]
            assert starts == [0, *ends[:-1]][: len(starts)], f"windows start at {starts} and end at {ends}"
            assert (ends or [0])[-1] == len(made.text), f"the last window ends at {ends[-1:]} of {len(made.text)}"

        for_cuts(make, check)

    def test_what_is_cleared_goes_forwards_and_not_beyond_the_window(self, make: Callable[[], Strategy]) -> None:
        """No window clears what it has not seen, or less than one before. Keep the highest, cap it at the end."""

        def check(made: Cut) -> None:
            clears = 0
            for window in made.windows:
                assert clears <= window.clears <= window.end, f"{window} after one that clears up to {clears}"
                clears = window.clears

        for_cuts(make, check)

    def test_what_is_held_is_seen_again(self, make: Callable[[], Strategy]) -> None:
        """Text waits so that the next window judges it with what follows. Begin that window's context before it."""

        def check(made: Cut) -> None:
            clears = 0
            for window in made.windows:
                assert window.context_start <= clears, f"{window} does not see what waits from {clears} on"
                clears = window.clears

        for_cuts(make, check)

    def test_only_the_end_of_the_text_is_last(self, make: Callable[[], Strategy]) -> None:
        """A window that ends the text after `finish` has `last` set and clears everything, and no other has it."""

        def check(made: Cut) -> None:
            for number, window in enumerate(made.windows):
                ends = number >= made.early and window.end == len(made.text)
                assert window.last is ends, window
                assert not ends or window.clears == window.end, window

        for_cuts(make, check)

    # How windows are asked for

    def test_asking_again_gives_nothing_twice(self, make: Callable[[], Strategy]) -> None:
        """After None there is None until more comes, and after the last window forever."""
        strategy = make()
        for piece in pieces_of(_LONG):
            strategy.feed(piece)
            take(strategy, len(_LONG))
            assert strategy.window() is None, "window() returned another one after None, and nothing had come"
        strategy.finish()
        take(strategy, len(_LONG))
        assert [strategy.window() for _ in range(3)] == [None] * 3, "window() returned another one after the end"

    def test_without_text_there_is_no_window(self, make: Callable[[], Strategy]) -> None:
        """An answer may be empty, and so may pieces of it. Return None."""
        for pieces in ((), ("",), ("", "")):
            assert cut(make(), pieces).windows == ()

    def test_what_it_says_that_it_needs_is_true(self, make: Callable[[], Strategy]) -> None:
        """`needs` promises that `window` gives None until so many characters have come. Leave it out, or keep it."""
        strategy = make()
        if not hasattr(strategy, "needs"):
            return
        asleep = 0
        for char in _LONG + _DENSE:
            strategy.feed(char)
            asleep -= 1
            window = strategy.window()
            assert asleep <= 0 or window is None, f"window() returned {window!r}, {asleep} characters before it was due"
            while window is not None:
                window = strategy.window()
            needs = getattr(strategy, "needs")  # noqa: B009  # an optional attribute
            assert isinstance(needs, int), f"needs is {needs!r}; it must be a number of characters"
            asleep = needs

    def test_strategies_know_nothing_of_one_another(self, make: Callable[[], Strategy]) -> None:
        """Each stream has a strategy of its own, and many streams run at once. Keep nothing on the class or module."""
        texts = (_LONG, _LONG[7:], _DENSE)
        alone = [cut(make(), text).windows for text in texts]
        strategies, found = [make() for _ in texts], [list[Window]() for _ in texts]
        for column in zip_longest(*texts, fillvalue=""):
            for strategy, windows, char in zip(strategies, found, column, strict=True):
                strategy.feed(char)
                windows.extend(take(strategy, len(_LONG)))
        for strategy, windows in zip(strategies, found, strict=True):
            strategy.finish()
            windows.extend(take(strategy, len(_LONG)))
        assert [tuple(windows) for windows in found] == alone

    # What it costs

    def test_sizes_do_not_hang_on_the_pieces(self, make: Callable[[], Strategy]) -> None:
        """A model may send characters or paragraphs. Count tokens or sentences of the text, and not pieces."""
        counts = {way: len(cut(make(), pieces_of(_LONG, way)).windows) for way in ("words", "characters", 40)}
        assert max(counts.values()) <= 2 * min(counts.values()) + 2, f"windows by pieces: {counts}"

    def test_what_rails_read_is_linear_in_the_text(self, make: Callable[[], Strategy]) -> None:
        """Rails may cost money by the word. Let windows repeat a bounded part of what was before."""
        read = [sum(len(w.text) for w in cut(make(), pieces_of(text)).windows) for text in (_LONG, _LONG * 4)]
        assert read[1] <= 6 * read[0] + 1000, f"{read[0]} characters of {len(_LONG)}, {read[1]} of {4 * len(_LONG)}"

    def test_what_it_keeps_does_not_grow(self, make: Callable[[], Strategy]) -> None:
        """An answer may be long. Forget what no window will show again."""
        sizes, strategy = [], make()
        for times in (1, 3):
            for piece in pieces_of(_LONG * times):
                strategy.feed(piece)
                take(strategy, 10**6)
            sizes.append(bytes_kept(strategy, besides=(make,)))
        grown = sizes[1] - sizes[0]
        assert grown < 2 * len(_LONG), f"it grew by {grown} bytes in {3 * len(_LONG)} characters"

    def test_its_work_is_linear_in_the_text(self, make: Callable[[], Strategy]) -> None:
        """Four times the text costs about four times the work, counted in lines. Look at each character once."""
        lines = [lines_run(cut, make(), pieces_of(_LONG * times)) for times in (1, 1, 4)]
        assert lines[2] <= 8 * lines[1] + 1000, f"{lines[1]} lines for some text, {lines[2]} for four times as much"

    # In a configuration

    def test_unknown_settings_are_refused(self, case: StrategyCase) -> None:
        """A misspelt key would silently change nothing. Use a settings model that refuses unknown keys."""
        wrong = StrategyCase(case.strategy, {**case.settings, "no_such_setting": 1}, case.registry)
        with pytest.raises(ConfigurationError, match="no_such_setting"):
            wrong.maker()

    async def test_a_stream_delivers_everything_that_its_rail_allows(self, case: StrategyCase) -> None:
        """Whatever the rail's latency, all text is delivered, as it was."""
        for latency in (0.0, 0.1, 5.0):
            came = await delivered(
                case.guard(OracleRail([_BAD], latency=latency)), generator=stream_of(_LONG, pause=0.02)
            )
            assert came.finished, came.events[-1]
            assert came.text == _LONG

    async def test_a_stream_delivers_nothing_that_its_rail_blocks(self, case: StrategyCase) -> None:
        """What stands at any place of a text and is seen in some window never gets out."""
        for place in (0, 1, len(_WORDS), len(_LONG) // 2, len(_LONG)):
            text = _LONG[:place] + _BAD + _LONG[place:]
            came = await delivered(case.guard(OracleRail([_BAD], latency=0.1)), generator=stream_of(text, pause=0.02))
            assert came.blocked is not None, came.events[-1]
            assert text[:place].startswith(came.text)


def for_cuts(make: Callable[[], Strategy], check: Callable[[Cut], None]) -> None:
    """Try texts of all lengths, in many pieces, with windows asked for at all times."""
    ways: tuple[Split, ...] = ("characters", "whole", 40)
    for text in ("", "x", _WORDS, _LONG, _DENSE):
        for way in ways:
            for every in (1, 10**9):
                check(cut(make(), pieces_of(text, way), lambda number, every=every: number % every == 0))  # type: ignore[misc]  # mypy cannot infer the default's type

    @thorough
    @given(st.data())
    def try_others(data: st.DataObject) -> None:
        text = data.draw(texts())
        times = data.draw(st.lists(st.booleans(), min_size=1, max_size=8))
        check(cut(make(), data.draw(splits(text)), lambda number: times[number % len(times)]))

    try_others()


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Draw a text of words, sentences, paragraphs, other scripts and whatever else."""
    words = ["word ", "A sentence. ", "What? ", "\n\n", "\n", " ", ", ", "```", _WORDS]
    others = ["a" * 30, "\u4f60\u597d\u3002", "\u5b57" * 12, "\U0001f600"]
    return "".join(draw(st.lists(st.sampled_from(words + others) | st.text(max_size=6), max_size=30)))
