"""A judge that is down or slow: others are asked, it is spared for a while, and what it should judge never passes."""

from __future__ import annotations

import threading

import anyio
import pytest
from fakes import FakeProvider, Guarded, words
from handrail import Verdict
from handrail._compose import breaking
from handrail._compose.breaking import Breaker, Slots
from handrail.config import BreakerConfig
from handrail.errors import (
    ConfigurationError,
    ModelUnavailableError,
    ProviderContextLengthError,
    ProviderRateLimitError,
    ProviderServerError,
)

DOWN = ProviderServerError("down")
HELLO = [{"role": "user", "content": "hello"}]


class Judging:
    """Asks a model of its own for every window, and passes what it calls fine."""

    def __init__(self, settings, context):
        self.model = context.model("judge")

    async def check(self, window, turn):
        answer = await self.model.complete([{"role": "user", "content": window.text}], turn=turn, task="judging")
        return Verdict.allow() if answer.text == "fine" else Verdict.block(answer.text)


@pytest.fixture
def clock(monkeypatch):
    """Return the clock of breakers, which moves when a test says so."""

    class Clock:
        now = 100.0

        def __call__(self):
            return self.now

    found = Clock()
    monkeypatch.setattr(breaking, "clock", found)
    return found


def judged(judge, spare=None, timeout=20, count=3, **entry):
    """Return rails whose judge is the one given, or the spare one if that is down."""
    models = [{"type": "main", "engine": "fake"}, {"type": "judge", "engine": "judge", "model": "j-1", **entry}]
    if spare is not None:
        models.append({"type": "spare", "engine": "spare", "model": "s-1"})
    return Guarded(
        FakeProvider(words(count)),
        {"judging": Judging},
        engines={"judge": judge, "spare": spare},
        top={"models": models},
        options={"judging": {"timeout": timeout}},
    ).rails


def asked(response):
    return [(call.model_type, call.model, call.failure) for call in response.llm_calls if call.task == "judging"]


async def outcome(rails):
    async with rails.stream("hello") as stream:
        async for _ in stream:
            pass
    return stream.response


async def test_another_model_judges_while_one_is_down_and_the_journal_says_which():
    rails = judged(FakeProvider([], error=DOWN), FakeProvider(["fine"]), fallback=["spare"])
    response = await outcome(rails)
    assert response.outcome == "finished"
    assert asked(response) == [("judge", "j-1", "ProviderServerError"), ("spare", "s-1", "")]


async def test_what_the_other_model_refuses_is_refused():
    rails = judged(FakeProvider([], error=DOWN), FakeProvider(["no"]), fallback=["spare"])
    assert (await outcome(rails)).outcome == "blocked"


async def test_when_all_are_down_the_rail_has_failed_and_nothing_passes():
    rails = judged(FakeProvider([], error=DOWN), FakeProvider([], error=DOWN), fallback=["spare"])
    response = await outcome(rails)
    assert (response.outcome, response.text) == ("rail failed", "")


async def test_a_request_that_is_at_fault_goes_to_nobody_else_and_counts_for_nothing(clock):
    judge, spare = FakeProvider([], error=ProviderContextLengthError("too long")), FakeProvider(["fine"])
    rails = judged(judge, spare, fallback=["spare"], breaker={"failures": 1})
    for _ in range(3):
        assert (await outcome(rails)).outcome == "rail failed"
    assert (judge.opened, spare.opened) == (3, 0)


async def test_a_judge_that_has_failed_too_often_is_not_asked_for_a_while(clock):
    judge = FakeProvider([], error=ProviderRateLimitError("slow down"))
    rails = judged(judge, breaker={"failures": 3, "seconds": 30})
    for _ in range(5):
        assert (await outcome(rails)).outcome == "rail failed"
    assert judge.opened == 3
    clock.now += 31
    assert (await outcome(rails)).outcome == "rail failed"  # the first request after that
    assert judge.opened == 4
    await outcome(rails)
    assert judge.opened == 4
    clock.now += 31
    judge.error, judge.chunks = None, ["fine"]
    for _ in range(3):
        assert (await outcome(rails)).outcome == "finished"
    assert judge.opened == 7


async def test_a_judge_that_answers_too_late_for_its_rail_has_failed(clock):
    judge, spare = FakeProvider(["fine"], delay=60), FakeProvider(["fine"])
    rails = judged(judge, spare, timeout=2, fallback=["spare"], breaker={"failures": 2})
    began = anyio.current_time()
    assert (await outcome(rails)).stop.timed_out
    assert (await rails.check_async([{"role": "assistant", "content": "x"}])).failed
    assert anyio.current_time() - began == pytest.approx(4, abs=0.1)
    response = await outcome(rails)
    assert (response.outcome, asked(response)) == ("finished", [("spare", "s-1", "")])
    assert anyio.current_time() - began == pytest.approx(4, abs=0.1)


async def test_an_answer_that_nobody_waits_for_any_more_is_no_failure(clock):
    judge = FakeProvider(["fine"], delay=5)
    rails = judged(judge, breaker={"failures": 1})
    for _ in range(3):
        async with rails.stream("hello"):
            await anyio.sleep(1)
    assert judge.opened == judge.closed == 3
    assert (await outcome(rails)).outcome == "finished"


async def test_no_more_requests_run_at_once_than_are_allowed_in_all_calls_together():
    running, most = 0, 0

    class Counting(FakeProvider):
        async def stream(self, messages, params):
            nonlocal running, most
            running += 1
            most = max(most, running)
            try:
                async for chunk in super().stream(messages, params):
                    yield chunk
            finally:
                running -= 1

    judge = Counting(["fine"], delay=1)
    rails = judged(judge, timeout=60, concurrency=2)
    began, ended = anyio.current_time(), []

    async def one():
        ended.append((await outcome(rails)).outcome)

    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(one)
    assert (most, ended) == (2, ["finished"] * 6)
    assert anyio.current_time() - began == pytest.approx(3, abs=0.1)


async def test_waiting_for_a_judge_is_within_the_time_of_the_rail_and_gives_its_place_back():
    rails = judged(FakeProvider(["fine"], delay=3), timeout=4, concurrency=1)
    ended = []

    async def one():
        ended.append((await outcome(rails)).outcome)

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(one)
    assert sorted(ended) == ["finished", "rail failed", "rail failed"]
    assert (await outcome(rails)).outcome == "finished"


@pytest.mark.parametrize("fallback", [["spar"], ["judge"], ["main2"]])
def test_a_fallback_that_is_no_other_model_is_an_error(fallback):
    with pytest.raises(ConfigurationError, match="fallback of the model 'judge' names"):
        judged(FakeProvider([]), FakeProvider([]), fallback=fallback)


def test_a_misspelt_fallback_has_its_place_and_the_nearest_name():
    with pytest.raises(ConfigurationError, match="did you mean 'spare'") as caught:
        judged(FakeProvider([]), FakeProvider([]), fallback=["spar"])
    assert len(caught.value.problems) == 1


def test_one_request_probes_and_others_wait_for_what_becomes_of_it(clock):
    breaker = Breaker(BreakerConfig(failures=1, seconds=30), "judge")
    with pytest.raises(ProviderServerError), breaker.watch():
        raise DOWN
    clock.now += 31
    with breaker.watch(), pytest.raises(ModelUnavailableError, match="first request has come back"):
        breaker.refuse_if_open()
    breaker.refuse_if_open()


def test_slots_are_shared_by_threads_with_loops_of_their_own():
    slots, running, most = Slots(2), [], []

    async def work():
        for _ in range(20):
            async with slots.one():
                running.append(1)
                most.append(len(running))
                await anyio.lowlevel.checkpoint()
                running.pop()

    threads = [threading.Thread(target=anyio.run, args=(work,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert not any(thread.is_alive() for thread in threads)
    assert len(most) == 120
    assert max(most) <= 2
