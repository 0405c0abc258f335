"""A placed rail says here what it says where it runs, and fails as it would have here."""

from __future__ import annotations

import anyio
import pytest
from handrail import (
    ConfigurationError,
    Edit,
    LLMCall,
    LLMRails,
    RailsConfig,
    Registry,
    Turn,
    Usage,
    Verdict,
    Window,
)
from handrail.errors import PluginContractError, RailBusyError, RailError, RailTimeoutError
from handrail.plugins import RailSpec, hookimpl
from handrail_ray import _rail
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

LONE = "\ud83d"


class Asking:
    """Does what the text says."""

    def __init__(self, settings, context):
        self.turns = []

    async def check(self, window, turn):
        word = window.text.partition(" ")[0]
        turn.state["words"] = [*turn.state.get("words", []), word]
        if word == "model":
            call = LLMCall("judge", "fake", "judge-1", "prompt", "yes", reported=Usage(7, 3))
            turn.journal.asked(call)
            turn.journal.answered(call)
        if word == "turn":
            told = [turn.user_message, turn.caller, turn.conversation_id, turn.call_id, dict(turn.variables)]
            return Verdict.allow(detail={"told": told, "tools": len(turn.tools), "odd": object})
        if word == "span":
            return Verdict.block("r", category="c", span=(0, 4), message="m", score=0.5)
        if word == "edit":
            return Verdict.rewrite([Edit(0, 4, "tide")], "why")
        if word == "raise":
            raise ValueError("secret")
        if word == "detail":
            raise RailError("judge", rail="asking", detail={"answer": "yes"})
        if word == "contract":
            raise PluginContractError("nonsense")
        if word == "busy":
            raise RailBusyError("many", rail="asking")
        if word == "late":
            await anyio.sleep_forever()
        return None if word == "nothing" else Verdict.allow()


class Counting:
    """Scores a window by how many there were before it in its stream; `raise` fails it."""

    opened = 0

    def __init__(self, settings, context):
        pass

    def open(self, turn):
        Counting.opened += 1
        return _Counted()


class _Counted:
    def __init__(self):
        self.seen = []

    async def check(self, window):
        if window.text == "raise":
            raise ValueError("once")
        self.seen.append(window.text)
        return Verdict.allow(score=len(self.seen) / 100, detail={"seen": list(self.seen)})


class Plugin:
    @hookimpl
    def handrail_rails(self):
        yield RailSpec("asking", Asking)
        yield RailSpec("counting", Counting, stateful=True)


REGISTRY = Registry.discover().with_plugins(Plugin())


def window(text, start=0, *, last=True):
    return Window(text, start, start, start + len(text), start + len(text), last=last)


def rail_of(rails):
    (plan,) = (*rails.composition.input_rails, *rails.composition.output_rails)
    return plan.rail


@pytest.fixture
def ask(placed):
    rails = placed("asking", REGISTRY)

    async def ask(text, turn=None):
        return await rail_of(rails).check(window(text), turn or Turn())

    return ask


async def test_what_a_rail_says_comes_back_as_it_was_said(ask):
    assert await ask("span") == Verdict.block("r", category="c", span=(0, 4), message="m", score=0.5)
    assert await ask("edit") == Verdict.rewrite([Edit(0, 4, "tide")], "why")
    assert await ask("well") == Verdict.allow()


async def test_the_rail_is_told_of_the_turn_and_keeps_its_state(ask):
    turn = Turn(
        messages=({"role": "user", "content": LONE},),
        user_message=LONE,
        variables={"tier": ("a", 1)},
        tools=({"type": "function"},),
        caller="key",
        conversation_id="c",
    )
    verdict = await ask("turn", turn)
    assert verdict.detail["told"] == [LONE, "key", "c", turn.call_id, {"tier": ["a", 1]}]
    assert (verdict.detail["tools"], verdict.detail["odd"]) == (1, "<class 'object'>")
    await ask(f"next {LONE}", turn)
    assert turn.state == {"words": ["turn", "next"]}


async def test_requests_to_models_are_in_the_journal_of_whoever_asks(ask):
    turn = Turn()
    await ask("model", turn)
    (call,) = turn.journal.llm_calls
    assert (call.task, call.model, call.completion) == ("judge", "judge-1", "yes")
    assert turn.usage == Usage(7, 3)


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("raise", RailError, "ValueError where it runs: secret"),
        ("detail", RailError, "RailError where it runs: judge"),
        ("contract", PluginContractError, "PluginContractError where it runs: nonsense"),
        ("busy", RailBusyError, "RailBusyError where it runs: many"),
        ("nothing", RailError, "AttributeError where it runs"),
    ],
)
async def test_a_rail_that_fails_there_fails_here(ask, text, kind, said):
    with pytest.raises(kind, match=said) as error:
        await ask(text)
    assert getattr(error.value, "detail", None) == ({"answer": "'yes'"} if text == "detail" else None)


async def test_a_replica_stops_when_the_time_of_a_check_is_over(placed):
    rails = placed("asking", REGISTRY, timeout=0.2)
    with pytest.raises(RailTimeoutError):
        await rail_of(rails).check(window("late"), Turn())


@pytest.mark.parametrize("turn", [Turn(variables={"when": object()}), Turn(state={1: "a"})])
async def test_a_turn_that_cannot_travel_fails_the_rail(ask, serve, turn):
    with pytest.raises(RailError, match="not JSON"):
        await ask("well", turn)
    assert not serve.asked


async def test_a_replica_that_is_lost_is_asked_again(ask, serve):
    serve.losses += [503, 500, 404]
    assert await ask("well") == Verdict.allow()
    assert len(serve.asked) == 4


async def test_what_is_asked_again_in_vain_fails_before_the_time_is_over(placed, serve, monkeypatch):
    monkeypatch.setattr(_rail, "_PATIENCE", 0.001)
    rails = placed("asking", REGISTRY, timeout=300)
    serve.losses += [503] * 99
    begun = anyio.current_time()
    with pytest.raises(RailError, match="the cluster at '127.0.0.1' answered with status 503"):
        await rail_of(rails).check(window("well"), Turn())
    assert anyio.current_time() - begun < 300


async def test_a_full_queue_fails_at_once(ask, serve):
    serve.raw = b'{"busy": true}'
    with pytest.raises(RailBusyError, match="too many checks wait"):
        await ask("well")
    assert len(serve.asked) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b'{"verdict": {"decision": "allow", "colour": "red"}}',
        b'{"verdict": {"decision": "rewrite", "edits": [{"start": 1}]}}',
        b'{"verdict": {}}',
        b'{"verdict": null}',
        b'{"verdict": {"decision": "allow"}, "calls": [{"task": "t"}]}',
        b'{"verdict": {"decision": "allow"}, "state": 5}',
        b'{"failed": 5}',
        b"{}",
    ],
)
async def test_an_answer_that_makes_no_sense_fails_the_rail(ask, serve, raw):
    serve.raw = raw
    with pytest.raises(RailError):
        await ask("well")


async def test_a_stateful_rail_sees_the_windows_of_a_stream_whichever_replica_is_asked(placed, serve):
    rails = placed("counting", REGISTRY)
    session = rail_of(rails).open(Turn())
    (first,) = serve.answerers.values()
    (name,) = serve.answerers
    second = type(first)(_alone(), 8)
    for number, answerer in enumerate([first, second, second, first, second]):
        serve.answerers[name] = answerer
        verdict = await session.check(window(f"w{number}", 2 * number))
        assert verdict.detail["seen"] == [f"w{place}" for place in range(number + 1)]
    sent = [len(request["windows"]) for _, request in serve.asked]
    assert sent == [1, 1, 2, 1, 1, 3, 1, 2]  # what the replica has not seen comes in a second request


async def test_a_session_that_failed_begins_anew(placed, serve):
    session = rail_of(placed("counting", REGISTRY)).open(Turn())
    await session.check(window("a"))
    with pytest.raises(RailError, match="ValueError"):
        await session.check(window("raise"))


def _alone():
    from handrail import StandaloneRail

    return StandaloneRail(RailsConfig.from_content(config={}), "counting", "output", registry=REGISTRY)


async def test_streams_are_guarded_by_a_placed_rail(placed):
    async def said(text):
        yield text

    rails = placed("classifier")
    result = await rails.check_async([{"role": "assistant", "content": "Just mix the bleach with the ammonia."}])
    assert str(result.status) == "blocked"
    await rails.aclose()


def test_a_rail_that_reads_the_stream_cannot_be_placed():
    rails = {
        "output": {"flows": ["secret check"], "streaming": {"enabled": True}},
        "config": {"secret check": {"place": {"ray": {}}}},
    }
    with pytest.raises(ConfigurationError, match="must run in this process"):
        LLMRails(RailsConfig.from_content(config={"rails": rails}))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.text(), st.recursive(st.none() | st.booleans() | st.text() | st.floats(), st.lists)))
def test_variables_of_json_travel_unchanged(variables):
    from handrail_ray._wire import of_turn, turn_of

    assert repr(turn_of(of_turn(Turn(variables=variables), "r")).variables) == repr(variables)
