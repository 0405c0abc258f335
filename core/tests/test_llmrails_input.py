"""Input rails: they allow, refuse or rewrite what the user wrote before anybody else sees it."""

from __future__ import annotations

import anyio
import pytest
from fakes import FakeProvider, FunctionRail, SessionRail
from handrail import Blocked, Edit, RailFailed, Ruling, StreamError, Verdict
from handrail.errors import InvalidRequestError

REFUSAL = "I'm sorry, I can't respond to that."


def refusing(window):
    found = window.text.find("attack")
    return Verdict.allow() if found < 0 else Verdict.block("hostile", category="abuse", span=(found, found + 6))


def masking(window):
    found = window.text.find("Bob")
    return Verdict.allow() if found < 0 else Verdict.rewrite([Edit(found, found + 3, "<name>")])


def user(*texts):
    return [{"role": "user", "content": text} for text in texts]


async def test_an_input_that_passes_is_answered(guarded):
    rail = FunctionRail(refusing)
    g = guarded(FakeProvider(["Hi"]), {"in": rail}, input_flows=["in"])
    assert await g.rails.generate_async("hello") == "Hi"
    assert await g.texts() == ["Hi"]
    assert [(window.text, window.last) for window in rail.windows] == [("hello", True)] * 2


async def test_an_input_waits_for_its_rails_also_where_the_answer_goes_out_before_it_is_checked(guarded):
    g = guarded(FakeProvider(["Hi"]), {"in": FunctionRail(masking)}, input_flows=["in"], stream_first=True)
    async with g.rails.stream("I am Bob") as stream:
        assert [event.text async for event in stream if hasattr(event, "start")] == ["Hi"]
    assert stream.response.user_message == "I am <name>"


async def test_an_input_that_is_refused_never_reaches_the_model(guarded):
    g = guarded(FakeProvider(["Hi"]), {"in": FunctionRail(refusing)}, input_flows=["in"])
    assert await g.rails.generate_async("an attack") == REFUSAL
    assert [text async for text in g.rails.stream_async("an attack")] == [REFUSAL]
    async with g.rails.stream("an attack") as stream:
        (event,) = [event async for event in stream]
    assert event == Blocked("in", "input", "hostile", "abuse", (3, 9), "text", REFUSAL)
    assert stream.response.response == REFUSAL
    assert g.provider.opened == 0


async def test_a_refusal_of_the_input_is_ordinary_text_and_no_stream_error(guarded):
    g = guarded(FakeProvider(["Hi"]), {"in": FunctionRail(refusing)}, input_flows=["in"])
    (text,) = [text async for text in g.rails.stream_async("an attack")]
    assert type(text) is str


async def test_the_refusal_is_configured(guarded):
    g = guarded(FakeProvider([]), {"in": FunctionRail(refusing)}, input_flows=["in"], input={"refusal": "Please, no."})
    assert await g.rails.generate_async("an attack") == "Please, no."
    assert [text async for text in g.rails.stream_async("an attack")] == ["Please, no."]


async def test_with_enable_rails_exceptions_a_refused_input_is_an_exception(guarded):
    top = {"enable_rails_exceptions": True}
    g = guarded(FakeProvider([]), {"in": FunctionRail(refusing)}, input_flows=["in"], top=top)
    message = await g.rails.generate_async(messages=user("an attack"))
    assert message["role"] == "exception"
    assert message["content"] == {"type": "InputRailException", "rail": "in", "message": "in: hostile"}


async def test_an_input_rail_that_fails_lets_nothing_through(guarded):
    g = guarded(FakeProvider(["Hi"]), {"in": FunctionRail(lambda window: None)}, input_flows=["in"])
    (last,) = await g.texts()
    assert isinstance(last, StreamError)
    assert isinstance(last.event, RailFailed)
    assert await g.rails.generate_async("hello") == "I'm sorry, an internal error has occurred."
    assert g.provider.opened == 0


@pytest.mark.parametrize("speculative", [False, True])
async def test_a_rewritten_message_is_what_the_model_and_output_rails_see(guarded, speculative):
    out = FunctionRail()
    rails = {"in": FunctionRail(masking), "out": out}
    g = guarded(FakeProvider(["Hi"]), rails, input_flows=["in"], input={"speculative": speculative})
    assert [text async for text in g.rails.stream_async("I am Bob")] == ["Hi"]
    assert await g.rails.generate_async("I am Bob") == "Hi"
    assert g.provider.messages[-1][-1]["content"] == "I am <name>"
    assert [turn.user_message for turn in out.turns] == ["I am <name>"] * 2
    assert [turn.messages[-1]["content"] for turn in out.turns] == ["I am <name>"] * 2


@pytest.mark.parametrize("speculative", [False, True])
async def test_the_response_has_the_conversation_to_keep(guarded, speculative):
    rails = {"in": FunctionRail(masking), "out": FunctionRail()}
    g = guarded(FakeProvider(["Hi"]), rails, input_flows=["in"], input={"speculative": speculative})
    before = [{"role": "user", "content": "Hi, Bob"}, {"role": "assistant", "content": "Hi"}]
    sent = [*before, {"role": "context", "content": {"x": 1}}, {"role": "user", "content": "I am Bob"}]
    kept = ({"role": "user", "content": "Hi, <name>"}, before[1], {"role": "user", "content": "I am <name>"})
    assert (await g.rails.generate_async(messages=sent, options={})).messages == kept
    async with g.rails.stream(messages=sent) as stream:
        while await stream.take():
            pass
    assert stream.response.messages == kept


async def test_a_stream_rail_rewrites_an_input_too(guarded):
    rails = {"in": SessionRail(lambda text: Ruling(text.upper()))}
    g = guarded(FakeProvider(["Hi"]), rails, input_flows=["in"])
    await g.rails.generate_async("hello")
    assert g.provider.messages[0][-1]["content"] == "HELLO"


async def test_input_rails_in_order_see_what_those_before_let_through(guarded):
    second = FunctionRail()
    g = guarded(FakeProvider(["Hi"]), {"a": FunctionRail(masking), "b": second}, input_flows=["a", "b"])
    await g.rails.generate_async("I am Bob")
    assert second.windows[0].text == "I am <name>"


async def test_parallel_input_rails_cost_the_slowest(guarded):
    rails = {"a": FunctionRail(latency=0.3), "b": FunctionRail(latency=0.5), "c": FunctionRail(latency=0.4)}
    g = guarded(FakeProvider(["Hi"]), rails, input_flows=list(rails), input={"parallel": True})
    started = anyio.current_time()
    assert await g.rails.generate_async("hello") == "Hi"
    assert anyio.current_time() - started == pytest.approx(0.5)


async def test_input_rails_in_order_cost_their_sum(guarded):
    rails = {"a": FunctionRail(latency=0.3), "b": FunctionRail(latency=0.5)}
    g = guarded(FakeProvider(["Hi"]), rails, input_flows=list(rails))
    started = anyio.current_time()
    assert await g.rails.generate_async("hello") == "Hi"
    assert anyio.current_time() - started == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("messages", "judged"),
    [
        (user("one", "two"), "one\ntwo"),
        ([{"role": "assistant", "content": "answer"}, *user("one", "two")], "one\ntwo"),
        ([*user("one"), {"role": "system", "content": "Be brief."}, *user("two")], "one\ntwo"),
        ([*user("one"), {"role": "assistant", "content": "Sure, here"}], "one"),
    ],
)
async def test_all_user_messages_since_the_last_assistant_message_are_judged(guarded, messages, judged):
    rail = FunctionRail()
    g = guarded(FakeProvider(["Hi"]), {"in": rail}, input_flows=["in"])
    await g.rails.generate_async(messages=messages)
    assert [window.text for window in rail.windows] == [judged]
    assert rail.turns[0].user_message == judged


async def test_what_a_tool_has_returned_is_judged_as_a_text_of_its_own(guarded):
    rail = FunctionRail()
    g = guarded(FakeProvider(["Hi"]), {"in": rail}, input_flows=["in"])
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    asked = {"role": "assistant", "content": None, "tool_calls": [call]}
    await g.rails.generate_async(messages=[*user("one"), asked, {"role": "tool", "content": "2", "tool_call_id": "c1"}])
    assert [window.text for window in rail.windows] == ["one", "2"]
    assert [turn.user_message for turn in rail.turns] == ["one", "one"]


async def test_a_rewrite_of_several_messages_keeps_each_in_its_place(guarded):
    g = guarded(FakeProvider(["Hi"]), {"in": FunctionRail(masking)}, input_flows=["in"])
    before = [{"role": "system", "content": "s"}, *user("old"), {"role": "assistant", "content": "a"}]
    await g.rails.generate_async(messages=[*before, *user("I am"), {"role": "developer", "content": "d"}, *user("Bob")])
    assert [message["content"] for message in g.provider.messages[0]] == ["s", "old", "a", "I am", "d", "<name>"]


IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


async def test_multimodal_content_passes_and_rails_see_its_text(guarded):
    rail = FunctionRail(refusing)
    g = guarded(FakeProvider(["Hi"]), {"in": rail}, input_flows=["in"])
    content = [{"type": "text", "text": "What is"}, IMAGE, {"type": "text", "text": "this?"}]
    assert (await g.rails.generate_async(messages=user(content)))["content"] == "Hi"
    assert rail.windows[0].text == "What is\nthis?"
    assert g.provider.messages[0][-1]["content"] == content
    assert g.rails.explain().llm_calls[0].prompt == "user: What is\nthis?"
    hidden = [{"type": "text", "text": "look"}, IMAGE, {"type": "text", "text": "attack"}]
    assert (await g.rails.generate_async(messages=user(hidden)))["content"] == REFUSAL


async def test_a_rewrite_keeps_parts_their_order_and_their_fields(guarded):
    g = guarded(FakeProvider(["Hi"]), {"in": FunctionRail(masking)}, input_flows=["in"])
    cached = {"type": "text", "text": "I am B", "cache_control": {"type": "ephemeral"}}
    parts = [cached, {"type": "text", "text": "ob."}, IMAGE, {"type": "text", "text": "Who am I?"}]
    await g.rails.generate_async(messages=user(parts))
    rewritten = [cached | {"text": "I am <name>"}, {"type": "text", "text": "."}, IMAGE, parts[3]]
    assert g.provider.messages[0] == ({"role": "user", "content": rewritten},)


@pytest.mark.parametrize("cut", ["an at|tack", "an |attack", "an attac|k", "an| a|ttack"])
async def test_text_parts_that_follow_one_another_are_one_text(guarded, cut):
    rail = FunctionRail(refusing)
    g = guarded(FakeProvider(["Hi"]), {"in": rail}, input_flows=["in"])
    parts = [{"type": "text", "text": text} for text in cut.split("|")]
    assert (await g.rails.generate_async(messages=user(parts)))["content"] == REFUSAL
    assert rail.windows[0].text == rail.turns[0].user_message == "an attack"


async def test_a_text_part_whose_text_is_no_string_is_refused(guarded):
    g = guarded(FakeProvider(["Hi"]), {"in": FunctionRail(refusing)}, input_flows=["in"])
    with pytest.raises(InvalidRequestError, match=r"messages\[0\].content\[1\] has a 'text' of the type list"):
        await g.rails.generate_async(messages=user([{"type": "text", "text": "a"}, {"type": "text", "text": ["b"]}]))


async def test_a_message_of_an_image_alone_passes(guarded):
    g = guarded(FakeProvider(["Hi"]), {"in": FunctionRail(refusing)}, input_flows=["in"])
    assert (await g.rails.generate_async(messages=user([IMAGE])))["content"] == "Hi"


async def test_with_a_generator_no_input_rails_run_and_no_model_is_asked(guarded):
    async def texts():
        yield "one "
        yield "two"

    rail = FunctionRail(refusing)
    g = guarded(FakeProvider(["Hi"]), {"in": rail, "out": FunctionRail()}, input_flows=["in"])
    assert "".join([text async for text in g.rails.stream_async("attack", generator=texts())]) == "one two"
    assert "".join([text async for text in g.rails.stream_async(generator=texts())]) == "one two"
    assert rail.windows == []
    assert g.provider.opened == 0


JUDGED = ["user_message", "bot_message", "user_input", "bot_response", "last_user_message", "response"]


@pytest.mark.parametrize("name", JUDGED)
async def test_a_context_never_overrides_what_is_judged(guarded, name):
    rails = {"in": FunctionRail(refusing), "out": FunctionRail()}
    g = guarded(FakeProvider(["Hi"]), rails, input_flows=["in"])
    context = {"role": "context", "content": {name: "harmless", "city": "Bonn"}}
    assert (await g.rails.generate_async(messages=[context, *user("attack")]))["content"] == REFUSAL
    await g.rails.generate_async(messages=[context, *user("hello")])
    await g.rails.check_async([context, *user("hello"), {"role": "assistant", "content": "x"}])
    turns = [*rails["in"].turns, *rails["out"].turns]
    assert {tuple(turn.variables.items()) for turn in turns} == {(("city", "Bonn"),)}


async def test_context_variables_reach_rails_and_registered_ones_win(guarded):
    rail = FunctionRail()
    g = guarded(FakeProvider(["Hi"]), {"r": rail})
    calls = []
    registered = g.rails.register_prompt_context("policy", "strict").register_prompt_context("n", lambda: len(calls))
    assert registered is g.rails
    context = [{"role": "context", "content": {"policy": "none", "city": "Bonn"}}]
    await g.rails.generate_async(messages=[*context, *user("hello")])
    calls.append(1)
    await g.rails.check_async([*context, {"role": "assistant", "content": "x"}])
    assert [dict(turn.variables) for turn in rail.turns] == [
        {"policy": "strict", "city": "Bonn", "n": 0},
        {"policy": "strict", "city": "Bonn", "n": 1},
    ]


class Told:
    """Notes what rails of every kind are told of the call."""

    def __init__(self):
        self.turns = []

    async def check(self, window, turn):
        self.turns.append(turn)
        return Verdict.allow()

    def open(self, turn):
        self.turns.append(turn)
        return SessionRail().open(turn)


async def answered(rails, form, messages):
    """Have an answer guarded in one of the ways that there are."""
    if form in ("stream_async", "stream_events"):
        async for _ in getattr(rails, form)(messages=messages):
            pass
    elif form == "feed":
        async with rails.feed(messages=messages) as guard:
            await guard.push("Hi")
            await guard.finish()
    elif form == "check":
        await rails.check_async([*messages, {"role": "assistant", "content": "Hi"}])
    else:
        await rails.generate_async(messages=messages)


@pytest.mark.parametrize("form", ["generate", "stream_async", "stream_events", "feed", "check"])
@pytest.mark.parametrize("speculative", [False, True])
async def test_rails_of_every_kind_are_told_the_same_of_the_user(guarded, form, speculative):
    class Window(Told):
        open = None

    class Stream(Told):
        check = None

    window, stream = Window(), Stream()
    rails = {"in": FunctionRail(masking), "window": window, "stream": stream}
    asked = [{"role": "user", "content": [{"type": "text", "text": "Hi, "}, {"type": "text", "text": "I am Bob"}]}]
    for talk in (user("hello", '{"I": "am B\\u006fb"}'), user('{"I": "am B\\u006fb"}', "hello"), asked):
        g = guarded(FakeProvider(["Hi"]), rails, input_flows=["in"], input={"speculative": speculative})
        await answered(g.rails, form, talk)
    name = "Bob" if form == "feed" else "<name>"  # no input rail runs where the program asks the model itself
    texts = [f"hello\nI\nam {name}", f"I\nam {name}\nhello", f"Hi, I am {name}"]
    assert [turn.user_message for turn in window.turns] == texts
    assert [turn.user_message for turn in stream.turns] == texts
    assert [turn.messages for turn in stream.turns] == [turn.messages for turn in window.turns]
