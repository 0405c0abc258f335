"""Speculative input: the model is asked while input rails still judge, and nobody hears of it before they pass."""

from __future__ import annotations

import anyio
import pytest
from fakes import FakeProvider, FunctionRail, words
from handrail import Chunk, Edit, Usage, Verdict
from handrail.errors import ProviderConnectionError

REFUSAL = "I'm sorry, I can't respond to that."


def speculative(guarded, provider, judge=None, latency=0.5, *, rails=None, **config):
    parts = {"in": FunctionRail(judge, latency=latency), **(rails or {})}
    return guarded(provider, parts, input_flows=["in"], input={"speculative": True}, **config)


async def test_the_rails_and_the_model_work_at_the_same_time(guarded):
    g = speculative(guarded, FakeProvider(words(100), delay=0.01), latency=0.6)
    started = anyio.current_time()
    assert await g.rails.generate_async("hello") == "".join(words(100))
    assert anyio.current_time() - started == pytest.approx(1.0, abs=0.01)


async def test_without_it_the_model_waits(guarded):
    rails = {"in": FunctionRail(latency=0.6)}
    g = guarded(FakeProvider(words(100), delay=0.01), rails, input_flows=["in"])
    started = anyio.current_time()
    await g.rails.generate_async("hello")
    assert anyio.current_time() - started == pytest.approx(1.6, abs=0.01)


@pytest.mark.parametrize("rails", [{}, {"out": FunctionRail()}])
async def test_nothing_is_delivered_before_the_input_has_passed(guarded, rails):
    g = speculative(guarded, FakeProvider(words(100), delay=0.01), latency=0.5, rails=rails)
    started = anyio.current_time()
    stream = g.rails.stream_async("hello")
    first = await anext(stream)
    assert anyio.current_time() - started == pytest.approx(0.5, abs=0.02)
    assert g.provider.produced >= 45
    assert first + "".join([text async for text in stream]) == "".join(words(100))
    assert anyio.current_time() - started == pytest.approx(1.0, abs=0.02)


async def test_a_model_that_answers_first_waits_for_the_rails(guarded):
    g = speculative(guarded, FakeProvider(["Hi"]), latency=0.5)
    started = anyio.current_time()
    assert await g.texts() == ["Hi"]
    assert anyio.current_time() - started == pytest.approx(0.5)


@pytest.mark.parametrize("hang", [False, True])
async def test_a_refusal_closes_the_provider_and_delivers_nothing_of_it(guarded, hang):
    provider = FakeProvider(words(30), delay=0.01, hang=hang)
    g = speculative(guarded, provider, lambda window: Verdict.block("hostile"), latency=0.1)
    started = anyio.current_time()
    assert await g.texts() == [REFUSAL]
    assert anyio.current_time() - started == pytest.approx(0.1)
    assert provider.produced in range(8, 11)
    assert (provider.opened, provider.closed) == (1, 1)
    assert provider.closed_at - started == pytest.approx(0.1)
    assert await g.rails.generate_async("hello") == REFUSAL
    assert (provider.opened, provider.closed) == (2, 2)


async def test_what_a_refused_answer_has_cost_is_in_the_log(guarded):
    chunks = [Chunk(" one", usage=Usage(7, 1)), Chunk(" two", usage=Usage(7, 2)), " three"]
    g = speculative(guarded, FakeProvider(chunks, delay=0.1), lambda window: Verdict.block("hostile"), latency=0.25)
    response = await g.rails.generate_async("hello", options={"log": {"llm_calls": True, "activated_rails": True}})
    (call,) = response.log.llm_calls
    assert (call.completion, call.prompt_tokens, call.completion_tokens) == (" one two", 7, 2)
    assert call.duration == pytest.approx(0.25)
    assert response.log.stats.llm_calls_total_tokens == 9
    assert [(rail.name, rail.stop) for rail in response.log.activated_rails if rail.type == "input"] == [("in", True)]


async def test_a_rewrite_asks_the_model_again(guarded):
    def judge(window):
        return Verdict.rewrite([Edit(0, 5, "howdy")])

    g = speculative(guarded, FakeProvider([" one", " two", " three"], delay=0.1), judge, latency=0.25)
    started = anyio.current_time()
    assert "".join(await g.texts()) == " one two three"
    assert anyio.current_time() - started == pytest.approx(0.55)
    assert [messages[-1]["content"] for messages in g.provider.messages] == ["hello", "howdy"]
    assert (g.provider.opened, g.provider.closed) == (2, 2)
    first, second = g.rails.explain().llm_calls
    assert (first.completion, second.completion) == (" one two", " one two three")
    assert (first.duration, second.duration) == (pytest.approx(0.25), pytest.approx(0.3))


async def test_a_rewrites_usage_is_that_of_the_answer_that_was_given(guarded):
    g = speculative(guarded, FakeProvider(["Hi"]), lambda window: Verdict.rewrite([Edit(0, 5, "hello there")]))
    response = await g.rails.generate_async("hello", options={"log": {"llm_calls": True}})
    assert response.usage.input_tokens == response.log.llm_calls[1].prompt_tokens
    assert response.usage.input_tokens > response.log.llm_calls[0].prompt_tokens


async def test_an_input_rail_that_fails_closes_the_provider(guarded):
    g = speculative(guarded, FakeProvider(words(9), hang=True), lambda window: None)
    assert await g.rails.generate_async("hello") == "I'm sorry, an internal error has occurred."
    assert g.provider.closed == 1


async def test_a_provider_that_breaks_while_the_rails_judge_is_reported_after_they_pass(guarded):
    provider = FakeProvider(["Hi"], error=ProviderConnectionError("reset by peer"))
    g = speculative(guarded, provider)
    started = anyio.current_time()
    text, last = await g.texts()
    assert (text, last.error["type"]) == ("Hi", "generation_error")
    assert anyio.current_time() - started == pytest.approx(0.5)
    with pytest.raises(ProviderConnectionError):
        await g.rails.generate_async("hello")


async def test_a_provider_that_breaks_says_nothing_where_the_rails_refuse(guarded):
    provider = FakeProvider(["Hi"], error=ProviderConnectionError("reset by peer"))
    g = speculative(guarded, provider, lambda window: Verdict.block())
    assert await g.texts() == [REFUSAL]


async def test_the_model_is_read_ahead_no_further_than_max_pending(guarded):
    g = speculative(guarded, FakeProvider(words(500), delay=0.001), latency=2, max_pending=50)
    stream = g.rails.stream_async("hello")
    await anext(stream)
    assert g.provider.produced <= 52
    assert len("".join([text async for text in stream])) > 1000


@pytest.mark.parametrize("after", [0.05, 0.3])
async def test_leaving_closes_the_provider_and_cancels_the_rails(guarded, after):
    provider = FakeProvider(words(500), delay=0.01, hang=True)
    g = speculative(guarded, provider, latency=0.2)
    with anyio.move_on_after(after):
        async with g.rails.stream("hello") as stream:
            async for _ in stream:
                pass
    assert (provider.opened, provider.closed) == (1, 1)
    assert stream.response.outcome == "left"
    assert stream.response.llm_calls[0].duration == pytest.approx(after)


async def test_the_turn_of_output_rails_is_that_of_the_rewritten_message(guarded):
    out = FunctionRail()
    g = speculative(
        guarded, FakeProvider(words(100)), lambda window: Verdict.rewrite([Edit(0, 5, "howdy")]), rails={"out": out}
    )
    await g.texts()
    assert {turn.user_message for turn in out.turns} == {"howdy"}
