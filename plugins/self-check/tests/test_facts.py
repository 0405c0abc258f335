"""`self check facts`: the evidence, and what happens without it."""

from __future__ import annotations

import pytest
from handrail import RailFailed

QUESTION = {"role": "user", "content": "How high is it?"}


def context(**variables):
    return {"role": "context", "content": variables}


async def events_of(guarded, messages):
    async with guarded.rails.stream(messages=messages) as stream:
        return [event async for event in stream]


@pytest.mark.parametrize(
    ("messages", "evidence"),
    [
        ([context(relevant_chunks="It is 8 m high.")], "It is 8 m high."),
        ([context(evidence="It is 8 m high.")], "It is 8 m high."),
        ([context(evidence=["one", "two"])], "one\n\ntwo"),
        ([context(evidence=[{"title": "t", "body": "one"}, {"text": "two"}, "three"])], "one\n\ntwo\n\nthree"),
        ([context(evidence={"content": "one"})], "one"),
        ([context(evidence="one", relevant_chunks=["two", "one"])], "one\n\ntwo"),
        ([{"role": "tool", "tool_call_id": "1", "content": "from a tool"}], "from a tool"),
        ([{"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "a"}, {"text": "b"}]}], "ab"),
        ([context(evidence="one"), {"role": "tool", "tool_call_id": "1", "content": "two"}], "one\n\ntwo"),
    ],
)
async def test_evidence_comes_from_the_context_and_from_tools(build, messages, evidence):
    guarded = build("self_check_facts", judge=["yes"], answer="It is 8 m high.")
    answer = await guarded.rails.generate_async(messages=[*messages, QUESTION])
    assert answer["content"] == "It is 8 m high."
    assert guarded.asked == [f"Evidence: {evidence}\nHypothesis: It is 8 m high.\nEntails:"]


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [context(evidence="")],
        [context(evidence="  \n", relevant_chunks=[])],
        [context(evidence=None, other="x")],
        [context(evidence=[" ", {"text": ""}])],
        [{"role": "tool", "tool_call_id": "1", "content": " "}],
        [{"role": "tool", "tool_call_id": "1", "content": [{"no": "text"}]}],
        [{"role": "system", "content": "It is 8 m high."}],
    ],
)
async def test_without_evidence_nothing_passes_and_the_failure_says_so(build, messages):
    guarded = build("self_check_facts", judge=["yes"])
    (failed,) = await events_of(guarded, [*messages, QUESTION])
    assert isinstance(failed, RailFailed)
    assert "no evidence to check the answer against; give it as 'relevant_chunks' or 'evidence'" in failed.error
    assert not guarded.judge.calls


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3, "'evidence' holds int"),
        (b"bytes", "'evidence' holds bytes"),
        ([1], "'evidence' holds int"),
        ([{"id": 1}], "a mapping with the keys 'id'"),
        ({"id": 1}, "a text under 'text', 'content', 'body', 'page_content'"),
    ],
)
async def test_evidence_of_another_kind_is_a_failure(build, value, words):
    guarded = build("self_check_facts", judge=["yes"])
    (failed,) = await events_of(guarded, [context(evidence=value), QUESTION])
    assert words in failed.error


async def test_an_answer_without_support_is_blocked(build):
    guarded = build("self_check_facts", judge=["No."], answer="It is 9 m high.")
    (blocked,) = await events_of(guarded, [context(evidence="It is 8 m high."), QUESTION])
    assert blocked.rail == "self check facts"
    assert blocked.reason == "the judge finds no support for the answer in the evidence"


async def test_the_context_cannot_replace_the_answer_that_is_checked(build):
    guarded = build("self_check_facts", judge=["yes"], answer="It is 9 m high.")
    await guarded.rails.generate_async(messages=[context(evidence="8 m", response="It is 8 m high."), QUESTION])
    assert "Hypothesis: It is 9 m high." in guarded.asked[0]


async def test_a_template_may_go_through_the_pieces(build):
    content = "{% for piece in evidence %}[{{ loop.index }}] {{ piece }} {% endfor %}{{ response }} {{ user_input }}"
    guarded = build("self_check_facts", judge=["yes"], prompt={"content": content})
    await guarded.rails.generate_async(messages=[context(evidence=["one", "two"]), QUESTION])
    assert guarded.asked == ["[1] one [2] two All is well. How high is it?"]
