"""`mode: observe`: a rail judges, what it would have done is recorded, and the answer is as if it were not there."""

from __future__ import annotations

import anyio
import pytest
from entropy import EXAMPLES
from fakes import FakeProvider, FunctionRail, Guarded, SessionRail, words
from handrail import Blocked, Chunk, Edit, Finished, RailFailed, Ruling, TextDelta, ToolCallDelta, Verdict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from virtual import run

thorough = settings(max_examples=max(EXAMPLES // 20, 10), deadline=None, suppress_health_check=list(HealthCheck))

OBSERVE = {"mode": "observe"}


def refuse_b(window):
    at = window.text.find("b")
    where = None if at < 0 else (window.context_start + at, window.context_start + at + 1)
    return Verdict.allow() if where is None else Verdict.block("a b", category="letters", span=where, score=0.9)


def redact_b(window):
    found = [at for at, letter in enumerate(window.text, window.context_start) if letter == "b" and at >= window.start]
    return Verdict.rewrite([Edit(at, at + 1, "*") for at in found]) if found else Verdict.allow()


def raise_on_b(window):
    return 1 / 0 if "b" in window.text else Verdict.allow()


def session(change):
    def rule(text):
        if change == "block" and "b" in text:
            return Ruling("", block=Verdict.block("a b"))
        if change == "raise" and "b" in text:
            raise ValueError("a b")
        return Ruling(text.replace("b", "*") if change == "rewrite" else text)

    return SessionRail(rule)


class Nonsense:
    """A strategy whose windows do not fit."""

    def __init__(self, settings, count_tokens):
        pass

    def feed(self, text):
        pass

    def finish(self):
        pass

    def window(self):
        return "no window"


KINDS = {
    "window block": lambda latency: FunctionRail(refuse_b, latency),
    "window rewrite": lambda latency: FunctionRail(redact_b, latency),
    "window raise": lambda latency: FunctionRail(raise_on_b, latency),
    "window nonsense": lambda latency: FunctionRail(lambda window: "yes", latency),
    "window broken strategy": lambda latency: FunctionRail(refuse_b, latency),
    "session block": lambda latency: session("block"),
    "session rewrite": lambda latency: session("rewrite"),
    "session raise": lambda latency: session("raise"),
}


@st.composite
def line_ups(draw):
    """Rails in order; each enforces or observes. No two answer at the same time, for then either may be the first."""
    found = draw(st.lists(st.tuples(st.sampled_from(sorted(KINDS)), st.sampled_from([0.0, 0.05, 2.0]), st.booleans())))
    return [
        (f"{number} {kind}", kind, latency + number * 0.0013, observes)
        for number, (kind, latency, observes) in enumerate(found[:4])
    ]


def apart(latency):
    """Return a latency that differs for each call, so that no two checks of a rail answer at the same time."""
    return lambda window: latency + (0.0002 * (1 + int(window.tool_name[-1])) if window.tool_name else 0)


def guarded(line_up, chunks, *, parallel):
    options = {}
    for name, kind, _, observes in line_up:
        options[name] = dict(OBSERVE) if observes else {}
        if "strategy" in kind:
            options[name]["streaming"] = {"strategy": "nonsense"}
    rails = {name: KINDS[kind](apart(latency)) for name, kind, latency, _ in line_up}
    return Guarded(
        FakeProvider(chunks, delay=0.01),
        rails,
        options={name: value for name, value in options.items() if value},
        parallel=parallel,
        strategies={"nonsense": Nonsense},
    )


async def delivered(built):
    """Return what goes out and when, the end apart, and the response."""
    out = []
    async with built.rails.stream("hello") as stream:
        async for event in stream:
            if not isinstance(event, Finished):
                out.append((round(anyio.current_time() - stream._call._generation._started, 6), event))
    return out, stream.response


@st.composite
def answers(draw):
    """Chunks of text, of JSON, and of tool calls."""
    texts = draw(st.lists(st.text('ab \\"{}:', max_size=6), max_size=12))
    if draw(st.booleans()):
        texts = ['{"k": "', *texts, '"}']
    chunks = [Chunk(text) for text in texts]
    for index in range(draw(st.integers(0, 2))):
        chunks.append(Chunk(tool_calls=(ToolCallDelta(index, f"id{index}", f"call{index}", ""),)))
        arguments = draw(st.sampled_from(['{"x": "ab"}', '{"x": ', '{"y": [1, "b"]}']))
        chunks += [Chunk(tool_calls=(ToolCallDelta(index, arguments=part),)) for part in arguments]
    return chunks


@thorough
@given(line_ups(), answers(), st.booleans(), st.sampled_from(["asyncio", "trio"]))
def test_what_goes_out_and_when_is_as_if_observing_rails_were_not_there(line_up, chunks, parallel, backend):
    async def both():
        with_them = await delivered(guarded(line_up, chunks, parallel=parallel))
        enforcing = [entry for entry in line_up if not entry[3]]
        without = await delivered(guarded(enforcing, chunks, parallel=parallel))
        assert with_them[0] == without[0]
        assert (with_them[1].text, with_them[1].outcome) == (without[1].text, without[1].outcome)
        observing = {entry[0] for entry in line_up if entry[3]}
        for record in with_them[1].rail_runs:
            assert (record.mode == "observe") == (record.rail in observing)
            if record.mode == "observe":
                assert record.decision in ("allow", "failed", "cancelled")
                assert not record.stopped

    run(backend, both)


@pytest.mark.parametrize("parallel", [False, True])
async def test_what_an_enforcing_rail_has_cleared_does_not_wait_for_a_slower_one_beside_it_that_observes(parallel):
    chunks = [Chunk(f"word{number} ") for number in range(60)]
    enforcing = ("0 window block", "window block", 0.0513, False)
    observing = ("1 window block", "window block", 2.0026, True)
    beside, _ = await delivered(guarded([enforcing, observing], chunks, parallel=parallel))
    alone, _ = await delivered(guarded([enforcing], chunks, parallel=parallel))
    assert len(alone) > 1
    assert {at: event.start + len(event.text) for at, event in beside} == {
        at: event.start + len(event.text) for at, event in alone
    }  # how much is out at which time; two releases at one time may be one event


@pytest.mark.parametrize(
    ("kind", "would_have"),
    [
        ("window block", "block"),
        ("window rewrite", "rewrite"),
        ("window raise", "failed"),
        ("window nonsense", "failed"),
    ]
    + [("session block", "block"), ("session rewrite", "rewrite"), ("session raise", "failed")]
    + [("window broken strategy", "failed")],
)
async def test_its_record_says_what_it_would_have_done(kind, would_have):
    built = guarded([("watch", kind, 0.1, True)], ["a b c"], parallel=False)
    out, response = await delivered(built)
    assert [event.text for _, event in out] == ["a b c"]
    (record,) = response.rail_runs
    assert (record.would_have, record.mode) == (would_have, "observe")
    assert record.decision == ("failed" if would_have == "failed" else "allow")


async def test_its_record_has_what_its_verdict_says():
    response = await guarded([("watch", "window block", 0, True)], ["a b c"], parallel=False).rails.generate_async(
        "hello", options={"log": {"activated_rails": True}}
    )
    (record,) = response.rail_runs
    assert (record.reason, record.category, record.span, record.score) == ("a b", "letters", (2, 3), 0.9)
    (rail,) = [rail for rail in response.log.activated_rails if rail.name == "watch"]
    assert (rail.stop, rail.decisions) == (False, ("allow",))


@pytest.mark.parametrize("kind", ["window block", "session block"])
async def test_a_rail_that_would_have_let_the_text_pass_would_have_done_nothing(kind):
    response = await guarded([("watch", kind, 0, True)], ["a c"], parallel=False).rails.generate_async(
        "hello", options={"log": {}}
    )
    (record,) = response.rail_runs
    assert (record.decision, record.would_have) == ("allow", None)


async def test_a_rail_whose_failure_would_pass_would_have_done_nothing():
    rails = {"watch": FunctionRail(raise_on_b)}
    built = Guarded(FakeProvider(["a b"]), rails, options={"watch": {**OBSERVE, "on_error": "allow"}})
    response = await built.rails.generate_async("hello", options={"log": {}})
    (record,) = response.rail_runs
    assert (record.decision, record.would_have) == ("failed", None)


async def test_the_end_waits_until_it_has_judged_all():
    rail = FunctionRail(refuse_b, latency=3)
    built = Guarded(FakeProvider(words(30)), {"watch": rail}, options={"watch": OBSERVE})
    started = anyio.current_time()
    out, response = await delivered(built)
    assert out[-1][0] == 0
    assert anyio.current_time() - started >= 3
    assert sum(record.window[1] - record.window[0] for record in response.rail_runs) >= len("".join(words(30)))
    assert response.outcome == "finished"


async def test_leaving_cancels_it():
    rail = FunctionRail(latency=3)
    soon = {"first_chunk_size": 2, "context_size": 0, "hold_size": 0}
    built = Guarded(
        FakeProvider(words(5), hang=True, delay=0.01),
        {"watch": rail},
        options={"watch": {**OBSERVE, "streaming": soon}},
    )
    async with built.rails.stream("hello") as stream:
        async for event in stream:
            if isinstance(event, TextDelta) and rail.running:
                break
            await anyio.sleep(0.01)
    assert (rail.running, rail.cancelled) == (0, 1)


async def test_an_input_rail_that_observes_refuses_nothing():
    provider = FakeProvider(["answer"])
    built = Guarded(provider, {"watch": FunctionRail(refuse_b)}, input_flows=["watch"], options={"watch": OBSERVE})
    response = await built.rails.generate_async("a b", options={"log": {}})
    assert (response.response, provider.opened) == ("answer", 1)
    assert [(record.direction, record.would_have) for record in response.rail_runs] == [("input", "block")]
    result = await built.rails.check_async([{"role": "user", "content": "a b"}])
    assert (result.status, result.content) == ("passed", "a b")


async def test_a_rail_that_observes_is_never_blamed_for_json_that_an_enforcing_rail_cannot_read():
    call = Chunk(tool_calls=(ToolCallDelta(0, "id", "call", '{"x": nonsense}'),))
    rails = {"watch": FunctionRail(), "judge": FunctionRail()}
    built = Guarded(FakeProvider([call]), rails, options={"watch": OBSERVE})
    (stop,) = [event for event in await built.events() if isinstance(event, RailFailed)]
    assert stop.rail == "judge"


async def test_json_that_only_observing_rails_cannot_read_goes_out_as_it_is():
    call = Chunk(tool_calls=(ToolCallDelta(0, "id", "call", '{"x": nonsense}'),))
    built = Guarded(FakeProvider([call]), {"watch": FunctionRail()}, options={"watch": OBSERVE})
    events = await built.events()
    assert [event.arguments for event in events if isinstance(event, ToolCallDelta)] == ['{"x": nonsense}']
    assert isinstance(events[-1], Finished)


async def test_a_rail_that_observes_guards_nothing():
    """So reasoning that only such a rail sees is withheld from strangers where other rails guard the answer."""
    rails = {"watch": FunctionRail(), "judge": FunctionRail()}
    options = {"watch": {**OBSERVE, "channels": ["text", "reasoning"]}}
    assert Guarded(FakeProvider([]), rails, options=options).rails.composition.withheld == {"reasoning"}
    only = Guarded(FakeProvider([]), {"watch": FunctionRail()}, options={"watch": OBSERVE}).rails.composition
    assert (only.withheld, only.guards["text"]) == (frozenset(), ())


async def test_stream_first_does_not_retract_for_a_rail_that_observes():
    rails = {"watch": FunctionRail(refuse_b)}
    built = Guarded(FakeProvider(["a b"]), rails, options={"watch": OBSERVE}, stream_first=True)
    assert [type(event) for event in await built.events()] == [TextDelta, Finished]


async def test_a_rail_that_enforces_still_blocks_beside_one_that_observes():
    rails = {"watch": FunctionRail(latency=5), "judge": FunctionRail(refuse_b)}
    built = Guarded(FakeProvider(["a b"]), rails, options={"watch": OBSERVE})
    started = anyio.current_time()
    (event,) = await built.events()
    assert isinstance(event, Blocked)
    assert anyio.current_time() - started < 1
