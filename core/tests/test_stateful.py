"""A rail may have a state for each stream, and one for each call that its input and its output side share."""

from __future__ import annotations

import anyio
import pytest
from fakes import FakeProvider, FunctionRail, Guarded, words
from handrail import Edit, Ruling, Verdict
from handrail.errors import PluginLoadError

STATEFUL = {"stateful": True}


class Counting:
    """Refuses once a word has come so often in the windows of one stream."""

    def __init__(self, most=10_000, latency=0.0):
        self.most, self.latency = most, latency
        self.sessions = []
        self.running = self.most_running = 0

    def open(self, turn):
        self.sessions.append(_Counted(self, turn))
        return self.sessions[-1]


class _Counted:
    def __init__(self, rail, turn):
        self.rail, self.turn = rail, turn
        self.seen, self.ends = "", []

    async def check(self, window):
        rail = self.rail
        rail.running += 1
        rail.most_running = max(rail.most_running, rail.running)
        try:
            await anyio.sleep(rail.latency)
        finally:
            rail.running -= 1
        self.seen += window.text[window.start - window.context_start :]
        self.ends.append(window.end)
        return Verdict.block("too often") if self.seen.count("aaa") >= rail.most else Verdict.allow()


def guarded(rail, chunks, *, name="counting", **config):
    options = {name: {"max_concurrency": 8}}
    return Guarded(FakeProvider(chunks), {name: rail}, specs={name: STATEFUL}, options=options, **config)


async def test_a_session_sees_the_windows_of_its_stream_once_and_in_order():
    rail = Counting(latency=0.3)
    g = guarded(rail, words(200))
    assert "".join(await g.texts()) == "".join(words(200))
    (session,) = rail.sessions
    assert session.seen == "".join(words(200))
    assert session.ends == sorted(session.ends)
    assert len(session.ends) > 3
    assert rail.most_running == 1


async def test_what_is_too_much_over_windows_is_refused_though_no_window_has_it():
    rail = Counting(most=3)
    chunks = [word for part in range(6) for word in (" aaa", *words(60)[1:])]
    async with guarded(rail, chunks).rails.stream("hello") as stream:
        async for _ in stream:
            pass
    assert stream.response.outcome == "blocked"
    assert stream.response.text.count("aaa") == 2


async def test_streams_share_no_state():
    rail = Counting(most=2, latency=0.01)
    g = guarded(rail, [" aaa", *words(100)[1:]])
    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(g.texts)
    assert len(rail.sessions) == 4
    assert {session.seen.count("aaa") for session in rail.sessions} == {1}


@pytest.mark.parametrize("way", ["generate", "check"])
async def test_a_text_that_is_whole_is_one_window_of_a_session(way):
    rail = Counting(most=1)
    g = guarded(rail, [" aaa"])
    if way == "generate":
        assert "sorry" in (await g.rails.generate_async("hello")).lower()
    else:
        assert (await g.rails.check_async([{"role": "assistant", "content": "aaa"}])).status == "blocked"
    assert len(rail.sessions) == 1


async def test_what_is_read_again_after_a_rewrite_is_read_by_a_new_session():
    edit = Verdict.rewrite([Edit(0, 4, " bbb")])
    rewriting, rail = FunctionRail(lambda w: Verdict.allow() if w.context_start else edit), Counting(most=1)
    rails = {"rewriting": rewriting, "counting": rail}
    g = Guarded(FakeProvider([" aaa", *words(100)[1:]]), rails, specs={"counting": STATEFUL})
    assert "".join(await g.texts()) == " bbb" + "".join(words(100)[1:])
    assert rail.sessions[-1].seen == " bbb" + "".join(words(100)[1:])


@pytest.mark.parametrize("session", [object(), None, FunctionRail])
async def test_a_session_that_cannot_judge_is_a_failure_and_nothing_passes(session):
    class Broken:
        def open(self, turn):
            return session

    async with guarded(Broken(), words(30)).rails.stream("hello") as stream:
        async for _ in stream:
            pass
    assert (stream.response.outcome, stream.response.text) == ("rail failed", "")


def test_a_stateful_rail_without_open_is_an_error_when_it_is_loaded():
    with pytest.raises(PluginLoadError, match=r"must have open\(turn\)"):
        guarded(FunctionRail(), [])


async def test_a_rail_that_judges_windows_by_sessions_and_does_not_say_so_is_told_what_to_write():
    g = Guarded(FakeProvider(words(30)), {"counting": Counting()})
    async with g.rails.stream("hello") as stream:
        async for _ in stream:
            pass
    assert "stateful=True" in stream.response.stop.error


async def test_the_state_of_a_rail_goes_from_its_input_to_its_output_side_and_to_no_other_rail():
    states = {}

    def rail(name):
        class Remembering:
            async def check(self, window, turn):
                states.setdefault(name, []).append(dict(turn.state))
                turn.state.setdefault("first of", name)
                return Verdict.allow()

        return Remembering()

    class Session:
        def __init__(self, turn):
            states.setdefault("session", []).append(dict(turn.state))
            turn.state["first of"] = "session"

        def feed(self, text):
            return Ruling(text)

        def finish(self):
            return Ruling()

    class Streamed:
        def open(self, turn):
            return Session(turn)

    rails = {"one": rail("one"), "two": rail("two"), "session": Streamed()}
    g = Guarded(FakeProvider(words(5)), rails, input_flows=list(rails), flows=list(rails))
    await g.rails.generate_async("hello")
    assert states == {name: [{}, {"first of": name}] for name in rails}
    await g.rails.generate_async("hello")
    assert states["one"][2] == {}  # another call
