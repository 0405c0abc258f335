"""A client that keeps the history itself: what was masked stays masked, what was refused stays out, nothing twice."""

from __future__ import annotations

import json

import anyio
import pytest
from fakes import FakeProvider, FunctionRail, Guarded
from handrail import Blocked, Edit, RailFailed, Verdict
from handrail._call.units import REMOVED, REMOVED_ANSWER
from handrail._compose.kept_verdicts import Kept, KeptVerdicts
from handrail.errors import ConfigurationError, InvalidRequestError
from hypothesis import given, settings
from hypothesis import strategies as st

REFUSAL = "I'm sorry, I can't respond to that."
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def judging(window):
    """Refuse an attack, and mask whoever is called Bob."""
    if "attack" in window.text:
        return Verdict.block("hostile")
    places = [at for at in range(len(window.text)) if window.text.startswith("Bob", at)]
    return Verdict.rewrite([Edit(at, at + 3, "<name>") for at in places]) if places else Verdict.allow()


def user(text):
    return {"role": "user", "content": text}


def said(text):
    return {"role": "assistant", "content": text}


def calling(*ids):
    return {"role": "assistant", "content": None, "tool_calls": [{**CALL, "id": id_} for id_ in ids]}


def result(content, id_="c1"):
    return {"role": "tool", "tool_call_id": id_, "content": content}


def asked(guarded, judge=judging, **config):
    rail = FunctionRail(judge)
    g = guarded(FakeProvider(["Hi"]), {"in": rail}, input_flows=["in"], input=config)
    return g, rail


async def sent(g, *messages):
    """Return what the model was given; None if it was not asked."""
    before = g.provider.opened
    await g.rails.generate_async(messages=list(messages))
    return list(g.provider.messages[-1]) if g.provider.opened > before else None


async def test_what_was_masked_stays_masked_when_the_client_sends_it_again(guarded):
    g, rail = asked(guarded)
    first, answer = user("I am Bob"), said("Hi")
    assert await sent(g, first) == [user("I am <name>")]
    assert await sent(g, first, answer, user("Thanks")) == [user("I am <name>"), answer, user("Thanks")]
    assert [window.text for window in rail.windows] == ["I am Bob", "Thanks"]


async def test_a_history_that_was_never_judged_is_judged_once(guarded):
    g, rail = asked(guarded)
    history = (user("I am Bob"), said("Hi"), user("Bob?"), said("Yes"))
    for _ in range(3):
        assert (await sent(g, *history, user("Bye")))[:4] == [
            user("I am <name>"),
            said("Hi"),
            user("<name>?"),
            said("Yes"),
        ]
    assert sorted(window.text for window in rail.windows) == ["Bob?", "Bye", "Bye", "Bye", "I am Bob"]


async def test_a_history_that_changes_is_judged_where_it_does(guarded):
    g, rail = asked(guarded)
    await sent(g, user("one"), said("Hi"), user("two"))
    await sent(g, user("one attack"), said("Hi"), user("two"))
    assert [window.text for window in rail.windows] == ["one", "two", "one attack", "two"]


async def test_only_the_turn_that_is_asked_is_refused(guarded):
    g, _ = asked(guarded)
    assert await sent(g, user("attack")) is None
    given_to = await sent(g, user("attack"), said(REFUSAL), user("Hello"))
    assert given_to == [user(REMOVED), said(REMOVED_ANSWER), user("Hello")]


async def test_what_is_removed_takes_the_calls_that_answered_it_along(guarded):
    g, _ = asked(guarded)
    system = {"role": "system", "content": "Be brief."}
    history = (system, user("attack"), calling("c1"), result("x"), said("Done"), user("Hi"), said("Hello"))
    want = [system, user(REMOVED), said(REMOVED_ANSWER), user("Hi"), said("Hello"), user("Bye")]
    assert await sent(g, *history, user("Bye")) == want


async def test_a_refused_result_in_the_history_keeps_its_place_and_takes_what_followed_along(guarded):
    g, _ = asked(guarded)
    calls = calling("a", "b")
    history = (
        user("Look"),
        calls,
        result("an attack", "a"),
        result("fine", "b"),
        calling("c"),
        result("y", "c"),
        said("x"),
    )
    want = [user("Look"), calls, result(REMOVED, "a"), result("fine", "b"), said(REMOVED_ANSWER), user("Bye")]
    assert await sent(g, *history, user("Bye")) == want


async def test_a_refused_result_that_the_answer_rests_on_ends_the_turn(guarded):
    g, _ = asked(guarded)
    talk = [user("Look"), calling("c1"), result("an attack")]
    assert await sent(g, *talk) is None
    assert await sent(g, *talk, calling("c2"), result("fine", "c2")) is None
    async with g.rails.stream(messages=[*talk, calling("c2"), result("fine", "c2")]) as stream:
        (event,) = [event async for event in stream]
    assert (type(event), event.reason) == (Blocked, "hostile")


async def test_a_refused_message_that_nobody_answered_does_not_end_the_next_one(guarded):
    g, _ = asked(guarded)
    assert await sent(g, user("attack"), user("I am Bob")) == [user(REMOVED), user("I am <name>")]
    assert await sent(g, user("hello"), user("attack")) is None


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [
        ("hello", "an attack", [REMOVED, REMOVED, REMOVED_ANSWER]),
        ("an attack", "hello Bob", [REMOVED, "hello <name>", "Hi"]),
        ("an attack", "attack", [REMOVED, REMOVED, REMOVED_ANSWER]),
        ("att", "ack", [REMOVED, REMOVED, REMOVED_ANSWER]),
        ("attack", "a b c", [REMOVED, REMOVED, REMOVED_ANSWER]),
    ],
)
async def test_of_messages_answered_together_those_go_that_are_to_blame(guarded, first, second, left):
    def judge(window):
        return Verdict.block() if window.text in ("att\nack", "a b c") else judging(window)

    g, _ = asked(guarded, judge)
    for _ in range(2):
        found = await sent(g, user(first), user(second), said("Hi"), user("Bye"))
        assert [message["content"] for message in found] == [*left, "Bye"]


async def test_a_text_spread_over_messages_that_nobody_answered_is_one_text(guarded):
    def spread(window):
        return Verdict.block() if "att\nack" in window.text else Verdict.allow()

    g, _ = asked(guarded, spread)
    assert await sent(g, user("att"), user("ack")) is None
    assert await sent(g, user("att"), user("ack"), said("Hm"), user("Bye")) == [
        *(user(REMOVED), user(REMOVED), said(REMOVED_ANSWER), user("Bye"))
    ]


async def test_a_result_with_json_and_parts_is_read_and_rewritten_in_its_form(guarded):
    g, rail = asked(guarded)
    cached = {"type": "text", "text": '{"name": "B\\u006fb", "n": 1}', "cache_control": {"type": "ephemeral"}}
    given_to = await sent(g, user("Who?"), calling("c1"), result([cached]))
    assert rail.windows[-1].text == "name\nBob\nn\n1"
    assert given_to[-1] == result([{**cached, "text": '{"name": "<name>", "n": 1}'}])


async def test_json_of_a_user_is_read_once_and_rails_are_told_what_it_says(guarded):
    out = FunctionRail()
    rail = FunctionRail(judging)
    g = guarded(FakeProvider(["Hi"]), {"in": rail, "out": out}, input_flows=["in"])
    response = await g.rails.generate_async('["{\\"a\\": \\"Bob\\"}"]', options={})
    assert rail.windows[0].text == rail.turns[0].user_message == '{"a": "Bob"}'
    assert out.turns[0].user_message == '{"a": "<name>"}'
    assert response.user_message == '["{\\"a\\": \\"<name>\\"}"]'


async def test_a_message_of_the_history_is_judged_in_the_conversation_that_it_was_said_in(guarded):
    g, rail = asked(guarded)
    await sent(g, user("I am Bob"), said("Hi"), user("two"))
    await sent(g, user("I am Bob"), said("Hi"), user("three"), said("Hm"), user("four"))
    (turn,) = [turn for window, turn in zip(rail.windows, rail.turns, strict=True) if window.text == "three"]
    assert [message["content"] for message in turn.messages] == ["I am <name>", "Hi", "three"]
    assert turn.user_message == "three"


async def test_roles_say_whose_messages_are_judged(guarded):
    system = {"role": "system", "content": "I am Bob"}
    talk = (system, user("Bob"), calling("c1"), result("Bob"))
    for roles, texts in (
        (["user"], ["I am Bob", "<name>", "Bob"]),
        (["system", "tool"], ["I am <name>", "Bob", "<name>"]),
    ):
        g, _ = asked(guarded, roles=roles)
        found = await sent(g, *talk)
        assert [found[0]["content"], found[1]["content"], found[3]["content"]] == texts


@pytest.mark.parametrize("roles", [[], ["assistant"], "user"])
def test_roles_that_cannot_be_judged_are_refused_when_loading(guarded, roles):
    with pytest.raises(ConfigurationError, match=r"rails\.input\.roles"):
        asked(guarded, roles=roles)


@pytest.mark.parametrize("speculative", [False, True])
async def test_a_model_that_works_ahead_never_sees_a_history_in_the_clear(guarded, speculative):
    g, _ = asked(guarded, speculative=speculative)
    await sent(g, user("I am Bob"), said("Hi"), user("Thanks"))
    assert "Bob" not in str(g.provider.messages)


async def test_a_rail_is_shown_no_history_in_the_clear_beside_a_new_message(guarded):
    g, rail = asked(guarded)
    await sent(g, user("I am Bob"), calling("c1"), result("fine"))
    assert [message["content"] for message in rail.turns[-1].messages] == ["I am <name>", None, "fine"]
    assert rail.turns[-1].user_message == "I am <name>"


async def test_a_rail_that_fails_on_the_history_ends_the_turn_and_is_asked_again(guarded):
    failing = [True]

    def judge(window):
        return None if failing and window.text == "old" else Verdict.allow()

    g, rail = asked(guarded, judge)
    talk = [user("old"), said("Hi"), user("new")]
    assert (await g.rails.check_async(talk, ["input"])).failed
    async with g.rails.stream(messages=talk) as stream:
        (event,) = [event async for event in stream]
    assert isinstance(event, RailFailed)
    failing.clear()
    assert await sent(g, *talk) == talk
    assert [window.text for window in rail.windows] == ["old", "old", "old", "new"]


async def test_a_failure_that_may_pass_is_no_verdict_to_keep(guarded):
    rail = FunctionRail(lambda window: None)
    g = guarded(FakeProvider(["Hi"]), {"in": rail}, input_flows=["in"], options={"in": {"on_error": "allow"}})
    for _ in range(2):
        await sent(g, user("old"), said("Hi"), user("new"))
    assert [window.text for window in rail.windows] == ["old", "new", "old", "new"]


async def test_verdicts_are_not_shared_between_callers_nor_kept_over_a_change_of_what_rails_do(guarded):
    g, rail = asked(guarded)
    talk = [user("old"), said("Hi"), user("new")]
    for caller in ("ada", "bob", "ada"):
        await g.rails.generate_async(messages=talk, caller=caller)
    g.rails.register_action_param("policy", "strict")
    await g.rails.generate_async(messages=talk, caller="ada")
    assert [window.text for window in rail.windows].count("old") == 3


class Lookalike:
    """Is written like any other of its kind."""

    def __init__(self, tenant):
        self.tenant = tenant

    def __repr__(self):
        return "Lookalike()"


@pytest.mark.parametrize("make", [Lookalike, lambda tenant: {"of": [tenant]}, lambda tenant: tenant == "a"])
async def test_a_verdict_is_not_shared_where_registered_values_differ(guarded, make):
    g, rail = asked(guarded)
    current = ["a"]
    g.rails.register_prompt_context("policy", lambda: make(current[0]))
    for current[0] in "ab":
        await sent(g, user("old"), said("Hi"), user("new"))
    assert [window.text for window in rail.windows].count("old") == 2


async def test_a_verdict_is_not_shared_between_objects_that_look_alike(guarded):
    g, rail = asked(guarded)
    for tenant in "ab":
        context = {"role": "context", "content": {"tenant": Lookalike(tenant)}}
        await sent(g, context, user("old"), said("Hi"), user("new"))
    assert [window.text for window in rail.windows].count("old") == 2


async def test_a_verdict_is_of_the_pictures_too_and_not_of_where_a_client_puts_its_marks(guarded):
    g, rail = asked(guarded)
    mark = {"cache_control": {"type": "ephemeral"}}

    def seen(url, **marks):
        text, image = {"type": "text", "text": "old"}, {"type": "image_url", "image_url": {"url": url}}
        return user([text | marks, image])

    for message in (seen("a"), seen("b"), seen("a", **mark), seen("b") | mark):
        await sent(g, message, said("Hi"), user("new"))
    assert [window.text for window in rail.windows].count("old") == 2


async def test_a_verdict_rests_on_the_tools_and_on_the_conversation_that_rails_are_told_of(guarded):
    g, rail = asked(guarded)
    talk = [user("old"), said("Hi"), user("new")]
    tools = {"llm_params": {"tools": [{"type": "function", "function": {"name": "f"}}]}}
    for about in ({}, {"options": tools}, {"conversation": "c"}, {"options": tools}, {"conversation": "c"}):
        await g.rails.generate_async(messages=talk, **about)
    assert [window.text for window in rail.windows].count("old") == 3


async def test_a_check_gives_the_conversation_as_rails_let_it_through(guarded):
    g, _ = asked(guarded)
    found = await g.rails.check_async([user("I am Bob"), said("Hi"), user("Bob?")], ["input"])
    assert (found.status, found.content) == ("modified", "<name>?")
    assert found.messages == (user("I am <name>"), said("Hi"), user("<name>?"))
    found = await g.rails.check_async([user("Who?"), calling("c1"), result("Bob")], ["input"])
    assert (found.status, found.content) == ("modified", "<name>")


SAYINGS = ["hello #", "I am Bob #", "an attack #", "Bob, Bob #", '{"a": "Bob #"}']


@given(turns=st.lists(st.sampled_from(SAYINGS), min_size=1), uses_tools=st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_growing_conversation_asks_a_judge_once_for_each_message(turns, uses_tools):
    async def grow():
        g, rail = asked(Guarded)
        talk, expected = [], []
        for number, text in enumerate(turns):
            talk.append(user(text.replace("#", str(number))))
            expected.append(
                "\n".join(json.loads(talk[-1]["content"]).popitem()) if "{" in text else talk[-1]["content"]
            )
            given_to = await sent(g, *talk)
            assert (given_to is None) == ("attack" in text)
            assert not any(bad in str(given_to) for bad in ("Bob", "attack"))
            if uses_tools and given_to is not None:
                talk += [calling("c1"), result(f"Bob, result {number}")]
                expected.append(talk[-1]["content"])
                assert "Bob" not in str(await sent(g, *talk))
            talk.append(said("Hi" if given_to is not None else REFUSAL))
        assert [window.text for window in rail.windows] == expected
        kept = b"".join(g.rails.composition.kept_verdicts._sealed.values())
        assert not any(word in kept for word in (b"Bob", b"<name>", b"hello", b"attack"))

    anyio.run(grow)


def test_verdicts_are_bounded_and_the_least_used_go_first():
    kept = KeptVerdicts(most_entries=2)
    places = [kept.place(kept.scope("r"), [user(text)]) for text in "abc"]
    for place in places[:2]:
        kept.put(place, Kept(edits=(Edit(0, 1, "x"),)))
    assert kept.get(places[0]) == Kept(edits=(Edit(0, 1, "x"),))
    kept.put(places[2], Kept(refused=True))
    assert [kept.get(place) for place in places] == [Kept(edits=(Edit(0, 1, "x"),)), None, Kept(refused=True)]
    small = KeptVerdicts(most_bytes=1000)
    for place in places:
        small.put(place, Kept(edits=(Edit(0, 1, "x" * 600),)))
    assert len(small) == 1


@pytest.mark.parametrize(
    "other",
    [
        [user("a"), user("b")],
        [user(["a", "b"])],
        [user([{"type": "text", "text": "a"}, {"type": "image_url"}, {"type": "text", "text": "b"}])],
        [user([{"type": "text", "text": "a\nb"}])],
        [result("a\nb")],
    ],
)
def test_texts_that_are_divided_otherwise_are_other_texts(other):
    kept = KeptVerdicts()
    scope = kept.scope("r")
    assert kept.place(scope, [user("a\nb")]).key != kept.place(scope, other).key
    assert kept.place(scope, other).key == kept.place(scope, other).key != kept.place(kept.scope("r", ""), other).key


@pytest.mark.parametrize(
    "values",
    [
        (),
        (None,),
        ("",),
        (b"",),
        (0,),
        (False,),
        (0.0,),
        ("0",),
        ((),),
        ({},),
        ("a", "b"),
        (("a", "b"),),
        ({"a": "b"},),
    ],
)
def test_values_of_other_kinds_are_another_scope(values):
    kept = KeptVerdicts()
    others = [(1,), ("ab",), (("a",), "b"), ({"a": None},), (("a", ("b",)),)]
    places = {kept.place(kept.scope(*each), ()).key for each in (values, *others)}
    assert len(places) == len(others) + 1
    assert kept.place(kept.scope({"a": 1, "b": 2}), ()) == kept.place(kept.scope({"b": 2, "a": 1}), ())


@pytest.mark.parametrize("value", [object(), {1: "a"}, {"a": {1, 2}}, [Lookalike("a")], Kept()])
def test_nothing_is_kept_of_what_rests_on_an_object(value):
    kept = KeptVerdicts()
    place = kept.place(kept.scope(value), [user("a")])
    assert place is None
    assert kept.place(kept.scope("r"), [{**user("a"), "seen": value}]) is None
    kept.put(place, Kept())
    assert (kept.get(place), len(kept)) == (None, 0)


async def test_rails_are_told_who_asks_and_share_a_mapping_for_the_call(guarded):
    rails = {"in": FunctionRail(), "out": FunctionRail()}
    g = guarded(FakeProvider(["Hi"]), rails, input_flows=["in"])
    origin = {"caller": "team", "conversation": "t1"}
    await g.rails.generate_async("a", **origin)
    [text async for text in g.rails.stream_async("a", **origin)]
    async with g.rails.stream("a", **origin) as stream:
        await stream.take()
    [event async for event in g.rails.stream_events("a", **origin)]
    await g.rails.check_async([user("a"), said("b")], **origin)
    turns = list(zip(rails["in"].turns, rails["out"].turns, strict=True))
    assert len(turns) == 5
    for before, after in turns:
        assert (before.caller, before.conversation_id) == (after.caller, after.conversation_id) == ("team", "t1")
        assert before.shared is after.shared
        assert before.call_id == after.call_id
    assert len({id(before.shared) for before, _ in turns}) == 5
    async with g.rails.feed(caller="fed") as guard:
        await guard.push("x")
        await guard.finish()
    assert rails["out"].turns[-1].caller == "fed"


async def test_who_asks_is_never_what_a_conversation_says(guarded):
    g, rail = asked(guarded)
    context = {"role": "context", "content": {"caller": "root", "conversation_id": "x"}}
    await g.rails.generate_async(messages=[context, {**user("a"), "caller": "root"}])
    assert (rail.turns[0].caller, rail.turns[0].conversation_id) == (None, None)
    with pytest.raises(InvalidRequestError, match="'caller' must be text"):
        await g.rails.generate_async("a", caller=3)


async def passing(text):
    return True


async def test_a_check_does_not_say_of_a_removed_answer_that_it_passed(guarded):
    g, _ = asked(guarded)
    g.rails.register_rail("passing", passing)
    checked = await g.rails.check_async([user("attack"), said("Sure"), user("Bye")])
    assert (checked.status, checked.content) == ("modified", REMOVED_ANSWER)
    assert checked.messages == (user(REMOVED), said(REMOVED_ANSWER), user("Bye"))
    checked = await g.rails.check_async([user("Hi"), said("Sure"), user("Bye")])
    assert (checked.status, checked.content) == ("passed", "Sure")
