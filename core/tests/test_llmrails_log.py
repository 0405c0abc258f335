"""The response and its log: the same for a stream and for a whole answer, however the call ended."""

from __future__ import annotations

import anyio
import pytest
from fakes import FakeProvider, FunctionRail, SessionRail, words
from handrail import Chunk, Edit, Finished, Ruling, Usage, Verdict
from handrail.errors import ProviderConnectionError

HELLO = [{"role": "user", "content": "hello"}]
EVERYTHING = {"activated_rails": True, "llm_calls": True, "internal_events": True}
TEXT = "".join(words(200))
BAD = words(200)[60]


def blocking(window):
    found = window.text.find(BAD)
    if found < 0:
        return Verdict.allow()
    return Verdict.block("forbidden", category="phrase", span=window.span(found, found + len(BAD)))


class Judge:
    """Asks a model about each window, as a self check does."""

    def __init__(self, settings, context):
        self.model = context.model("judge")

    async def check(self, window, turn):
        await self.model.complete([{"role": "user", "content": window.text}], turn=turn, task="judge_rail")
        return blocking(window)


async def run(stream):
    async with stream as events:
        return [event async for event in events], events.response


def rail_of(response, name="r"):
    return next(rail for rail in response.log.activated_rails if rail.name == name)


async def test_a_whole_stream_has_everything_in_its_response(guarded):
    chunks = [Chunk(" one", metadata={"id": "req-1"}), Chunk(" two", usage=Usage(11, 2), finish_reason="stop")]
    g = guarded(FakeProvider(chunks, delay=0.1), {"r": FunctionRail(latency=0.3)})
    events, response = await run(g.rails.stream(messages=HELLO))
    assert events[-1] == Finished("stop", Usage(11, 2), {"id": "req-1"})
    assert response.response == [{"role": "assistant", "content": " one two"}]
    assert (response.outcome, response.partial, response.stop, response.error) == ("finished", False, None, None)
    assert (response.text, response.finish_reason, response.usage) == (" one two", "stop", Usage(11, 2))
    (call,) = response.log.llm_calls
    assert (call.task, call.llm_model_name, call.llm_provider_name) == ("general", "fake-1", "fake")
    assert (call.prompt_tokens, call.completion_tokens, call.total_tokens, call.estimated) == (11, 2, 13, False)
    assert (call.prompt, call.completion, call.id) == ("user: hello", " one two", "req-1")
    assert call.duration == pytest.approx(0.2)
    assert call.started_at <= call.finished_at
    stats = response.log.stats
    assert stats.total_duration == pytest.approx(0.5)
    assert stats.llm_calls_duration == stats.generation_rails_duration == pytest.approx(0.2)
    assert (stats.llm_calls_count, stats.llm_calls_total_tokens) == (1, 13)


async def test_a_stream_and_a_whole_answer_have_the_same_log(guarded):
    def shape(log):
        rails = [(rail.type, rail.name, set(rail.decisions), rail.stop) for rail in log.activated_rails]
        calls = [(call.task, call.prompt, call.completion, call.total_tokens) for call in log.llm_calls]
        return rails, calls, log.stats.llm_calls_total_tokens

    rails = {"in": FunctionRail(), "r": FunctionRail(), "s": SessionRail(Ruling)}
    g = guarded(FakeProvider(words(50)), rails, flows=["r", "s"], input_flows=["in"])
    _, streamed = await run(g.rails.stream(messages=HELLO))
    whole = await g.rails.generate_async(messages=HELLO, options={"log": EVERYTHING})
    assert shape(streamed.log) == shape(whole.log)
    assert (streamed.response, streamed.text, streamed.usage) == (whole.response, whole.text, whole.usage)


async def test_a_stream_blocked_in_the_middle_says_which_rail_which_characters_after_how_long_at_what_cost(guarded):
    g = guarded(
        FakeProvider(words(200), delay=0.01),
        {"judge rail": Judge},
        top={"models": [{"type": "main", "engine": "fake", "model": "m"}, {"type": "judge", "engine": "judge"}]},
        engines={"judge": FakeProvider([Chunk("no", usage=Usage(30, 1))], delay=0.25)},
    )
    events, response = await run(g.rails.stream(messages=HELLO))
    assert response.outcome == "blocked"
    assert response.partial
    assert response.response == [{"role": "assistant", "content": "I'm sorry, I can't respond to that."}]
    start = TEXT.index(BAD)
    assert TEXT.startswith(response.text)
    assert len(response.text) <= start
    assert response.stop == events[-1]
    rail = rail_of(response, "judge rail")
    assert (rail.type, rail.stop, rail.reason, rail.category) == ("output", True, "forbidden", "phrase")
    assert rail.span == (start, start + len(BAD))
    assert rail.decisions.count("block") == 1
    runs = [run for run in response.rail_runs if run.decision != "cancelled"]
    assert all(run.held >= 0.25 - 1e-9 for run in runs)
    assert all(run.characters == run.window[1] - run.window[0] for run in runs)
    (blocking,) = [run for run in runs if run.decision == "block"]
    assert blocking.window[0] <= start < start + len(BAD) <= blocking.window[1]
    assert rail.held == pytest.approx(sum(run.held for run in runs))
    judged = [call for call in response.log.llm_calls if call.task == "judge_rail"]
    assert len(judged) >= 3
    assert len(judged) == len(response.rail_runs)
    done = [call for call in judged if call.completion == "no"]
    assert all((call.prompt_tokens, call.completion_tokens) == (30, 1) for call in done)
    assert [call for action in rail.executed_actions for call in action.llm_calls] == judged
    stats = response.log.stats
    assert stats.llm_calls_count == len(judged) + 1
    assert stats.llm_calls_total_tokens == sum(call.total_tokens for call in response.log.llm_calls)
    assert stats.total_duration < 1.5


async def test_a_stream_that_its_provider_breaks_has_a_partial_response(guarded):
    provider = FakeProvider(words(30), error=ProviderConnectionError("reset by peer"))
    g = guarded(provider, {"r": FunctionRail()})
    stream = g.rails.stream("hello")
    with pytest.raises(ProviderConnectionError):
        await run(stream)
    response = stream.response
    assert (response.outcome, response.partial) == ("generation failed", True)
    assert isinstance(response.error, ProviderConnectionError)
    assert response.text == response.response == response.llm_calls[0].completion == "".join(words(30))
    assert response.usage.estimated
    assert not rail_of(response).stop


async def test_a_stream_that_a_failed_rail_ended_says_what_failed(guarded):
    def judge(window):
        if window.start:
            raise RuntimeError("no route to host")
        return Verdict.allow()

    g = guarded(FakeProvider(words(100), delay=0.01), {"r": FunctionRail(judge, latency=0.1)})
    _, response = await run(g.rails.stream("hello"))
    assert response.outcome == "rail failed"
    assert response.response == "I'm sorry, an internal error has occurred."
    rail = rail_of(response)
    assert rail.stop
    assert "RuntimeError: no route to host" in rail.reason
    assert rail.decisions[:2] == ("allow", "failed")
    assert set(rail.decisions[2:]) <= {"cancelled"}


async def test_a_cancelled_stream_has_a_partial_response_and_blames_no_rail(guarded):
    g = guarded(FakeProvider(words(500), delay=0.01), {"r": FunctionRail(latency=0.3)})
    with anyio.move_on_after(1):
        async with g.rails.stream("hello") as stream:
            async for _ in stream:
                pass
    response = stream.response
    assert (response.outcome, response.partial) == ("left", True)
    assert isinstance(response.error, anyio.get_cancelled_exc_class())
    assert response.text
    assert "".join(words(500)).startswith(response.text)
    assert response.response == response.text
    rail = rail_of(response)
    assert "cancelled" in rail.decisions
    assert not rail.stop
    (call,) = response.log.llm_calls
    assert call.duration == pytest.approx(1)
    assert response.log.stats.total_duration == pytest.approx(1)
    assert call.completion.startswith(response.text)


@pytest.mark.parametrize("rails", [{}, {"s": SessionRail(Ruling)}, {"r": FunctionRail()}])
async def test_a_stream_that_was_left_early_has_a_partial_response(guarded, rails):
    g = guarded(FakeProvider(words(500), delay=0.01), rails)
    async with g.rails.stream("hello") as stream:
        await anext(stream)
        before = stream.response
        assert before.outcome == "left"
    response = stream.response
    assert (response.outcome, response.error, response.partial) == ("left", None, True)
    assert response.text == before.text
    assert response.log.llm_calls[0].completion.startswith(response.text)
    assert response.usage.output_tokens > 0


async def test_an_error_of_the_consumer_is_in_the_response(guarded):
    g = guarded(FakeProvider(words(50), delay=0.01), {"r": FunctionRail()})
    stream = g.rails.stream("hello")

    async def read():
        async with stream:
            await anext(stream)
            raise KeyError("mine")

    with pytest.raises(KeyError):
        await read()
    assert isinstance(stream.response.error, KeyError)
    assert stream.response.outcome == "left"


async def test_a_rail_beside_the_one_that_blocks_is_cancelled_and_not_to_blame(guarded):
    rails = {"slow": FunctionRail(latency=5), "r": FunctionRail(lambda window: Verdict.block("no"), latency=0.1)}
    g = guarded(FakeProvider(words(30)), rails, parallel=True)
    _, response = await run(g.rails.stream("hello"))
    assert response.stop.rail == "r"
    assert rail_of(response).stop
    slow = rail_of(response, "slow")
    assert (set(slow.decisions), slow.stop) == ({"cancelled"}, False)


@pytest.mark.parametrize("mode", ["enforce", "observe"])
async def test_a_session_that_another_rail_cuts_off_says_how_far_it_came(guarded, mode):
    blocking = FunctionRail(lambda window: Verdict.block("no") if BAD in window.text else Verdict.allow())
    g = guarded(FakeProvider(words(100)), {"s": SessionRail(), "r": blocking}, options={"s": {"mode": mode}})
    _, response = await run(g.rails.stream("hello"))
    assert response.stop.rail == "r"
    (session,) = [one for one in response.rail_runs if one.rail == "s"]
    assert session.characters >= len("".join(words(100)).partition(BAD)[0])
    assert session.window == (0, session.characters)
    assert session.finished_at >= session.started_at > 0


async def test_a_rail_that_rewrites_says_so_in_the_log(guarded):
    def judge(window):
        found = window.text.find(BAD)
        if found < 0:
            return Verdict.allow()
        return Verdict.rewrite([Edit(*window.span(found, found + len(BAD)), " [x]")], "a name", category="pii")

    g = guarded(FakeProvider(words(100)), {"r": FunctionRail(judge)})
    _, response = await run(g.rails.stream("hello"))
    assert response.text == "".join(words(100)).replace(BAD, " [x]")
    rail = rail_of(response)
    assert "rewrite" in rail.decisions
    assert (rail.reason, rail.category, rail.stop) == ("a name", "pii", False)


async def test_a_failure_that_lets_text_pass_is_in_the_log_and_stops_nothing(guarded):
    g = guarded(FakeProvider(["Hi"]), {"r": FunctionRail(lambda window: 1 / 0)}, options={"r": {"on_error": "allow"}})
    response = await g.rails.generate_async("hello", options={"log": EVERYTHING})
    rail = rail_of(response)
    assert (response.response, rail.decisions, rail.stop) == ("Hi", ("failed",), False)
    assert "ZeroDivisionError" in rail.reason
    assert "ZeroDivisionError" in response.log.internal_events[0]["reason"]


async def test_a_retraction_takes_text_back_from_the_response(guarded):
    g = guarded(FakeProvider(words(100), delay=0.01), {"r": FunctionRail(blocking, latency=0.2)}, stream_first=True)
    _, response = await run(g.rails.stream("hello"))
    assert TEXT.startswith(response.text)
    assert len(response.text) <= TEXT.index(BAD)


async def test_the_log_is_that_of_one_call(guarded):
    g = guarded(FakeProvider(["Hi"]), {"r": FunctionRail()})
    for _ in range(3):
        response = await g.rails.generate_async("hello", options={"log": EVERYTHING})
        assert len(response.log.llm_calls) == len(g.rails.explain().llm_calls) == 1
        assert len(rail_of(response).decisions) == 1


async def test_explain_tells_of_the_call_that_began_last_and_reads_well(guarded, capsys):
    g = guarded(FakeProvider([Chunk("Hi", usage=Usage(12, 3))], delay=0.5), {"r": FunctionRail()})
    assert g.rails.explain().llm_calls == ()
    await g.texts()
    g.rails.explain().print_llm_calls_summary()
    assert capsys.readouterr().out == (
        "Summary: 1 LLM call, 0.50 seconds, 15 tokens\n- [0.50s] general, fake/fake-1, 12 + 3 tokens\n"
    )
    g.provider.chunks = ["Hi"]
    await g.rails.generate_async("hello")
    (call,) = g.rails.explain().llm_calls
    g.rails.explain().print_llm_calls_summary()
    assert f"{call.prompt_tokens} + {call.completion_tokens} tokens, estimated" in capsys.readouterr().out


async def test_print_summary_reads_well(guarded, capsys):
    rails = {"in": FunctionRail(latency=0.2), "r": FunctionRail(lambda window: Verdict.block("rude words"))}
    g = guarded(FakeProvider([Chunk("Hi", usage=Usage(12, 3))], delay=0.5), rails, input_flows=["in"])
    response = await g.rails.generate_async("hello", options={"log": EVERYTHING})
    response.log.print_summary()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "# General stats"
    assert "- Total time: 0.70s" in lines
    assert "- 1 LLM call, 0.50 seconds, 15 tokens" in lines
    assert "- [0.20s] input rail 'in', 1 check: allow" in lines
    assert "- [0.00s] output rail 'r', 1 check: stopped the call: rude words" in lines
    assert lines[-2:] == ["# LLM calls", "- [0.50s] general, fake/fake-1, 12 + 3 tokens"]
