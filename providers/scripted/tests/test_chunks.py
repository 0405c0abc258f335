from __future__ import annotations

import json
from typing import get_args

import pytest
from handrail import Chunk, ToolCallDelta, Usage
from handrail.errors import ProviderBadRequestError
from handrail_scripted import ScriptedProvider
from handrail_scripted._plan import Limits, build_plan
from handrail_scripted._settings import Answer, Chunking
from hypothesis import given
from hypothesis import strategies as st

CALL = {"name": "weather", "arguments": {"city": "Lisboa", "days": 3}}


def text_of(chunks):
    return "".join(chunk.text for chunk in chunks)


def finish_of(chunks):
    return next((chunk.finish_reason for chunk in chunks if chunk.finish_reason), None)


def test_the_parts_of_an_answer_come_in_order_and_whole(anyio_backend):
    answer = Answer(reasoning="think\n", text="say it", tool_calls=(CALL, CALL), metadata={"id": "r1"})
    for chunking in get_args(Chunking):
        chunks = [chunk for chunk, _ in build_plan(answer, chunking, 3, Limits()).steps]
        assert chunks[0] == Chunk(metadata={"id": "r1"})
        assert "".join(chunk.reasoning for chunk in chunks) == "think\n"
        assert text_of(chunks) == "say it"
        arguments = {0: "", 1: ""}
        for fragment in (fragment for chunk in chunks for fragment in chunk.tool_calls):
            arguments[fragment.index] += fragment.arguments
        assert [json.loads(text) for text in arguments.values()] == [CALL["arguments"]] * 2
        assert chunks[-1] == Chunk(finish_reason="tool_calls")


async def test_a_tool_call_opens_with_its_name_and_goes_on_in_fragments(ask):
    provider = ScriptedProvider({"answers": [{"tool_calls": [{"name": "f", "arguments": '{"broken": '}]}]})
    fragments = [fragment for chunk in await ask(provider) for fragment in chunk.tool_calls]
    assert fragments[0] == ToolCallDelta(0, "call_1", "f")
    assert len(fragments) > 3
    assert "".join(fragment.arguments for fragment in fragments) == '{"broken": '


async def test_usage_is_counted_and_comes_last_in_a_chunk_of_its_own(ask):
    chunks = await ask(ScriptedProvider.from_texts("one two three"), "four words of prompt")
    assert chunks[-2:] == [Chunk(finish_reason="stop"), Chunk(usage=Usage(4, 3))]


async def test_usage_can_be_given_or_left_out_for_all_answers_or_for_one(ask):
    answers = [{"contains": "none", "text": "a", "usage": False}]
    provider = ScriptedProvider({"answers": answers, "default": "b", "usage": {"input_tokens": 7, "output_tokens": 9}})
    assert [chunk.usage for chunk in await ask(provider, "none")] == [None, None]
    assert (await ask(provider, "else"))[-1].usage == Usage(7, 9)


@pytest.mark.parametrize(("given", "sent"), [("content_filter", "content_filter"), (None, None), ("", "stop")])
async def test_the_finish_reason_can_be_given_or_left_out(ask, given, sent):
    provider = ScriptedProvider({"answers": [{"text": "a", "finish_reason": given}]})
    assert finish_of(await ask(provider)) == sent


async def test_an_answer_may_be_empty(ask):
    assert await ask(ScriptedProvider.from_texts("", usage=False)) == [Chunk(finish_reason="stop")]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_max_tokens_cuts_the_answer(ask, name):
    chunks = await ask(ScriptedProvider.from_texts("a b c d"), **{name: 2})
    assert text_of(chunks) == "a b"
    assert finish_of(chunks) == "length"
    assert chunks[-1].usage.output_tokens == 2


async def test_an_answer_that_just_fits_is_not_cut(ask):
    assert finish_of(await ask(ScriptedProvider.from_texts("a b c d"), max_tokens=4)) == "stop"


async def test_max_tokens_counts_the_reasoning_and_cuts_off_what_follows(ask):
    provider = ScriptedProvider({"answers": [{"reasoning": "a b", "text": "c d", "tool_calls": [CALL]}]})
    chunks = await ask(provider, max_tokens=3)
    assert text_of(chunks) == "c"
    assert not any(chunk.tool_calls for chunk in chunks)
    assert finish_of(await ask(provider, max_tokens=2)) == "length"


@pytest.mark.parametrize("stop", ["c", ["x", "c", "d"], ("d", "c")])
async def test_the_answer_ends_before_the_first_stop_text(ask, stop):
    provider = ScriptedProvider({"answers": [{"text": "a b c d", "tool_calls": [CALL]}]})
    chunks = await ask(provider, stop=stop)
    assert text_of(chunks) == "a b "
    assert finish_of(chunks) == "stop"
    assert not any(chunk.tool_calls for chunk in chunks)


async def test_configured_limits_hold_until_a_call_has_its_own(ask):
    provider = ScriptedProvider({"answers": ["a b c d"], "max_tokens": 1, "stop": "d", "temperature": 0.1})
    assert text_of(await ask(provider)) == "a"
    assert text_of(await ask(provider, max_tokens=9)) == "a b c "
    assert text_of(await ask(provider, max_tokens=9, stop=[])) == "a b c d"


@pytest.mark.parametrize("params", [{"max_tokens": 0}, {"max_tokens": "many"}, {"stop": ""}, {"stop": [1]}])
async def test_limits_that_make_no_sense_are_refused(ask, params):
    provider = ScriptedProvider.from_texts("a")
    with pytest.raises(ProviderBadRequestError, match="must be") as caught:
        await ask(provider, **params)
    assert caught.value.code == "invalid_request"
    assert provider.calls[0].closed


async def test_parameters_that_mean_nothing_here_are_recorded(ask):
    provider = ScriptedProvider.from_texts("a")
    await ask(provider, temperature=0.5, tools=[{"type": "function"}])
    assert provider.calls[0].params == {"temperature": 0.5, "tools": [{"type": "function"}]}


@given(
    text=st.text(max_size=60),
    reasoning=st.text(max_size=20),
    chunking=st.sampled_from(get_args(Chunking)),
    limit=st.none() | st.integers(1, 30),
    after=st.none() | st.integers(0, 30),
)
def test_what_is_sent_is_a_beginning_of_the_answer_and_the_tokens_are_counted(text, reasoning, chunking, limit, after):
    error = None if after is None else {"type": "server", "after": after}
    answer = Answer.model_validate({"text": text, "reasoning": reasoning, "error": error})
    plan = build_plan(answer, chunking, 0, Limits(limit))
    counts = [tokens for _, tokens in plan.steps]
    sent = "".join(chunk.reasoning + chunk.text for chunk, _ in plan.steps)
    assert (reasoning + text).startswith(sent)
    assert counts == sorted(counts)
    assert not counts or counts[-1] == plan.tokens
    assert plan.tokens <= min(limit or 1000, 1000 if after is None else after)
    assert (plan.error is None) == (finish_of([chunk for chunk, _ in plan.steps]) is not None)


def test_random_chunks_are_the_same_for_a_seed():
    answer = Answer(text="Tides rise and fall twice a day. " * 10)
    first, again, other = (build_plan(answer, "random", seed, Limits()) for seed in (1, 1, 2))
    assert first == again != other
