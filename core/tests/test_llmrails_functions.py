"""Rails that are functions, and what else a program registers."""

from __future__ import annotations

import functools
import threading
import time

import anyio
import pytest
from fakes import FakeProvider, FunctionRail, words
from handrail import Blocked, Finished, RailFailed, Verdict
from handrail.errors import ConfigurationError

REFUSAL = "I'm sorry, I can't respond to that."


def no_bob(text):
    return "Bob" not in text


async def no_bob_async(text):
    await anyio.sleep(0.1)
    return "Bob" not in text


class NoBob:
    async def __call__(self, text):
        return "Bob" not in text


def bare(guarded, *chunks):
    return guarded(FakeProvider(chunks), {})


@pytest.mark.parametrize("function", [no_bob_async, NoBob(), functools.partial(no_bob_async)])
async def test_a_rail_is_an_async_function_of_the_text(guarded, function):
    g = bare(guarded, "Hello ", "Bob")
    assert g.rails.register_rail("no bob", function) is g.rails
    assert await g.rails.generate_async("hello") == REFUSAL
    (event,) = await g.events()
    assert event == Blocked("no bob", "output", "no bob refused", None, None, "text", REFUSAL)
    g.provider.chunks = ["Hello ", "Eve"]
    assert await g.rails.generate_async("hello") == "Hello Eve"


@pytest.fixture(params=["asyncio", "trio"])
def real_time(request):
    """Threads keep real time, so these tests do too; none of them waits."""
    return functools.partial(anyio.run, backend=request.param)


@pytest.mark.parametrize("function", [no_bob, functools.partial(no_bob), lambda text: no_bob_async(text)])
def test_a_rail_is_a_sync_function_of_the_text(guarded, real_time, function):
    g = bare(guarded, "Hello ", "Bob")
    g.rails.register_rail("no bob", function)
    assert real_time(g.rails.generate_async, "hello") == REFUSAL


def test_a_function_that_blocks_runs_in_a_thread(guarded, real_time):
    threads, ticks = [], []
    released = threading.Event()

    def slow(text):
        threads.append(threading.current_thread())
        released.wait(300)
        return True

    async def main():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tick)
            return await g.rails.generate_async("hello")

    async def tick():
        ticks.append(time.monotonic())
        await anyio.lowlevel.checkpoint()
        released.set()

    g = bare(guarded, "Hi")
    g.rails.register_rail("slow", slow)
    real_time(main)
    assert threads
    assert threading.current_thread() not in threads
    assert ticks


@pytest.mark.parametrize(
    ("result", "answer"),
    [
        (True, "Hello Bob"),
        (False, REFUSAL),
        ("Hello Eve", "Hello Eve"),
        ("", ""),
        (Verdict.allow(), "Hello Bob"),
        (Verdict.block("a name"), REFUSAL),
    ],
)
async def test_a_rail_function_gives_a_bool_a_text_or_a_verdict(guarded, result, answer):
    async def rail(text):
        return result

    g = bare(guarded, "Hello Bob")
    g.rails.register_rail("my rail", rail)
    assert await g.rails.generate_async("hello") == answer
    assert "".join([text for text in await g.texts() if answer != REFUSAL]) == (answer if answer != REFUSAL else "")


@pytest.mark.parametrize("result", [None, 1, 0, ["x"]])
async def test_a_rail_function_that_gives_anything_else_fails_closed(guarded, result):
    async def rail(text):
        return result

    g = bare(guarded, "Hello Bob")
    g.rails.register_rail("my rail", rail)
    (event,) = await g.events()
    assert isinstance(event, RailFailed)
    assert f"the function of rail 'my rail' returned {type(result).__name__!r}; it must return True" in event.error


async def test_a_rail_function_that_raises_fails_closed(guarded):
    async def rail(text):
        raise LookupError("no list")

    g = bare(guarded, "Hello Bob")
    g.rails.register_rail("my rail", rail)
    (event,) = await g.events()
    assert "LookupError: no list" in event.error


@pytest.mark.parametrize("size", [1, 3, 50])
async def test_a_function_that_rewrites_gives_the_same_text_streamed_as_whole(guarded, size):
    async def mask(text):
        return text.replace("secret", "[removed by policy]").replace("Bob", "")

    tokens = [(" secret" if i % 7 == 3 else " Bob" if i % 11 == 5 else word) for i, word in enumerate(words(200))]
    whole = "".join(tokens)
    g = guarded(FakeProvider([whole[i : i + size] for i in range(0, len(whole), size)]), {})
    g.rails.register_rail("mask", mask)
    events = await g.events()
    assert isinstance(events[-1], Finished)
    assert "".join(event.text for event in events[:-1]) == await mask(whole)
    assert await g.rails.generate_async("hello") == await mask(whole)


async def test_a_rail_function_stands_behind_the_rails_of_the_configuration(guarded):
    seen = []

    async def note(text):
        seen.append(text)
        return True

    g = guarded(FakeProvider(["Hello"]), {"r": FunctionRail(lambda window: Verdict.block())})
    g.rails.register_rail("note", note)
    await g.rails.generate_async("hello")
    assert seen == []
    assert await g.rails.generate_async("hello", options={"rails": {"output": ["note"]}})
    assert seen == ["Hello"]


async def test_a_rail_function_may_judge_the_input(guarded):
    g = bare(guarded, "Hi")
    g.rails.register_rail("no bob", no_bob_async, direction="input").register_rail("mask", mask_eve, direction="input")
    assert await g.rails.generate_async("I am Bob") == REFUSAL
    assert await g.rails.generate_async("I am Eve") == "Hi"
    assert g.provider.messages[-1][-1]["content"] == "I am <name>"


async def mask_eve(text):
    return text.replace("Eve", "<name>")


def test_nothing_in_place_of_a_function_is_a_mistake_and_no_decorator(guarded):
    with pytest.raises(ConfigurationError, match="no bob"):
        guarded(FakeProvider(["hi"]), {}).rails.register_rail("no bob", None)


async def test_register_rail_is_a_decorator_too(guarded):
    g = bare(guarded, "Hello Bob")

    @g.rails.register_rail("no bob")
    async def checked(text):
        return "Bob" not in text

    @g.rails.register_rail("no eve", direction="input")
    async def asked(text):
        return "Eve" not in text

    assert await checked("Bob") is False
    assert await g.rails.generate_async("hello") == REFUSAL
    result = await g.rails.check_async([{"role": "user", "content": "Eve"}])
    assert (result.status, result.rail) == ("blocked", "no eve")


async def test_registering_a_rail_leaves_running_calls_alone(guarded):
    g = guarded(FakeProvider(words(50), delay=0.01), {"r": FunctionRail()})
    stream = g.rails.stream_async("hello")
    first = await anext(stream)
    g.rails.register_rail("none passes", never)
    assert first + "".join([text async for text in stream]) == "".join(words(50))
    assert await g.rails.generate_async("hello") == REFUSAL


async def never(text):
    return False


async def test_what_is_registered_reaches_rails_that_were_built_before(guarded):
    class Executing:
        def __init__(self, settings, context):
            self.registrations = context.registrations

        async def check(self, window, turn):
            registrations = self.registrations
            action = registrations.actions["lookup"]
            parser = registrations.output_parsers["strict"]
            return parser(action(window.text, **registrations.action_params))

    g = guarded(FakeProvider(["Hello Bob"]), {"r": Executing})

    def lookup(text, names):
        return [name for name in names if name in text]

    def strict(found):
        return Verdict.block(f"named {found[0]}") if found else Verdict.allow()

    assert (
        g.rails.register_action(lookup)
        .register_action_param("names", ["Bob"])
        .register_output_parser(strict, "strict")
        .register_prompt_context("policy", "none")
        is g.rails
    )
    result = await g.rails.check_async([{"role": "assistant", "content": "Hello Bob"}])
    assert result.reason == "named Bob"
    g.rails.register_action(lambda text, names: [], name="lookup")
    assert await g.rails.generate_async("hello") == "Hello Bob"


async def test_a_rail_of_a_function_takes_what_any_rail_may_have(guarded):
    async def slow(text):
        await anyio.sleep(10)

    g = bare(guarded, "Hello")
    g.rails.register_rail("slow", slow, options={"timeout": 2, "on_timeout": "allow"})
    started = anyio.current_time()
    assert await g.rails.generate_async("hello") == "Hello"
    assert anyio.current_time() - started == pytest.approx(2)

    @g.rails.register_rail("raises", options={"on_error": "allow"})
    async def raises(text):
        raise OSError

    assert await g.rails.generate_async("hello") == "Hello"


def test_a_wrong_option_of_a_function_is_an_error(guarded):
    with pytest.raises(ConfigurationError, match="options.on_error.*block.*allow"):
        bare(guarded).rails.register_rail("no bob", no_bob, options={"on_error": "pass"})
    with pytest.raises(ConfigurationError, match="unknown key 'time_out' in options.*did you mean 'timeout'"):
        bare(guarded).rails.register_rail("no bob", no_bob, options={"time_out": 1})


def test_a_decorator_without_the_name_of_its_rail_is_an_error(guarded):
    with pytest.raises(ConfigurationError, match="name first, not a value of type 'function'"):

        @bare(guarded).rails.register_rail
        def no_eve(text):
            return "Eve" not in text


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        ("no bob", "value of type 'str'; pass a function of the text"),
        (lambda: True, "cannot be called with the text alone: too many positional arguments"),
        (lambda text, turn: True, "cannot be called with the text alone: missing a required argument: 'turn'"),
    ],
)
def test_what_cannot_be_asked_about_a_text_is_no_rail(guarded, function, problem):
    with pytest.raises(ConfigurationError, match=problem):
        bare(guarded).rails.register_rail("no bob", function)


def test_a_function_without_a_signature_may_be_a_rail(guarded):
    assert bare(guarded).rails.register_rail("shown", str)


def test_a_prompt_variable_cannot_be_an_asynchronous_function(guarded):
    with pytest.raises(ConfigurationError, match="prompt variable 'topic' is an asynchronous function; pass a value"):
        bare(guarded).rails.register_prompt_context("topic", no_bob_async)


async def test_a_function_that_must_not_rewrite_and_does_is_told_how_it_is_registered(guarded):
    async def function(text):
        return text.upper()

    g = guarded(FakeProvider(words(400)), {})
    g.rails.register_rail("f", function, rewrites=False)
    async with g.rails.stream("hello") as stream:
        events = [event async for event in stream]
    assert isinstance(events[-1], RailFailed)
    assert "the function of rail 'f' returned a text, but is registered with rewrites=False" in events[-1].error
    assert stream.response.text == ""
