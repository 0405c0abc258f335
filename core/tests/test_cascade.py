"""Cascades: a judge runs only where the score of a rail before it leaves something open."""

from __future__ import annotations

import anyio
import pytest
from handrail import LLMRails, RailsConfig, Registry, Verdict
from handrail.errors import InvalidRailsConfigurationError
from handrail.plugins import RailSpec, hookimpl
from virtual import run

both = pytest.mark.parametrize("backend", ["asyncio", "trio"])
GREY = {"rail": "score", "score": "0.3..0.9"}


class Scoring:
    """Scores a window by the largest number in it."""

    latency = 0.02

    def __init__(self, settings, context):
        self.asked = []
        self.closed = False

    async def check(self, window, turn):
        self.asked.append(window.text)
        await anyio.sleep(self.latency)
        words = window.text.split()
        if "broken" in words:
            raise ValueError("cannot score")
        if "unscored" in words:
            return Verdict.allow()
        return Verdict.allow(score=max((float(word) for word in words if word.startswith("0.")), default=0.0))

    async def aclose(self):
        self.closed = True


class Judging(Scoring):
    """Refuses a window with the word `bad`."""

    latency = 0.3

    async def check(self, window, turn):
        self.asked.append(window.text)
        await anyio.sleep(self.latency)
        return Verdict.block("the judge says so") if "bad" in window.text.split() else Verdict.allow()


class Whole(Judging):
    pass


class Streaming:
    def __init__(self, settings, context):
        pass

    def open(self, turn):
        raise NotImplementedError


class Parts:
    @hookimpl
    def handrail_rails(self):
        yield RailSpec("score", Scoring, rewrites=False)
        yield RailSpec("judge", Judging, rewrites=False)
        yield RailSpec("second judge", Judging, rewrites=False)
        yield RailSpec("whole judge", Whole, whole=True, rewrites=False)
        yield RailSpec("stream", Streaming)


def composed(flows=("score", "judge"), when=GREY, direction="output", rail="judge", **config):
    streaming = {"enabled": True, "chunk_size": 8, "context_size": 0}
    rails = {
        "output": {"streaming": streaming, "flows": []},
        "config": {rail: {"when": when}, **config},
    }
    rails.setdefault(direction, {})["flows"] = list(flows)
    return LLMRails(
        RailsConfig.from_content(config={"rails": rails}), registry=Registry.discover().with_plugins(Parts())
    )


def rail_of(rails, number):
    plans = rails.composition.output_rails or rails.composition.input_rails
    return plans[number].rail.rail


def answered(backend, rails, text):
    """Guard an answer; return the response, with how long it took."""

    async def words():
        for word in text.split():
            yield f"{word} "

    async def main():
        begun = anyio.current_time()
        async with rails.stream(messages=[{"role": "user", "content": "Hello"}], generator=words()) as stream:
            async for _ in stream:
                pass
        return stream.response, anyio.current_time() - begun

    return run(backend, main)


@both
@pytest.mark.parametrize(
    ("text", "asked", "outcome"),
    [
        ("all is well", False, "finished"),
        ("0.29 is low bad", False, "finished"),
        ("0.3 is grey", True, "finished"),
        ("0.3 is grey and bad", True, "blocked"),
        ("0.89 is grey", True, "finished"),
        ("0.9 is high", False, "blocked"),
        ("unscored words", True, "finished"),
        ("unscored bad words", True, "blocked"),
    ],
)
def test_the_judge_is_asked_only_between_the_ends_of_the_range(backend, text, asked, outcome):
    rails = composed()
    response, _ = answered(backend, rails, text)
    assert response.outcome == outcome
    assert bool(rail_of(rails, 1).asked) == asked


@both
def test_both_rails_share_the_score_of_a_window(backend):
    rails = composed()
    answered(backend, rails, " ".join(f"0.4 word{number}" for number in range(40)))
    scoring, judge = rail_of(rails, 0), rail_of(rails, 1)
    assert len(set(scoring.asked)) == len(scoring.asked)
    assert sorted(scoring.asked) == sorted(judge.asked)


@both
def test_a_window_outside_the_range_costs_the_first_rail_alone(backend):
    _, seconds = answered(backend, composed(), "all is well")
    assert seconds == pytest.approx(0.02, abs=1e-6)


@both
def test_the_journal_says_whose_verdict_it_is(backend):
    rails = composed()

    async def main():
        return await rails.check_async([{"role": "assistant", "content": "0.1 is low"}])

    (record,) = [each for each in run(backend, main).journal.rail_runs if each.rail == "judge"]
    assert record.decision == "allow"
    assert record.score is None
    assert record.detail == {"when": {"rail": "score", "score": 0.1}}
    assert "'score'" in record.reason


@both
@pytest.mark.parametrize(("text", "outcome"), [("broken bad", "rail failed"), ("broken", "rail failed")])
def test_a_first_rail_that_fails_blocks_as_ever(backend, text, outcome):
    assert answered(backend, composed(), text)[0].outcome == outcome


@both
@pytest.mark.parametrize(("text", "outcome"), [("broken bad", "blocked"), ("broken", "finished")])
def test_the_judge_decides_alone_where_the_first_rail_fails_and_may(backend, text, outcome):
    assert answered(backend, composed(score={"on_error": "allow"}), text)[0].outcome == outcome


@both
def test_the_judge_decides_alone_on_what_the_first_rail_is_not_to_see(backend):
    rails = composed(score={"channels": ["reasoning"]})
    assert answered(backend, rails, "0.1 bad")[0].outcome == "blocked"


@both
@pytest.mark.parametrize(
    ("text", "outcome"), [("0.95 words", "blocked"), ("0.4 bad", "blocked"), ("0.1 bad", "finished")]
)
def test_the_judge_refuses_for_a_first_rail_that_only_observes(backend, text, outcome):
    assert answered(backend, composed(score={"mode": "observe"}), text)[0].outcome == outcome


@both
@pytest.mark.parametrize(("text", "outcome"), [("0.95 words", "blocked"), ("0.4 bad", "finished")])
def test_a_judge_that_only_observes_stops_nothing(backend, text, outcome):
    rails = composed(judge={"when": GREY, "mode": "observe"})
    assert answered(backend, rails, text)[0].outcome == outcome


@both
def test_the_first_rail_left_out_by_a_caller_is_still_asked_for_its_score(backend):
    rails = composed()

    async def main():
        messages = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "0.95 words"}]
        return await rails.check_async(messages, rail_types=["output"], options={"rails": {"output": ["judge"]}})

    assert run(backend, main).status == "blocked"
    assert rail_of(rails, 1).asked == []


@both
def test_two_judges_may_depend_on_one_rail_which_is_asked_once(backend):
    second = {"second judge": {"when": {"rail": "score", "score": [0.5, 0.9]}}}
    rails = composed(("score", "judge", "second judge"), **second)
    answered(backend, rails, "0.4 words")
    assert (len(rail_of(rails, 0).asked), len(rail_of(rails, 1).asked), rail_of(rails, 2).asked) == (1, 1, [])


@both
def test_a_cascade_guards_an_input_too(backend):
    rails = composed(direction="input")

    async def main(text):
        return await rails.check_async([{"role": "user", "content": text}])

    assert run(backend, main, "0.4 bad").status == "blocked"
    assert run(backend, main, "0.2 bad").status == "passed"
    assert run(backend, main, "0.95").status == "blocked"
    assert len(rail_of(rails, 1).asked) == 1


@both
def test_an_impatient_judge_does_not_take_the_score_away_from_the_first_rail(backend):
    rails = composed(judge={"when": GREY, "timeout": 0.01, "on_timeout": "allow"})
    response, _ = answered(backend, rails, "0.95 words")
    assert response.outcome == "blocked"


class Noting(Scoring):
    """Notes what it finds in its state, and leaves a mark there."""

    async def check(self, window, turn):
        self.asked.append(dict(turn.state))
        turn.state["by"] = type(self).__name__
        return Verdict.allow(score=0.5)


class NotingJudge(Noting):
    pass


class NotingParts:
    @hookimpl
    def handrail_rails(self):
        yield RailSpec("score", Noting, rewrites=False)
        yield RailSpec("judge", NotingJudge, rewrites=False)


@both
@pytest.mark.parametrize("alone", [False, True])
def test_each_rail_of_a_cascade_keeps_a_state_of_its_own(backend, alone):
    streaming = {"enabled": True, "chunk_size": 8, "context_size": 0}
    output = {"streaming": streaming, "flows": ["score", "judge"]}
    content = RailsConfig.from_content(config={"rails": {"output": output, "config": {"judge": {"when": GREY}}}})
    rails = LLMRails(content, registry=Registry.discover().with_plugins(NotingParts()))
    options = {"rails": {"output": ["judge"]}} if alone else {}

    async def main():
        async with rails.stream("Hello", generator=numbers(), options=options) as stream:
            async for _ in stream:
                pass

    async def numbers():
        for number in range(40):
            yield f"word{number} "

    run(backend, main)
    for number, name in enumerate(("Noting", "NotingJudge")):
        states = rail_of(rails, number).asked
        assert len(states) > 1
        assert all(state in ({}, {"by": name}) for state in states)
        assert states[-1] == {"by": name}


@both
def test_both_rails_are_closed(backend):
    rails = composed()
    run(backend, rails.aclose)
    assert rail_of(rails, 0).closed
    assert rail_of(rails, 1).closed


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"flows": ["judge", "score"]}, "'score', which is unknown; before it are none"),
        ({"flows": ["judge"]}, "which is unknown"),
        ({"when": {"rail": "scoer", "score": "0.3..0.9"}}, "'scoer', which is unknown; before it are 'score'"),
        ({"score": {"threshold": 0.5}}, "refuses from 0.5 on"),
        ({"flows": ["stream", "judge"], "when": {"rail": "stream", "score": "0.3..0.9"}}, "does not judge windows"),
        ({"flows": ["score", "whole judge"], "rail": "whole judge"}, "does not judge windows"),
        ({"when": {"rail": "score", "score": "0.9..0.3"}}, "must be a range between 0 and 1"),
        ({"when": {"rail": "score", "score": "0.3..1.3"}}, "must be a range between 0 and 1"),
        ({"when": {"rail": "score", "score": "nan..0.3"}}, "must be a range between 0 and 1"),
        ({"when": {"rail": "score", "score": "often"}}, "score"),
        ({"when": {"rail": "score"}}, "score"),
        ({"when": {"rails": "score", "score": "0.3..0.9"}}, "rails"),
    ],
)
def test_a_condition_that_cannot_be_kept_is_an_error_when_the_configuration_is_loaded(options, says):
    with pytest.raises(InvalidRailsConfigurationError, match=says):
        composed(**options)


def test_a_rail_that_does_not_stand_before_is_told_with_its_place():
    with pytest.raises(InvalidRailsConfigurationError) as caught:
        composed(["judge"])
    (problem,) = caught.value.problems
    assert (problem.code, problem.subject) == ("unknown-name", "score")


def test_a_threshold_at_the_end_of_the_range_says_the_same():
    assert composed(score={"threshold": 0.9}).composition.output_rails[0].threshold == 0.9
