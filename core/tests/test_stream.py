"""What a guarded stream delivers, and when: on asyncio and trio, on a virtual clock."""

from __future__ import annotations

import asyncio

import anyio
import pytest
from fakes import FakeProvider, FunctionRail, SessionRail, words
from handrail import (
    Blocked,
    Chunk,
    Edit,
    Finished,
    RailFailed,
    ReasoningDelta,
    Retraction,
    Ruling,
    StreamError,
    TextDelta,
    ToolCallDelta,
    Usage,
    Verdict,
    Window,
)
from handrail.errors import PluginContractError, ProviderConnectionError, StreamClosedError, StreamingNotSupportedError

REFUSAL = "I'm sorry, I can't respond to that."
TEXT = "".join(words(200))


def blocking(phrase: str):
    def judge(window):
        found = window.text.find(phrase)
        if found < 0:
            return Verdict.allow()
        return Verdict.block("forbidden", category="phrase", span=window.span(found, found + len(phrase)))

    return judge


async def test_an_empty_reason_says_that_the_model_goes_on(guarded):
    chunks = [Chunk('{"a": ', finish_reason=""), Chunk('"b"}', finish_reason="")]
    for rails in ({}, {"r": FunctionRail()}, {"s": SessionRail()}):
        events = await guarded(FakeProvider(chunks), rails).events()
        assert events[-1] == Finished(None, None, {})


async def test_without_rails_the_providers_texts_pass_as_they_are(guarded):
    provider = FakeProvider(["Hello", "", " wor", "ld"])
    assert await guarded(provider, {}).texts() == ["Hello", " wor", "ld"]
    assert provider.closed == 1


async def test_a_window_rail_that_allows_delivers_all_text(guarded):
    assert "".join(await guarded(FakeProvider(words(200)), {"r": FunctionRail()}).texts()) == TEXT


async def test_a_stream_rail_rewrites_what_is_delivered(guarded):
    rail = SessionRail(lambda text: Ruling(text.upper()))
    assert "".join(await guarded(FakeProvider(words(50)), {"r": rail}).texts()) == "".join(words(50)).upper()


async def test_guarding_costs_one_checks_latency_in_all(guarded):
    rail = FunctionRail(latency=0.5)
    started = anyio.current_time()
    await guarded(FakeProvider(words(300), delay=0.01), {"r": rail}).texts()
    assert len(rail.windows) > 15
    assert anyio.current_time() - started == pytest.approx(3.0 + 0.5, rel=0.01)


async def test_first_text_comes_one_check_after_the_first_window(guarded):
    stream = guarded(FakeProvider(words(300), delay=0.01), {"r": FunctionRail(latency=0.3)}).rails.stream_async("hello")
    started = anyio.current_time()
    await anext(stream)
    assert anyio.current_time() - started == pytest.approx(0.2 + 0.3, abs=0.005)
    await stream.aclose()


async def test_the_first_check_begins_and_the_first_text_goes_out_however_much_a_provider_has_at_hand(
    guarded, anyio_backend_name
):
    """Without waiting for a provider that never waits itself, and would be read to its end or to `max_pending`."""
    provider = FakeProvider(words(500))
    asked_at = []

    def judge(window):
        asked_at.append(provider.produced)
        return Verdict.allow()

    texts = aiter(guarded(provider, {"r": FunctionRail(judge)}).rails.stream_async(prompt="hello"))
    await anext(texts)
    at_once = anyio_backend_name == "asyncio"  # trio runs what is ready in random order: the provider may come first
    assert asked_at[0] < (60 if at_once else 501)
    assert provider.produced < (80 if at_once else 501)
    await texts.aclose()


async def test_nothing_is_delivered_before_its_window_has_passed(guarded):
    cleared = 0

    def judge(window):
        nonlocal cleared
        cleared = max(cleared, window.clears)
        return Verdict.allow()

    g = guarded(FakeProvider(words(100), delay=0.01), {"r": FunctionRail(judge, latency=0.2)})
    delivered = 0
    async for text in g.rails.stream_async("hello"):
        delivered += len(text)
        assert delivered <= cleared or cleared == delivered - 0 or cleared == 0 or delivered == len("".join(words(100)))
    assert delivered == len("".join(words(100)))


@pytest.mark.parametrize("at", [0, 3, 14, 15, 19, 20, 33, 34, 35, 60, 150, 196])
async def test_a_violation_across_windows_is_never_partly_out(guarded, at):
    phrase = "".join(words(200)[at : at + 4])
    g = guarded(FakeProvider(words(200)), {"r": FunctionRail(blocking(phrase))})
    *texts, last = await g.texts()
    delivered = "".join(texts)
    assert TEXT.startswith(delivered)
    assert len(delivered) <= TEXT.index(phrase)
    assert isinstance(last, StreamError)
    assert last.error == {
        "message": "Blocked by r rails.",
        "type": "guardrails_violation",
        "param": "r",
        "code": "content_blocked",
    }


async def test_a_block_is_a_typed_event(guarded):
    phrase = "".join(words(200)[60:62])
    events = await guarded(FakeProvider(words(200)), {"r": FunctionRail(blocking(phrase))}).events()
    start = TEXT.index(phrase)
    span = (start, start + len(phrase))
    assert events[-1] == Blocked("r", "output", "forbidden", "phrase", span, "text", REFUSAL)
    assert all(isinstance(event, TextDelta) for event in events[:-1])


async def test_after_a_block_the_provider_is_closed_at_once_and_every_check_cancelled(guarded):
    slow = FunctionRail(latency=30)
    provider = FakeProvider(words(2000), delay=0.01)
    fast = FunctionRail(blocking(words(2000)[40]), latency=0.05)
    g = guarded(provider, {"fast": fast, "slow": slow}, parallel=True)
    assert isinstance((await g.texts())[-1], StreamError)
    assert provider.closed == 1
    assert provider.closed_at == pytest.approx(0.35 + 0.05, abs=0.2)
    assert provider.produced < 70
    assert slow.running == 0


async def test_the_earliest_window_that_fails_is_the_verdict(guarded):
    first, second = words(200)[10], words(200)[40]

    def judge(window):
        if first in window.text:
            return Verdict.block("early")
        return Verdict.block("late") if second in window.text else Verdict.allow()

    rail = FunctionRail(judge, latency=lambda window: 1.0 if window.start == 0 else 0.01)
    events = await guarded(FakeProvider(words(200), delay=0.01), {"r": rail}).events()
    assert [event.reason for event in events] == ["early"]


async def test_text_before_a_block_that_answers_first_is_still_delivered(guarded):
    bad = words(200)[40]
    rail = FunctionRail(blocking(bad), latency=lambda window: 1.0 if window.start == 0 else 0.01)
    events = await guarded(FakeProvider(words(200), delay=0.01), {"r": rail}).events()
    assert isinstance(events[0], TextDelta)
    assert isinstance(events[-1], Blocked)


async def test_parallel_rails_check_the_same_text_at_once(guarded):
    rails = {name: FunctionRail(latency=0.5) for name in "abcd"}
    started = anyio.current_time()
    texts = await guarded(FakeProvider(words(300), delay=0.01), rails, parallel=True).texts()
    assert anyio.current_time() - started == pytest.approx(3.5, rel=0.01)
    assert "".join(texts) == "".join(words(300))


async def test_rails_in_a_row_that_change_nothing_cost_what_one_costs(guarded):
    rails = {name: FunctionRail(latency=0.2) for name in "abcd"}
    started = anyio.current_time()
    texts = await guarded(FakeProvider(words(300), delay=0.01), rails).texts()
    assert anyio.current_time() - started == pytest.approx(3.2, rel=0.03)
    assert "".join(texts) == "".join(words(300))


async def test_a_busy_rail_gets_one_larger_window(guarded):
    rail = FunctionRail(latency=0.5)
    g = guarded(
        FakeProvider(words(300), delay=0.01),
        {"r": rail},
        chunk_size=200,
        context_size=5,
        options={"r": {"max_concurrency": 1}},
    )
    started = anyio.current_time()
    await g.texts()
    assert len(rail.windows) <= 8
    assert rail.most_running == 1
    assert anyio.current_time() - started < 4.0


async def test_a_rail_sees_what_the_stage_before_it_let_through(guarded):
    judge = FunctionRail()
    g = guarded(FakeProvider(words(50)), {"upper": SessionRail(lambda text: Ruling(text.upper())), "judge": judge})
    await g.texts()
    assert all(window.text == window.text.upper() for window in judge.windows)


async def test_edits_of_a_window_rail_are_delivered(guarded):
    def judge(window):
        found = window.text.find(" bbb")
        return Verdict.rewrite([Edit(*window.span(found, found + 4), " ***")]) if found >= 0 else Verdict.allow()

    text = "".join(words(200))
    assert "".join(await guarded(FakeProvider(words(200)), {"r": FunctionRail(judge)}).texts()) == text.replace(
        " bbb", " ***"
    )


async def test_usage_and_finish_reason_come_at_the_end(guarded):
    chunks = [Chunk("Hi"), Chunk(usage=Usage(3, 1)), Chunk(finish_reason="stop", metadata={"id": "x"})]
    events = await guarded(FakeProvider(chunks), {"r": FunctionRail()}).events()
    assert events == [TextDelta("Hi", 0), Finished("stop", Usage(3, 1), {"id": "x"})]


# --- Failure of a rail ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("judge", "says"),
    [
        (lambda window: None, "returned None"),
        (lambda window: "allow", "returned a value of type 'str'"),
        (lambda window: Verdict("maybe"), "a value of type 'str' as decision"),
        (lambda window: 1 / 0, "ZeroDivisionError"),
        (lambda window: Verdict.rewrite([Edit(0, 10**6, "x")]), "edits must lie apart"),
        (lambda window: Verdict.rewrite(["x"]), "must be an Edit"),
    ],
)
async def test_a_rail_that_raises_or_returns_nonsense_blocks_and_names_the_plugin(guarded, judge, says):
    provider = FakeProvider(words(100))
    (event,) = await guarded(provider, {"r": FunctionRail(judge)}).events()
    assert isinstance(event, RailFailed)
    assert says in event.error
    assert "plugin 'Plugin'" in event.error
    assert provider.closed == 1


async def test_a_rail_that_forgets_to_await_its_verdict_fails_and_python_warns_of_nothing(guarded):
    class Forgetful:
        async def check(self, window, turn):
            return self.judge(window)

        async def judge(self, window):
            return Verdict.allow()

    (event,) = await guarded(FakeProvider(words(9)), {"r": Forgetful()}).events()
    assert "returned a value of type 'coroutine'" in event.error


async def test_a_failed_rail_is_another_error_than_a_block(guarded):
    (last,) = await guarded(FakeProvider(words(9)), {"r": FunctionRail(lambda window: None)}).texts()
    assert last.error["type"] == "internal_error"
    assert last.error["code"] == "rail_execution_failure"


async def test_a_block_with_a_span_outside_its_window_is_still_a_block_that_names_the_plugin(guarded):
    rail = FunctionRail(lambda window: Verdict.block("bad", span=(0, 10**6)))
    (event,) = await guarded(FakeProvider(words(9)), {"r": rail}, options={"r": {"on_error": "allow"}}).events()
    assert isinstance(event, Blocked)
    assert "plugin 'Plugin' gave a span" in event.reason


async def test_the_time_between_checks_is_nobodys_time_limit(guarded):
    rail = FunctionRail(latency=0.5)
    provider = FakeProvider(words(60), delay=0.2)  # a window of 15 words every three seconds
    options = {"r": {"timeout": 1.0}}
    texts = await guarded(provider, {"r": rail}, first_chunk_size=15, options=options).texts()
    assert "".join(texts) == "".join(words(60))
    assert len(rail.windows) >= 4


async def test_a_rail_that_never_answers_times_out(guarded):
    provider = FakeProvider(words(100), hang=True)
    rail = FunctionRail(latency=10**6)
    (event,) = await guarded(provider, {"r": rail}, options={"r": {"timeout": 2}}).events()
    assert event.timed_out
    assert "did not answer within 2 seconds" in event.error
    assert rail.running == 0
    assert provider.closed == 1


@pytest.mark.parametrize("option", [{"on_error": "allow"}, {"on_timeout": "allow", "timeout": 0.1}])
async def test_a_failure_may_let_the_text_pass_and_that_is_recorded(guarded, option, caplog):
    def judge(window):
        if "timeout" not in option:
            raise RuntimeError("no route to host")
        return Verdict.allow()

    rail = FunctionRail(judge, latency=5 if "timeout" in option else 0)
    g = guarded(FakeProvider(words(100)), {"r": rail}, options={"r": option})
    async with g.rails.stream("hello") as stream:
        text = "".join([event.text async for event in stream if isinstance(event, TextDelta)])
    assert text == "".join(words(100))
    assert all(run.decision == "failed" and run.allowed_on_error for run in stream.response.rail_runs)
    assert "lets the text pass" in caplog.text


async def test_a_rail_that_raises_base_exception_blocks(guarded):
    class Odd(BaseException):
        pass

    def judge(window):
        raise Odd("strange")

    (event,) = await guarded(
        FakeProvider(words(9)), {"r": FunctionRail(judge)}, options={"r": {"on_error": "allow"}}
    ).events()
    assert isinstance(event, RailFailed)


async def test_a_rail_that_cancels_itself_does_not_let_text_pass(guarded):
    def judge(window):
        raise anyio.get_cancelled_exc_class()

    if anyio.get_cancelled_exc_class().__module__.startswith("trio"):
        return  # trio's Cancelled cannot be made by hand
    (event,) = await guarded(FakeProvider(words(9)), {"r": FunctionRail(judge)}).events()
    assert isinstance(event, RailFailed)


@pytest.mark.parametrize("last", [lambda: None, lambda: 1 / 0])
@pytest.mark.parametrize("rule", [Ruling, lambda text: None, lambda text: 1 / 0, lambda text: Ruling(block="x")])
async def test_a_session_that_fails_blocks(guarded, rule, last):
    (*_, event) = await guarded(FakeProvider(words(9)), {"r": SessionRail(rule, last)}).events()
    assert isinstance(event, RailFailed)


async def test_a_session_whose_text_is_no_text_blocks(guarded):
    (event,) = await guarded(FakeProvider(words(9)), {"r": SessionRail(lambda text: Ruling(text.encode()))}).events()
    assert isinstance(event, RailFailed)
    assert "must return a Ruling" in event.error


async def test_a_session_that_fails_may_let_everything_it_held_pass(guarded):
    seen = []

    def rule(text):
        seen.append(text)
        if len(seen) > 5:
            raise RuntimeError("broken")
        return Ruling(text) if len(seen) < 3 else Ruling()

    g = guarded(FakeProvider(words(9)), {"r": SessionRail(rule)}, options={"r": {"on_error": "allow"}})
    assert "".join(await g.texts()) == "".join(words(9))


async def test_a_session_may_deliver_a_clean_beginning_and_block_after_it(guarded):
    def rule(text):
        return Ruling(text[:2], Verdict.block("no", span=(2, 4)))

    events = await guarded(FakeProvider(["abcd", "ef"]), {"r": SessionRail(rule)}).events()
    assert events == [TextDelta("ab", 0), Blocked("r", "output", "no", None, (2, 4), "text", REFUSAL)]


# --- Failure of a provider -----------------------------------------------------------------------------------


async def test_a_provider_that_breaks_delivers_what_was_checked_and_then_its_error(guarded):
    provider = FakeProvider(words(30), error=ProviderConnectionError("reset by peer"))
    *texts, last = await guarded(provider, {"r": FunctionRail(latency=0.1)}).texts()
    assert "".join(texts) == "".join(words(30))
    assert last.error["type"] == "generation_error"
    assert "reset by peer" in last.error["message"]


async def test_in_a_structured_stream_a_provider_that_breaks_raises(guarded):
    provider = FakeProvider(words(30), error=ProviderConnectionError("reset by peer"))

    async def read_all(stream):
        async for _ in stream:
            pass

    async with guarded(provider, {"r": FunctionRail()}).rails.stream("hello") as stream:
        with pytest.raises(ProviderConnectionError):
            await read_all(stream)
    assert stream.response.text == "".join(words(30))
    assert stream.response.outcome == "generation failed"


@pytest.mark.parametrize("rails", [{}, {"r": FunctionRail()}])
async def test_a_provider_that_yields_no_chunk_is_named(guarded, rails):
    provider = FakeProvider([3])
    async with guarded(provider, rails).rails.stream("hello") as stream:
        with pytest.raises(
            PluginContractError, match=r"plugin 'Plugin': the provider yielded 'int'; it must yield Chunk"
        ):
            await anext(stream)
    assert provider.closed == 1


class PlainRail:
    def check(self, window, turn):
        return Verdict.allow()


@pytest.mark.parametrize("text", [3, b"raw", ["a"]], ids=["number", "bytes", "list"])
@pytest.mark.parametrize(
    "rails",
    [{}, {"r": SessionRail()}, {"r": PlainRail()}, {"r": FunctionRail()}],
    ids=["none", "session", "plain", "task"],
)
async def test_a_chunk_whose_text_is_none_breaks_the_generation_as_any_fault_of_a_provider(guarded, rails, text):
    provider = FakeProvider([Chunk("a"), Chunk(text=text), Chunk("b")])
    read = [piece async for piece in guarded(provider, rails).rails.stream_async("hello")]
    assert isinstance(read[-1], StreamError)
    assert f"a chunk has a {type(text).__name__} as text; it must be a text" in read[-1]
    assert "".join(read[:-1]) in ("", "a")
    assert provider.closed == 1


async def as_coroutine():
    return []


def as_generator():
    yield Chunk("a")


@pytest.mark.parametrize("make", [lambda: None, lambda: [Chunk("a")], as_generator, as_coroutine])
@pytest.mark.parametrize("rails", [{}, {"r": FunctionRail()}])
async def test_a_provider_whose_stream_is_not_asynchronous_is_told_to_make_it_so(guarded, rails, make):
    g = guarded(FakeProvider([]), rails)
    g.provider.stream = lambda messages, params: make()
    with pytest.raises(PluginContractError, match=r"plugin 'Plugin': stream\(\) .* returned .*'async def'"):
        await g.rails.generate_async("hello")


@pytest.mark.parametrize("chunk", [Chunk(3), Chunk(b"x"), Chunk(reasoning=3), Chunk(reasoning=b"x")])
async def test_a_chunk_without_a_text_is_an_error_that_says_so(guarded, chunk):
    g = guarded(FakeProvider([chunk]), {"r": FunctionRail()})
    with pytest.raises(PluginContractError, match=r"a chunk has a (int|bytes) as (text|reasoning); it must be a text"):
        await g.rails.generate_async("hello")


# --- Strategies that misbehave -------------------------------------------------------------------------------


def strategy_giving(*windows):
    class Strategy:
        def __init__(self, settings, count_tokens):
            self.windows = list(windows)

        def feed(self, text):
            pass

        def finish(self):
            pass

        def window(self):
            return self.windows.pop(0) if self.windows else None

    return Strategy


@pytest.mark.parametrize(
    ("window", "says"),
    [
        (Window("abc", 0, 0, 3, 3), None),
        (Window("bc", 1, 1, 3, 3), "must start at 0"),
        (Window("abc", 0, 0, 99, 3), "end at most at"),
        (Window("abc", 0, 0, 3, 4), "must start at 0"),
        (Window("abcd", 0, 0, 3, 3), "must start at 0"),
        (Window("", 0, 0, 0, 0), "must start at 0"),
        (Window("xyz", 0, 0, 3, 3), "have the text that is there"),
        ("abc", "made the window 'str'"),
    ],
)
async def test_a_strategy_whose_windows_do_not_fit_or_skip_text_blocks_and_is_named(guarded, window, says):
    g = guarded(
        FakeProvider(["abc", "def"]),
        {"r": FunctionRail()},
        strategies={"odd": strategy_giving(window)},
        strategy="odd",
    )
    event = (await g.events())[-1]
    assert isinstance(event, RailFailed)
    assert event.error.startswith("plugin 'Plugin': ")
    assert (says or "its windows must cover all text") in event.error
    assert g.provider.closed == 1


async def test_a_strategy_that_can_be_built_no_more_fails_the_stream_and_closes_the_provider(guarded):
    built = []

    def build(settings, count_tokens):
        built.append(count_tokens)
        if len(built) > 1:  # the first is a try, as the configuration is loaded
            raise OSError("gone")
        return strategy_giving()(settings, count_tokens)

    class Connected:
        closed = False

        def stream(self, messages, params):
            return self

        def __aiter__(self):
            return self

        async def __anext__(self):
            return Chunk("word ")

        async def aclose(self):
            self.closed = True

    provider = Connected()
    texts = await guarded(provider, {"r": FunctionRail()}, strategy="s", strategies={"s": build}).texts()
    assert [type(text) for text in texts] == [StreamError]
    assert provider.closed


async def test_a_strategy_that_raises_blocks_and_is_named(guarded):
    class Broken(strategy_giving()):
        def window(self):
            raise RuntimeError("no windows today")

    g = guarded(FakeProvider(["abc"]), {"r": FunctionRail()}, strategies={"odd": Broken}, strategy="odd")
    (event,) = await g.events()
    assert event.error == "plugin 'Plugin': RuntimeError: no windows today"


PLACES = ["__init__", "needs", "feed", "feed()", "finish()", "window()"]


def strategy_failing(place, error):
    """Return a strategy that raises in a method, where an attribute is read, or where the second one is built."""
    built = []

    class Broken(strategy_giving()):
        def __init__(self, settings, count_tokens):
            super().__init__(settings, count_tokens)
            built.append(self)
            if place == "__init__" and len(built) > 1:  # the first is a try, as the configuration is loaded
                raise error

    def fail(self, *text):
        raise error

    if place != "__init__":
        setattr(Broken, place.removesuffix("()"), fail if place.endswith("()") else property(fail))
    return Broken


@pytest.mark.parametrize("immediate", [False, True], ids=["asked in tasks", "asked at once"])
@pytest.mark.parametrize("error", [RuntimeError("none today"), asyncio.CancelledError()], ids=["raises", "cancels"])
@pytest.mark.parametrize("place", PLACES)
async def test_a_strategy_that_fails_anywhere_is_a_failure_of_its_rail(guarded, place, error, immediate):
    """Also where a stream begins with it: that must be no error of the caller's, nor of the provider's."""

    class Immediate:
        def check(self, window, turn):
            return Verdict.allow()

    rail = Immediate() if immediate else FunctionRail()
    g = guarded(FakeProvider(["abc"]), {"r": rail}, strategies={"odd": strategy_failing(place, error)}, strategy="odd")
    (event,) = await g.events()
    assert isinstance(event, RailFailed)
    assert event.error.startswith(f"plugin 'Plugin': {type(error).__name__}: ")
    assert g.provider.closed == 1


@pytest.mark.parametrize("place", PLACES)
async def test_a_strategy_that_fails_an_observing_rail_stops_nothing(guarded, place):
    g = guarded(
        FakeProvider(["abc"]),
        {"r": FunctionRail()},
        strategies={"odd": strategy_failing(place, RuntimeError("none today"))},
        strategy="odd",
        options={"r": {"mode": "observe"}},
    )
    assert [type(event) for event in await g.events()] == [TextDelta, Finished]


class UnsayableError(Exception):
    """One whose own code fails when it is asked what it says, as with an attribute that is missing."""

    def __str__(self):
        return self.response.text


@pytest.mark.parametrize("rail", [FunctionRail, SessionRail])
async def test_a_failure_that_cannot_be_put_into_words_is_a_failure(guarded, rail):
    def fail(_):
        raise UnsayableError

    (event,) = await guarded(FakeProvider(["abc"]), {"r": rail(fail)}).events()
    assert (
        event.error == "plugin 'Plugin': rail 'r' failed: UnsayableError: (its message cannot be read: AttributeError)"
    )


async def test_a_strategy_s_and_a_provider_s_failure_that_cannot_be_put_into_words(guarded):
    broken = strategy_failing("window()", UnsayableError())
    (event,) = await guarded(
        FakeProvider(["abc"]), {"r": FunctionRail()}, strategies={"odd": broken}, strategy="odd"
    ).events()
    assert event.error == "plugin 'Plugin': UnsayableError: (its message cannot be read: AttributeError)"
    (text,) = await guarded(FakeProvider([], error=UnsayableError()), {}).texts()
    assert text.error["message"] == "(its message cannot be read: AttributeError)"


async def test_a_session_that_ends_a_generator_fails(guarded):
    def fail(_):
        raise GeneratorExit

    (event,) = await guarded(FakeProvider(["abc"]), {"r": SessionRail(fail)}).events()
    assert event.error.endswith("was ended from inside by GeneratorExit")


async def test_with_stream_first_text_goes_out_at_once_and_a_block_retracts(guarded):
    bad = words(200)[40]
    provider = FakeProvider(words(200), delay=0.01)
    g = guarded(provider, {"r": FunctionRail(blocking(bad), latency=0.3)}, stream_first=True)
    started = anyio.current_time()
    async with g.rails.stream("hello") as stream:
        first = await anext(stream)
        assert anyio.current_time() - started == pytest.approx(0.01, abs=0.001)
        events = [first, *[event async for event in stream]]
    *texts, retraction, blocked = events
    delivered = "".join(event.text for event in texts)
    assert isinstance(blocked, Blocked)
    assert bad in delivered
    assert retraction.end == len(delivered)
    assert retraction.start <= delivered.index(bad)
    assert stream.response.text == delivered[: retraction.start]


@pytest.mark.parametrize("holds", [True, False], ids=["beside one that holds", "beside another"])
async def test_a_block_withdraws_also_what_a_slower_rail_with_stream_first_has_not_judged(guarded, holds):
    """It is asked no more, so nobody would ever know; and the text would stay in the conversation."""
    bad, worse = words(200)[100], words(200)[150]
    rails = {"fast": FunctionRail(blocking(worse), latency=0.01), "slow": FunctionRail(blocking(bad), latency=1.5)}
    slow = {"streaming": {"stream_first": True}, "max_concurrency": 1}
    options = {"slow": slow, "fast": {"streaming": {"stream_first": not holds}}}
    g = guarded(FakeProvider(words(200), delay=0.01), rails, parallel=True, options=options)
    async with g.rails.stream("hello") as stream:
        *texts, retraction, blocked = [event async for event in stream]
    delivered = "".join(event.text for event in texts)
    assert (blocked.rail, retraction.end) == ("fast", len(delivered))
    assert bad in delivered
    assert retraction.start <= rails["slow"].windows[-1].end
    assert stream.response.text == delivered[: retraction.start]


async def test_a_block_of_a_tool_call_withdraws_the_text_that_a_rail_with_stream_first_has_not_judged(guarded):
    call = Chunk(tool_calls=(ToolCallDelta(0, "c", "mail", '{"to": "all"}'),))
    rails = {"calls": FunctionRail(blocking("all")), "slow": FunctionRail(latency=9)}
    slow = {"streaming": {"stream_first": True}, "channels": ["text"]}
    options = {"slow": slow, "calls": {"channels": ["tool_calls"]}}
    g = guarded(FakeProvider(["Done.", call]), rails, parallel=True, options=options)
    *_, retraction, blocked = await g.events()
    assert (blocked.rail, retraction) == ("calls", Retraction(0, 5, "text"))


async def test_with_stream_first_the_end_waits_for_every_check(guarded):
    g = guarded(FakeProvider(words(50), delay=0.01), {"r": FunctionRail(latency=3)}, stream_first=True)
    started = anyio.current_time()
    assert isinstance((await g.events())[-1], Finished)
    assert anyio.current_time() - started == pytest.approx(3.5, abs=0.1)


async def test_an_optimistic_rail_beside_a_holding_one_does_not_hold(guarded):
    rails = {"slow": FunctionRail(latency=5), "fast": FunctionRail(latency=0.1)}
    options = {"slow": {"streaming": {"stream_first": True}}}
    g = guarded(FakeProvider(words(50), delay=0.01), rails, parallel=True, options=options)
    started = anyio.current_time()
    async with g.rails.stream("hello") as stream:
        await anext(stream)
        assert anyio.current_time() - started < 1


# --- Channels ------------------------------------------------------------------------------------------------


async def test_reasoning_and_tool_calls_pass_rails_for_text(guarded):
    chunks = [
        Chunk(reasoning="let me think"),
        Chunk(tool_calls=(ToolCallDelta(0, "c1", "search", '{"q":'),)),
        Chunk(tool_calls=(ToolCallDelta(0, arguments='"x"}'),), finish_reason="tool_calls"),
    ]
    rail = FunctionRail(lambda window: Verdict.block("never asked"))
    events = await guarded(FakeProvider(chunks), {"r": rail}, options={"r": {"channels": ["text"]}}).events()
    assert rail.windows == []
    assert events == [
        ReasoningDelta("let me think"),
        ToolCallDelta(0, "c1", "search", '{"q":'),
        ToolCallDelta(0, None, None, '"x"}'),
        Finished("tool_calls", None, {}),
    ]


async def test_a_rail_for_tool_calls_sees_the_arguments_of_each_call_apart(guarded):
    chunks = [
        Chunk("text"),
        Chunk(tool_calls=(ToolCallDelta(0, "c1", "search", '{"q":'), ToolCallDelta(1, "c2", "delete", "{}"))),
        Chunk(tool_calls=(ToolCallDelta(0, arguments='"x"}'),)),
    ]
    rail = FunctionRail()
    g = guarded(FakeProvider(chunks), {"r": rail}, options={"r": {"channels": ["tool_calls"]}})
    events = await g.events()
    seen = {(window.tool_name, window.text) for window in rail.windows}
    assert seen == {("search", "q\nx"), ("delete", "")}
    assert {window.channel for window in rail.windows} == {"tool_calls"}
    assert ToolCallDelta(0, "c1", "search", '{"q":"x"}') in events


async def test_a_rail_for_tool_calls_blocks_a_call(guarded):
    chunks = [Chunk(tool_calls=(ToolCallDelta(0, "c1", "delete_everything", "{}"),))]
    rail = FunctionRail(lambda window: Verdict.block("no") if window.tool_name else Verdict.allow())
    g = guarded(FakeProvider(chunks), {"r": rail}, options={"r": {"channels": ["tool_calls"]}})
    (event,) = await g.events()
    assert (type(event), event.channel) == (Blocked, "tool_calls")


async def test_a_tool_call_without_arguments_is_shown_to_its_rail_too(guarded):
    chunks = [Chunk(tool_calls=(ToolCallDelta(0, "c1", "delete_everything"),))]
    rail = FunctionRail(lambda window: Verdict.block("no") if window.tool_name else Verdict.allow())
    g = guarded(FakeProvider(chunks), {"r": rail}, options={"r": {"channels": ["tool_calls"]}})
    (event,) = await g.events()
    assert isinstance(event, Blocked)


async def test_reasoning_is_guarded_by_a_rail_that_names_it(guarded):
    chunks = [Chunk(reasoning="the password is hunter2"), Chunk("Hello")]
    options = {"r": {"channels": ["text", "reasoning"]}}
    g = guarded(FakeProvider(chunks), {"r": FunctionRail(blocking("hunter2"))}, options=options)
    assert isinstance((await g.events())[-1], Blocked)


def test_output_rails_without_streaming_enabled_raise_at_the_call(guarded):
    g = guarded(FakeProvider([]), {"r": FunctionRail()}, enabled=False)
    with pytest.raises(StreamingNotSupportedError, match="streaming.enabled"):
        g.rails.stream_async("hello")
    with pytest.raises(StreamingNotSupportedError):
        g.rails.stream("hello")


async def test_a_stream_can_be_entered_once(guarded):
    stream = guarded(FakeProvider([]), {}).rails.stream("hello")
    async with stream:
        pass
    with pytest.raises(StreamClosedError, match="once"):
        async with stream:
            pass


async def test_a_stream_is_iterated_inside_its_block(guarded):
    with pytest.raises(StreamClosedError, match="was not entered.*stream_events"):
        await anext(guarded(FakeProvider([]), {}).rails.stream("hello"))


@pytest.mark.parametrize(("timeout", "within", "expected"), [(7, None, 7), (7, 3, 3), (None, 3, 3), (None, None, 30)])
async def test_a_rail_can_ask_when_its_check_must_have_ended(guarded, timeout, within, expected):
    class Asking(FunctionRail):
        async def check(self, window, turn):
            self.left = None if turn.deadline is None else turn.deadline - anyio.current_time()
            return Verdict.allow()

    rail = Asking()
    g = guarded(FakeProvider(words(30)), {"a": rail}, options={"a": {"timeout": timeout}})
    with anyio.move_on_after(within):
        async with g.rails.stream("hello") as stream:
            while await stream.take():
                pass
    assert rail.left == pytest.approx(expected)
    with anyio.move_on_after(within):
        await g.rails.generate_async("hello")
    assert rail.left == pytest.approx(expected)


@pytest.mark.parametrize("failing_at", [1, 2, 5, 9])
@pytest.mark.parametrize("held", [0, 1, 3, 7, 100])
async def test_what_a_session_holds_when_it_fails_passes_whole_where_failures_are_allowed(guarded, failing_at, held):
    class Session:
        def __init__(self):
            self.fed, self.text = 0, ""

        def feed(self, text):
            self.fed += 1
            if self.fed == failing_at:
                raise ValueError("the session has lost its way")
            self.text += text
            out, self.text = self.text[: max(len(self.text) - held, 0)], self.text[-held:] if held else ""
            return Ruling(out)

        def finish(self):
            raise AssertionError("it has failed")

    class Rail:
        def open(self, turn):
            return Session()

    text = ["a", "bcd", "ef", "ghijk", "l", "mnopqr", "s", "tuv", "w", "xyz"]
    g = guarded(FakeProvider(text), {"r": Rail()}, options={"r": {"on_error": "allow"}})
    assert "".join([piece async for piece in g.rails.stream_async("hello")]) == "".join(text)
