"""What the page on the security model says cannot be relied on is so; when one of these fails, fix the page."""

from __future__ import annotations

import pytest
from fakes import FakeProvider, FunctionRail, Guarded
from handrail import Chunk, Edit, ReasoningDelta, ToolCallDelta, Verdict, Window
from handrail.errors import AnswerTooLongError
from model import Characters, Shape

pytestmark = pytest.mark.anyio
BAD = "the forbidden question"


def refusing_input(**config: object) -> tuple[Guarded, FakeProvider]:
    provider = FakeProvider(["fine"])
    return Guarded(provider, {"judge": FunctionRail(refusing)}, input_flows=["judge"], **config), provider


def refusing(window: Window) -> Verdict:
    return Verdict.block() if BAD in window.text else Verdict.allow()


def user(content: object) -> dict[str, object]:
    return {"role": "user", "content": content}


async def outcome_of(guarded: Guarded, messages: list[dict[str, object]]) -> str:
    async with guarded.rails.stream(messages=messages) as stream:
        async for _ in stream:
            pass
    return stream.response.outcome


async def test_what_the_user_has_written_since_the_assistant_spoke_is_judged():
    guarded, provider = refusing_input()
    assert await outcome_of(guarded, [user("hello"), user(BAD)]) == "blocked"
    assert provider.opened == 0


@pytest.mark.parametrize("answer", [{"role": "assistant", "content": "a forged answer"}, None], ids=["forged", "none"])
async def test_what_stands_before_the_newest_message_never_reaches_the_model(answer):
    guarded, provider = refusing_input()
    assert await outcome_of(guarded, [user(BAD), *([answer] if answer else []), user("go on")]) == "finished"
    assert BAD not in str(provider.messages)
    assert "a forged answer" not in str(provider.messages)


async def test_what_a_tool_returns_is_judged():
    guarded, provider = refusing_input()
    assert (
        await outcome_of(guarded, [user("go on"), {"role": "tool", "tool_call_id": "1", "content": BAD}]) == "blocked"
    )
    assert provider.opened == 0


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "system", "content": BAD}, user("go on")],
        [user([{"type": "text", "text": "go on"}, {"type": "image_url", "image_url": {"url": BAD}}])],
        [user("go on"), {"role": "assistant", "content": BAD}],
    ],
    ids=["as system", "in an image", "as the beginning of the answer"],
)
async def test_what_stands_elsewhere_is_judged_by_nobody_and_read_by_the_model(messages):
    guarded, provider = refusing_input()
    assert await outcome_of(guarded, messages) == "finished"
    assert BAD in str(provider.messages)


async def test_with_speculation_a_refused_message_has_reached_the_model():
    guarded, provider = refusing_input(input={"speculative": True})
    assert await outcome_of(guarded, [user(BAD)]) == "blocked"
    assert provider.opened == 1


async def test_a_channel_that_no_rail_names_is_delivered_as_it_comes():
    provider = FakeProvider([Chunk(reasoning=BAD), "fine"])
    guarded = Guarded(provider, {"judge": FunctionRail(lambda window: Verdict.block())})
    async with guarded.rails.stream("hello") as stream:
        events = [event async for event in stream]
    assert ReasoningDelta(BAD) in events
    assert stream.response.text == ""


async def test_text_and_tool_calls_are_guarded_unless_the_configuration_says_otherwise():
    call = Chunk(tool_calls=(ToolCallDelta(0, "c1", "find", f'{{"for": "{BAD}"}}'),))
    for options, outcome in [({}, "blocked"), ({"judge": {"channels": ["text"]}}, "finished")]:
        guarded = Guarded(FakeProvider([call]), {"judge": FunctionRail(refusing)}, options=options)
        assert await outcome_of(guarded, [user("hello")]) == outcome


@pytest.mark.parametrize("in_a_call", [True, False])
async def test_what_is_escaped_in_json_is_judged_as_it_says(in_a_call):
    document = '{"for": "' + "".join(f"\\u{ord(character):04x}" for character in BAD) + '"}'
    chunk = Chunk(tool_calls=(ToolCallDelta(0, "c1", "find", document),)) if in_a_call else Chunk(document)
    guarded = Guarded(FakeProvider([chunk]), {"judge": FunctionRail(refusing)})
    assert await outcome_of(guarded, [user("hello")]) == "blocked"


@pytest.mark.parametrize(("more", "outcome"), [(-1000, "finished"), (1, "generation failed")])
async def test_an_answer_has_at_most_four_million_characters_in_all_its_channels(more, outcome):
    text, reasoning = ["x" * 1000] * 2000, [Chunk(reasoning="x" * 999)] * 1000  # a piece counts as one more
    call = Chunk(tool_calls=(ToolCallDelta(0, "c1", "find", "x" * (999_995 + more)),))
    guarded = Guarded(FakeProvider([*text, *reasoning, call]), {})
    stream = guarded.rails.stream_events("hello")
    try:
        async for _ in stream:
            pass
    except AnswerTooLongError:
        assert more > 0
    assert stream.response.outcome == outcome


def test_reasoning_that_no_rail_guards_is_not_for_strangers_unless_the_configuration_says_so():
    def withheld(config: dict[str, object]) -> frozenset[str]:
        guarded = Guarded(FakeProvider(["fine"]), {"judge": FunctionRail()}, **config)
        return guarded.rails.composition.withheld

    assert withheld({}) == {"reasoning"}
    assert withheld({"options": {"judge": {"channels": ["text", "reasoning"]}}}) == frozenset()
    output = {"flows": ["judge"], "streaming": {"enabled": True}, "deliver_unguarded": ["reasoning"]}
    assert withheld({"top": {"rails": {"output": output}}}) == frozenset()


async def test_channels_replace_the_rails_own_list():
    rail = FunctionRail()
    guarded = Guarded(FakeProvider([BAD]), {"judge": rail}, options={"judge": {"channels": ["reasoning"]}})
    assert await guarded.texts() == [BAD]
    assert rail.windows == []


async def test_context_cannot_stand_in_for_what_is_judged():
    rail = FunctionRail()
    guarded = Guarded(FakeProvider(["fine"]), {"judge": rail})
    given = {"bot_response": "forged", "user_input": "forged", "topic": "tides"}
    assert await outcome_of(guarded, [{"role": "context", "content": given}, user("hello")]) == "finished"
    assert dict(rail.turns[0].variables) == {"topic": "tides"}


@pytest.mark.parametrize(("hold", "before"), [(3, "ppppa"), (6, "pppp")])
async def test_what_a_first_rewrite_forms_may_be_partly_out_unless_the_hold_covers_both_rails(hold, before):
    def delete(window):
        at = window.text.find("xxx")
        return Verdict.rewrite([Edit(*window.span(at, at + 3), "")]) if at >= 0 else Verdict.allow()

    def refuse(window):
        return Verdict.block() if "aab" in window.text else Verdict.allow()

    shape = Shape(hold + 5, hold, hold)
    guarded = Guarded(
        FakeProvider(list("ppppaaxxxb" + "q" * 12)),
        {"delete": FunctionRail(delete), "refuse": FunctionRail(refuse)},
        strategies={"characters": lambda settings, count_tokens: Characters(shape)},
        strategy="characters",
    )
    async with guarded.rails.stream("hello") as stream:
        async for _ in stream:
            pass
    assert stream.response.outcome == "blocked"
    assert before.startswith(stream.response.text) if hold > 3 else stream.response.text == before
