"""Observers are told what happens in a call while it happens, and can change nothing of it."""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from contextvars import ContextVar

import anyio
import pytest
from fakes import FakeProvider, FunctionRail, Guarded, SessionRail, words
from handrail import Blocked, Chunk, LLMRails, Observer, RailsConfig, Registry, Verdict
from handrail.errors import ConfigurationError, PluginContractError, ProviderError
from handrail.plugins import ObserverSpec, hookimpl

METHODS = ("call_begun", "model_asked", "model_answered", "check_begun", "check_ended") + (
    "released",
    "stopped",
    "call_ended",
)


class Notes(Observer):
    """Notes everything that it is told."""

    def __init__(self):
        self.told = []

    def names(self):
        return [name for name, *_ in self.told]

    def of(self, name):
        return [arguments[-1] for told, *arguments in self.told if told == name]


def _noting(name):
    def note(self, *arguments):
        self.told.append((name, *arguments))

    return note


for _name in METHODS:
    setattr(Notes, _name, _noting(_name))


def observed(provider, rails, *observers, **config):
    """Return an `LLMRails` with observers, over fake parts."""
    built = Guarded(provider, rails, **config).rails
    return LLMRails(built.config, registry=built.composition.registry, observers=observers)


def refuse_b(window):
    return Verdict.block("a b") if "b" in window.text else Verdict.allow()


class PlainRail:
    """A window rail that answers at once."""

    def check(self, window, turn):
        return refuse_b(window)


RAILS = {
    "none": {},
    "session": {"r": SessionRail()},
    "plain": {"r": PlainRail()},
    "window": {"r": FunctionRail(refuse_b, 0.01)},
}


async def take(rails, way):
    """Take an answer in one of the ways there are."""
    if way == "whole":
        await rails.generate_async("hello")
    elif way == "texts":
        _ = [text async for text in rails.stream_async("hello")]
    elif way == "fed":
        async with rails.feed("hello") as guard:
            await guard.push("Hi ")
            await guard.push("there")
            await guard.finish()
    else:
        async with rails.stream("hello") as stream:
            _ = [event async for event in stream]


@pytest.mark.parametrize("way", ["whole", "texts", "events", "fed"])
@pytest.mark.parametrize("kind", RAILS)
async def test_a_call_is_told_from_its_beginning_to_its_end(kind, way):
    notes = Notes()
    await take(observed(FakeProvider(["Hi ", "there"]), RAILS[kind], notes), way)
    names = notes.names()
    assert (names[0], names[-1]) == ("call_begun", "call_ended")
    assert names.count("call_ended") == 1
    (ended,) = notes.of("call_ended")
    assert (ended.outcome, ended.stop, ended.error) == ("finished", None, None)
    assert [record.rail for record in notes.of("check_ended")] == ["r"] * (kind != "none")
    assert notes.of("check_begun") == notes.of("check_ended") == list(ended.checks)
    assert notes.of("model_asked") == notes.of("model_answered") == list(ended.llm_calls)
    assert len(ended.llm_calls) == (way != "fed")
    assert [released.first for released in notes.of("released")][:1] == [True]
    assert len({call for _, call, *_ in notes.told}) == 1


@pytest.mark.parametrize("way", ["whole", "texts", "events"])
@pytest.mark.parametrize("kind", ["plain", "window"])
async def test_a_refusal_is_told_before_its_event_goes_out(kind, way):
    notes = Notes()
    await take(observed(FakeProvider(["a b"]), RAILS[kind], notes), way)
    (stop,) = notes.of("stopped")
    assert (stop.rail, stop.reason) == ("r", "a b")
    assert notes.of("call_ended")[0].stop is stop
    assert notes.of("check_ended")[0].decision == "block"
    assert not notes.of("released") or way == "whole" or kind == "plain"


async def test_a_refused_message_is_told_once_with_its_words():
    notes = Notes()
    rails = observed(FakeProvider(["answer"]), {"r": FunctionRail(refuse_b)}, notes, input_flows=["r"])
    await rails.generate_async("a b")
    (stop,) = notes.of("stopped")
    assert (stop.direction, bool(stop.message)) == ("input", True)
    assert notes.of("model_asked") == []
    assert [record.direction for record in notes.of("check_ended")] == ["input"]


async def test_rails_alone_are_told_as_a_call():
    notes = Notes()
    rails = observed(FakeProvider([]), {"r": FunctionRail(refuse_b)}, notes)
    await rails.check_async([{"role": "assistant", "content": "a b"}], caller="ann", conversation="c1")
    call = notes.told[0][1]
    assert (call.kind, call.caller, call.conversation_id) == ("check", "ann", "c1")
    assert notes.of("call_ended")[0].outcome == "blocked"
    await rails.check_async([{"role": "assistant", "content": "fine"}])
    assert notes.of("call_ended")[1].outcome == "finished"


async def test_a_broken_generation_is_told():
    notes = Notes()
    rails = observed(FakeProvider(["a"], error=ValueError("broken")), {"r": FunctionRail()}, notes)
    with pytest.raises(ValueError, match="broken"):
        await take(rails, "events")
    (ended,) = notes.of("call_ended")
    assert (ended.outcome, str(ended.error)) == ("generation failed", "broken")


@pytest.mark.parametrize("kind", RAILS)
async def test_a_stream_that_is_left_has_ended(kind):
    notes = Notes()
    provider = FakeProvider(words(9), hang=True, delay=0.01)
    rails = observed(provider, RAILS[kind], notes, first_chunk_size=2, context_size=0, hold_size=0)
    stream = rails.stream_async("hello")
    async for _ in stream:
        break
    await stream.aclose()
    (ended,) = notes.of("call_ended")
    assert ended.outcome == "left"
    assert provider.closed == 1
    assert sorted(map(id, notes.of("check_begun"))) == sorted(map(id, notes.of("check_ended")))


async def test_a_whole_answer_that_is_cancelled_has_ended():
    notes = Notes()
    rails = observed(
        FakeProvider(["Hi"]), {"r": FunctionRail(latency=9), "s": FunctionRail(latency=9)}, notes, parallel=True
    )
    with anyio.move_on_after(1):
        await rails.generate_async("hello")
    assert notes.of("call_ended")[0].outcome == "left"
    assert len(notes.of("check_begun")) == len(notes.of("check_ended")) == 2


async def test_what_is_put_around_a_check_is_there_while_it_works():
    inside = ContextVar("inside", default=None)
    seen = []

    class Around(Observer):
        @contextmanager
        def around_check(self, call, check):
            token = inside.set(check.rail)
            yield
            inside.reset(token)

        @contextmanager
        def around_model(self, call, request):
            token = inside.set(request.task)
            yield
            inside.reset(token)

    class Looking(FakeProvider):
        async def stream(self, messages, params):
            seen.append(("model", inside.get()))
            yield Chunk("Hi")

    class Plain:
        def check(self, window, turn):
            seen.append(("plain", inside.get()))
            return Verdict.allow()

    class Returning:
        def check(self, window, turn):
            return self.answer()

        async def answer(self):
            seen.append(("returning", inside.get()))
            return Verdict.allow()

    def look(window):
        seen.append(("window", inside.get()))
        return Verdict.allow()

    rails = {"plain": Plain(), "window": FunctionRail(look, 0.1), "returning": Returning()}
    for way in ("events", "whole", "texts"):
        seen.clear()
        await take(observed(Looking([]), rails, Around()), way)
        assert sorted(seen) == [
            ("model", "general"),
            ("plain", "plain"),
            ("returning", "returning"),
            ("window", "window"),
        ]
        assert inside.get() is None


@pytest.mark.parametrize("method", [*METHODS, "around_check", "around_model"])
async def test_an_observer_that_raises_is_logged_once_and_disturbs_nothing(method, caplog):
    def fail(self, *arguments):
        raise RuntimeError("secret text")

    failing, notes = type("Failing", (Observer,), {method: fail})(), Notes()
    rail = FunctionRail(lambda window: Verdict.block("the end") if window.last else Verdict.allow(), 0.01)
    rails = observed(FakeProvider(words(40)), {"r": rail}, failing, notes)
    with caplog.at_level(logging.ERROR):
        for _ in range(2):
            async with rails.stream("hello") as stream:
                events = [event async for event in stream]
    assert isinstance(events[-1], Blocked)
    assert [record.getMessage() for record in caplog.records] == [
        "observer Failing failed and is told nothing more: RuntimeError"
    ]
    assert notes.names().count("call_ended") == 2


async def test_what_is_around_a_check_can_neither_raise_nor_swallow(caplog):
    class Swallowing:
        def __enter__(self):
            raise RuntimeError("secret text")

        def __exit__(self, *raised):
            return True

    class Around(Observer):
        def around_check(self, call, check):
            return Swallowing()

    class Swallower(Observer):
        @contextmanager
        def around_check(self, call, check):
            with suppress(ValueError):
                yield

    def broken(window):
        raise ValueError("rail")

    rails = observed(FakeProvider(["Hi"]), {"r": FunctionRail(broken)}, Around(), Swallower())
    response = await rails.generate_async("hello", options={"log": {}})
    assert response.outcome == "rail failed"
    assert "secret text" not in caplog.text


async def test_a_configuration_names_its_observers():
    built = []

    class FromPlugin(Notes):
        def __init__(self, settings, context):
            super().__init__()
            built.append((self, settings, context.name))

        async def aclose(self):
            self.told.append(("closed",))

    class Plugin:
        @hookimpl
        def handrail_observers(self):
            yield ObserverSpec("notes", FromPlugin, summary="Notes.")

    registry = Registry.discover().with_plugins(Plugin())
    models = [{"type": "main", "engine": "scripted", "parameters": {"answers": ["Hi"]}}]
    config = RailsConfig.from_content(config={"models": models, "observers": {"notes": {"level": 3}}})
    rails = LLMRails(config, registry=registry)
    await rails.generate_async("hello")
    await rails.aclose()
    ((observer, settings, name),) = built
    assert (settings, name) == ({"level": 3}, "notes")
    assert (observer.names()[0], observer.names()[-1]) == ("call_begun", "closed")
    assert not LLMRails(RailsConfig.from_content(config={"models": models}), registry=registry).composition.observers


def test_an_unknown_observer_is_an_error_that_names_those_there_are():
    config = RailsConfig.from_content(config={"observers": {"nots": None}})
    with pytest.raises(ConfigurationError, match="unknown observer 'nots'"):
        LLMRails(config)


async def test_checks_that_observe_are_told_with_what_they_would_have_done():
    notes = Notes()
    rails = observed(FakeProvider(["a b"]), {"r": FunctionRail(refuse_b)}, notes, options={"r": {"mode": "observe"}})
    await take(rails, "events")
    assert [(record.would_have, record.mode) for record in notes.of("check_ended")] == [("block", "observe")]
    assert notes.of("stopped") == []


class Misspelt(Observer):
    def chek_ended(self, call, check):
        raise AssertionError("nobody calls this")


class Awaited(Observer):
    async def check_ended(self, call, check):
        raise AssertionError("nobody awaits this")


@pytest.mark.parametrize(
    ("observers", "problem"),
    [
        (Notes(), r"takes a list of observers, not Notes; write \[...\] around it"),
        ([Notes], r"takes objects, not the class 'Notes'; write Notes\(\)"),
        ([Misspelt()], "'Misspelt' has none of the methods of Observer: call_begun, .*check_ended"),
        ([Awaited()], "'Awaited' has check_ended as 'async def'; write 'def'"),
    ],
)
def test_an_observer_that_could_be_told_nothing_is_an_error(observers, problem):
    with pytest.raises(TypeError, match=problem):
        LLMRails(RailsConfig.from_content(config={}), observers=observers)


def test_an_installed_observer_whose_methods_nobody_would_await_is_an_error():
    class Plugin:
        @hookimpl
        def handrail_observers(self):
            yield ObserverSpec("awaited", lambda settings, context: Awaited())

    config = RailsConfig.from_content(config={"observers": {"awaited": None}})
    with pytest.raises(PluginContractError, match="'Awaited' has check_ended as 'async def'"):
        LLMRails(config, registry=Registry.discover().with_plugins(Plugin()))


@pytest.mark.parametrize("rails", [{}, {"r": SessionRail()}], ids=["none", "session"])
async def test_an_observer_is_told_no_more_often_of_a_long_answer_without_windows(rails):
    told = []
    for count in (9, 900):
        notes = Notes()
        await take(observed(FakeProvider(words(count)), rails, notes), "texts")
        told.append(notes.names())
    assert told[0] == told[1]


class AnswersAtOnce:
    def check(self, window, turn):
        return Verdict.allow()


@pytest.mark.parametrize("broken", [[Chunk(3)], [Chunk(reasoning=3)], GeneratorExit()])
@pytest.mark.parametrize(
    "rail", [None, SessionRail(), AnswersAtOnce(), FunctionRail()], ids=["none", "session", "plain", "task"]
)
@pytest.mark.parametrize("way", ["texts", "events", "generate"])
async def test_a_provider_that_breaks_ends_the_call_once_and_as_a_failed_generation(way, rail, broken):
    """Whatever it did, what came before is delivered, and the request to the model has ended, too."""
    notes, fails = Notes(), isinstance(broken, BaseException)
    provider = FakeProvider(["one ", *([] if fails else broken)], error=broken if fails else None)
    rails = observed(provider, {} if rail is None else {"r": rail}, notes)
    said = []
    with suppress(PluginContractError, ProviderError, KeyError):
        if way == "texts":
            said = [text async for text in rails.stream_async("hello")][:-1]
        elif way == "events":
            async for event in rails.stream_events("hello"):
                said.append(event.text)
        else:
            await rails.generate_async("hello")
    assert [ended.outcome for ended in notes.of("call_ended")] == ["generation failed"]
    assert len(notes.of("model_answered")) == 1
    assert provider.closed == 1
    assert way == "generate" or "".join(said) == "one "
