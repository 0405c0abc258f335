"""Batches over streams: nobody gets another's answer, nobody starves, nobody pays for one who fails or leaves."""

from __future__ import annotations

import gc
from contextvars import ContextVar

import anyio
import pytest
from handrail import LLMRails, RailsConfig, Registry, Turn, Verdict
from handrail.batching import Batcher, BatchLimits
from handrail.errors import PluginContractError, RailBusyError, RailError
from handrail.plugins import RailSpec, hookimpl
from hypothesis import given
from hypothesis import strategies as st
from virtual import run

BACKENDS = ("asyncio", "trio")
both = pytest.mark.parametrize("backend", BACKENDS)


class Judge:
    """Answers numbers with their squares, and remembers its batches."""

    def __init__(self, latency=0.02, fails=(), broken=None):
        self.latency, self.fails, self.broken = latency, set(fails), broken
        self.batches = []
        self.ended = 0
        self.cancelled = 0
        self.at_once = self.most_at_once = 0

    async def __call__(self, items):
        self.batches.append(tuple(items))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await anyio.sleep(self.latency)
        except BaseException:
            self.cancelled += 1
            raise
        finally:
            self.at_once -= 1
        self.ended += 1
        if self.broken is not None:
            raise self.broken
        if self.fails.intersection(items):
            raise ValueError("an item cannot be read")
        return [item * item for item in items]


async def asked(batcher, items):
    """Ask about items at once; return each one's answer, or what it raised."""
    answers = {}

    async def ask(item):
        try:
            answers[item] = await batcher.ask(item)
        except Exception as exc:
            answers[item] = exc

    async with anyio.create_task_group() as group:
        for item in items:
            group.start_soon(ask, item)
            await anyio.sleep(1e-6)  # trio starts tasks in no order
    return answers


@both
def test_what_is_asked_at_once_is_judged_at_once(backend):
    judge = Judge()
    answers = run(backend, asked, Batcher(judge), range(10))
    assert answers == {n: n * n for n in range(10)}
    assert len(judge.batches) == 1


@both
def test_a_batch_has_no_more_members_than_its_size_and_starts_without_waiting_when_it_is_full(backend):
    judge = Judge()

    async def main():
        begun = anyio.current_time()
        await asked(Batcher(judge, limits=BatchLimits(size=4, wait=10)), range(8))
        return anyio.current_time() - begun

    assert run(backend, main) == pytest.approx(0.04, abs=1e-4)
    assert [len(batch) for batch in judge.batches] == [4, 4]


@both
def test_a_member_alone_waits_no_longer_than_it_is_told(backend):
    async def main():
        begun = anyio.current_time()
        await Batcher(Judge(), limits=BatchLimits(wait=0.005)).ask(3)
        return anyio.current_time() - begun

    assert run(backend, main) == pytest.approx(0.025, abs=1e-6)


@both
def test_what_comes_while_a_batch_is_judged_goes_as_the_next_one(backend):
    judge = Judge(latency=1)
    batcher = Batcher(judge, limits=BatchLimits(wait=0, rest=0))

    async def main():
        async with anyio.create_task_group() as group:
            for item in range(12):
                group.start_soon(batcher.ask, item)
                await anyio.sleep(0.1)

    run(backend, main)
    assert judge.batches == [(0,), tuple(range(1, 11)), (11,)]


@both
def test_the_judge_rests_as_long_as_it_worked_unless_the_next_batch_is_full(backend):
    judge = Judge(latency=0.02)
    batcher = Batcher(judge, limits=BatchLimits(size=4, wait=0.001))
    waited = []

    async def ask(number):
        begun = anyio.current_time()
        await batcher.ask(number)
        waited.append(anyio.current_time() - begun)

    async def main(gap, count):
        waited.clear()
        judge.batches.clear()
        begun = anyio.current_time()
        async with anyio.create_task_group() as group:
            for number in range(count):
                group.start_soon(ask, number)
                await anyio.sleep(gap)
        return len(judge.batches) * 0.02 / (anyio.current_time() - begun)

    assert run(backend, main, 0.016, 200) <= 0.51  # it does not rest after the last one
    assert max(waited) <= 0.0605
    assert run(backend, main, 0.006, 200) > 0.9 * 0.02 / (4 * 0.006)  # full batches need not wait
    assert max(waited) <= 0.0605


@both
def test_a_budget_of_tokens_bounds_a_batch_and_a_larger_member_goes_alone(backend):
    judge = Judge()
    batcher = Batcher(judge, limits=BatchLimits(tokens=10), tokens_of=lambda item: item)
    run(backend, asked, batcher, [4, 5, 30, 2, 8])
    assert judge.batches == [(4, 5), (30,), (2, 8)]


@both
def test_the_most_urgent_go_first(backend):
    judge = Judge()
    batcher = Batcher(judge, limits=BatchLimits(size=2, wait=0.01))

    async def within(seconds, item):
        with anyio.fail_after(seconds):
            await batcher.ask(item)

    async def main():
        async with anyio.create_task_group() as group:
            group.start_soon(batcher.ask, 0)
            await anyio.sleep(0.001)
            group.start_soon(batcher.ask, 1)
            await anyio.sleep(0.001)
            for item, seconds in ((2, 9), (3, 1), (4, 5), (5, 3)):
                group.start_soon(within, seconds, item)

    run(backend, main)
    assert judge.batches == [(0, 1), (3, 5), (4, 2)]


@both
def test_one_without_a_deadline_does_not_starve_behind_those_that_keep_coming_with_one(backend):
    judge = Judge(latency=0.5)
    batcher = Batcher(judge, limits=BatchLimits(size=1, patience=3))

    async def within(item):
        with anyio.move_on_after(2):
            await batcher.ask(item)

    async def main():
        async with anyio.create_task_group() as group:
            group.start_soon(within, 1)
            await anyio.sleep(0.01)
            group.start_soon(batcher.ask, 0)
            for item in range(2, 40):
                group.start_soon(within, item)
                await anyio.sleep(0.25)

    run(backend, main)
    place = [batch[0] for batch in judge.batches].index(0)
    assert 1 < place < 12


@both
def test_one_member_that_cannot_be_judged_fails_alone(backend):
    judge = Judge(fails=[5])
    answers = run(backend, asked, Batcher(judge), range(16))
    assert isinstance(answers.pop(5), ValueError)
    assert answers == {n: n * n for n in range(16) if n != 5}
    assert len(judge.batches) <= 1 + 2 * 4


@both
def test_an_exception_in_the_place_of_an_answer_is_its_members_alone(backend):
    async def judge(items):
        return [ValueError("no") if item == 1 else item for item in items]

    answers = run(backend, asked, Batcher(judge), range(3))
    assert isinstance(answers.pop(1), ValueError)
    assert answers == {0: 0, 2: 2}


@both
def test_a_failure_of_the_rail_is_not_asked_again_and_fails_every_member(backend):
    judge = Judge(broken=RailError("the service is down", rail="r"))
    answers = run(backend, asked, Batcher(judge), range(8))
    assert all(isinstance(answer, RailError) for answer in answers.values())
    assert len(judge.batches) == 1


@both
@pytest.mark.parametrize("answer", [[], [1], [1, 2, 3], None, "ab", {1: 1, 2: 2}])
def test_answers_that_cannot_be_told_apart_fail_every_member(backend, answer):
    async def judge(items):
        return answer

    answers = run(backend, asked, Batcher(judge), range(2))
    assert all(isinstance(found.__cause__, PluginContractError) for found in answers.values())


@both
def test_more_than_may_wait_is_an_error_that_says_so(backend):
    judge = Judge()
    answers = run(backend, asked, Batcher(judge, limits=BatchLimits(size=2, pending=5), name="toxicity"), range(20))
    busy = [answer for answer in answers.values() if isinstance(answer, RailBusyError)]
    assert len(busy) >= 10
    assert "toxicity" in str(busy[0])
    assert sum(map(len, judge.batches)) + len(busy) == 20


@both
def test_a_member_that_leaves_is_not_waited_for_and_disturbs_nobody(backend):
    judge = Judge(latency=1)
    batcher = Batcher(judge)
    found = []

    async def main():
        async def impatient():
            with anyio.move_on_after(0.5):
                await batcher.ask(2)
            found.append(anyio.current_time() - begun)

        begun = anyio.current_time()
        async with anyio.create_task_group() as group:
            group.start_soon(impatient)
            found.append(await batcher.ask(3))

    run(backend, main)
    assert found == [pytest.approx(0.5, abs=1e-6), 9]
    assert judge.ended == 1


@both
def test_a_batch_that_nobody_waits_for_is_cancelled_and_has_ended_when_its_last_member_leaves(backend):
    judge = Judge(latency=10)
    batcher = Batcher(judge)

    async def main():
        with anyio.move_on_after(0.5):
            await asked(batcher, range(5))
        assert judge.cancelled == 1
        judge.latency = 0.1
        return await batcher.ask(7)

    assert run(backend, main) == 49


@both
def test_those_who_leave_before_their_batch_begins_are_never_judged(backend):
    judge = Judge()
    batcher = Batcher(judge, limits=BatchLimits(wait=1))

    async def main():
        with anyio.move_on_after(0.5):
            await asked(batcher, range(60))
        assert batcher.pending == 0
        await anyio.sleep(5)

    run(backend, main)
    assert judge.batches == []


@both
def test_whoever_was_cancelled_before_asking_takes_nobodys_place(backend):
    judge = Judge()
    batcher = Batcher(judge, limits=BatchLimits(size=1))

    async def main():
        with anyio.CancelScope() as scope:
            scope.cancel()
            await batcher.ask(1)
        await anyio.sleep(1)
        return await batcher.ask(2)

    assert run(backend, main) == 4
    assert judge.batches == [(2,)]


@both
def test_a_judge_that_cancels_itself_fails_its_members(backend):
    async def judge(items):
        raise anyio.get_cancelled_exc_class()() if backend == "asyncio" else RuntimeError("trio has no such exception")

    answers = run(backend, asked, Batcher(judge), [1])
    assert isinstance(answers[1], RailError | RuntimeError)


@both
def test_what_ends_a_program_reaches_those_who_wait(backend):
    async def judge(items):
        raise SystemExit(3)

    async def main():
        with pytest.raises(SystemExit):
            await Batcher(judge).ask(1)

    run(backend, main)


@both
def test_a_loop_that_runs_tasks_as_soon_as_they_are_made_is_no_trouble(backend, monkeypatch):
    def eagerly(function):
        with pytest.raises(StopIteration):
            function().send(None)

    async def judge(items):
        return items

    async def main():
        batcher = Batcher(judge, limits=BatchLimits(size=1))
        return [await batcher.ask(number) for number in range(5)]

    monkeypatch.setattr("handrail._stream.batch_queue.spawn", eagerly)
    assert run(backend, main) == list(range(5))


def test_one_batcher_serves_one_event_loop_after_another():
    batcher = Batcher(Judge())
    for backend in (*BACKENDS, *BACKENDS):
        assert run(backend, asked, batcher, [2]) == {2: 4}
    gc.collect()
    assert len(batcher._queues) <= 1  # what belongs to a loop goes with it


@both
def test_the_judge_sees_the_latest_deadline_of_its_members_and_nothing_else_of_their_calls(backend):
    variable = ContextVar("of_a_call", default="nothing")
    seen = []

    async def judge(items):
        seen.append((variable.get(), Turn().deadline))
        return items

    async def main():
        variable.set("a secret of one call")
        with anyio.fail_after(5):
            await Batcher(judge).ask(1)
        return anyio.current_time() + 5

    run(backend, main)
    assert seen[0][0] == "nothing"
    assert seen[0][1] is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 0},
        {"wait": -1},
        {"tokens": 0},
        {"pending": 0},
        {"workers": 0},
        {"patience": float("nan")},
        {"rest": -1},
    ],
)
def test_limits_that_cannot_be_kept_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        BatchLimits(**wrong)


members = st.lists(
    st.tuples(
        st.floats(0, 0.2),  # when it comes
        st.none() | st.floats(0.01, 0.3),  # when it leaves, after that
        st.integers(1, 30),  # its tokens
        st.booleans(),  # whether it can be judged
    ),
    min_size=1,
    max_size=40,
)
limits = st.builds(
    BatchLimits,
    size=st.integers(1, 8),
    wait=st.sampled_from([0.0, 0.003, 0.05]),
    rest=st.sampled_from([0.0, 1.0]),
    tokens=st.none() | st.integers(1, 60),
    workers=st.integers(1, 3),
    pending=st.sampled_from([4, 1000]),
)


@given(backend=st.sampled_from(BACKENDS), members=members, limits=limits)
def test_everybody_gets_their_own_answer_or_their_own_failure_and_batches_keep_their_limits(backend, members, limits):
    judge = Judge(fails=[n for n, member in enumerate(members) if not member[3]])
    batcher = Batcher(judge, limits=limits, tokens_of=lambda n: members[n][2])
    ended = {}

    async def ask(number):
        come, leave, _, _ = members[number]
        await anyio.sleep(come)
        with anyio.move_on_after(leave):
            try:
                ended[number] = await batcher.ask(number)
            except (ValueError, RailBusyError) as exc:
                ended[number] = exc

    async def main():
        async with anyio.create_task_group() as group:
            for number in range(len(members)):
                group.start_soon(ask, number)
        assert batcher.pending == 0
        assert judge.at_once == 0

    run(backend, main)
    for number, (_, leave, _, is_sound) in enumerate(members):
        answer = ended.get(number)
        if isinstance(answer, ValueError):
            assert not is_sound
        elif isinstance(answer, int):
            assert is_sound
            assert answer == number * number
        elif answer is None:
            assert leave is not None
        else:
            assert limits.pending == 4
    for batch in judge.batches:
        assert len(batch) <= limits.size
        assert len(set(batch)) == len(batch)
        if limits.tokens is not None and len(batch) > 1:
            assert sum(members[number][2] for number in batch) <= limits.tokens
    assert judge.most_at_once <= limits.workers


class BatchedRail:
    """Refuses texts with a forbidden word, dozens at once."""

    batching = BatchLimits(size=16)

    def __init__(self, settings, context):
        self.batches = []
        self.closed = False

    async def check_batch(self, windows, turns):
        self.batches.append([window.text for window in windows])
        await anyio.sleep(0.02)
        return [self._judged(window) for window in windows]

    def _judged(self, window):
        if "broken" in window.text:
            return ValueError("unreadable")
        at = window.text.find("forbidden")
        return Verdict.block("it is", span=window.span(at, at + 9)) if at >= 0 else Verdict.allow(score=0.1)

    async def aclose(self):
        self.closed = True


@both
def test_a_window_rail_with_check_batch_is_batched_over_streams(backend):
    class Parts:
        @hookimpl
        def handrail_rails(self):
            yield RailSpec("batched", BatchedRail)

    config = RailsConfig.from_content(
        config={"rails": {"output": {"flows": ["batched"], "streaming": {"enabled": True}}}}
    )
    rails = LLMRails(config, registry=Registry.discover().with_plugins(Parts()))
    rail = rails.composition.output_rails[0].rail.rail
    texts = ["all is well", "a forbidden word", "all is fine", "a broken text", "good"]
    answers = {}

    async def one(text):
        async def pieces():
            for word in text.split(" "):
                yield f"{word} "

        messages = [{"role": "user", "content": "Hello"}]
        async with rails.stream(messages=messages, generator=pieces()) as stream:
            async for _ in stream:
                pass
            answers[text] = stream.response

    async def main():
        async with anyio.create_task_group() as group:
            for text in texts:
                group.start_soon(one, text)
        await rails.aclose()

    run(backend, main)
    assert [answers[text].outcome for text in texts] == ["finished", "blocked", "finished", "rail failed", "finished"]
    assert len(rail.batches) == 1
    assert rail.closed
