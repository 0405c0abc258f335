"""What a response and a stream look like at a prompt: one line, without anything that was refused."""

from __future__ import annotations

from fakes import FakeProvider, FunctionRail
from handrail import GenerationResponse, Usage, Verdict

_LONGEST = 160  # characters of a line, with names of rails of a usual length


def refusing(window):
    return Verdict.block("it is there") if "poison" in window.text else Verdict.allow()


def test_a_response_that_was_not_asked_for_fits_a_line():
    assert repr(GenerationResponse()) == "<GenerationResponse left: '', 0 characters, 0 checks, 0 tokens>"


def test_an_llmrails_and_its_composition_say_what_they_were_built_of(guarded):
    rails = guarded(FakeProvider(["text"]), {"no poison": FunctionRail(refusing)}).rails
    said = "models: main fake/fake-1; input rails: none; output rails: no poison"
    assert repr(rails) == f"<LLMRails {said}>"
    assert repr(rails.composition) == f"<Composition {said}>"


def test_a_long_answer_is_shortened():
    shown = repr(GenerationResponse(text="A line\n" * 1000, outcome="finished", usage=Usage(1, 2000)))
    assert "\n" not in shown
    assert len(shown) < _LONGEST
    assert "'A line\\nA line\\n" in shown
    assert shown.endswith("7000 characters, 0 checks, 2001 tokens>")


async def test_a_blocked_answer_says_by_whom_and_not_what(guarded):
    rails = guarded(FakeProvider(["Some ", "poison"]), {"r": FunctionRail(refusing)}).rails
    response = await rails.generate_async("hello", options={})
    shown = repr(response)
    assert shown.startswith("<GenerationResponse blocked by 'r': ")
    assert "poison" not in shown
    assert len(shown) < _LONGEST


async def test_a_stream_says_how_far_it_is(guarded):
    stream = guarded(FakeProvider(["Some ", "text"]), {}).rails.stream("hello")
    assert repr(stream) == "<GuardedStream not begun: 0 characters delivered, 0 held>"
    async with stream:
        await anext(stream)
        assert repr(stream) == "<GuardedStream running: 5 characters delivered, 0 held>"
        async for _ in stream:
            pass
    assert repr(stream) == "<GuardedStream finished: 9 characters delivered, 0 held>"


async def test_a_stream_that_was_left_says_so(guarded):
    async with guarded(FakeProvider(["Some ", "text"]), {}).rails.stream("hello") as stream:
        await anext(stream)
    assert repr(stream).startswith("<GuardedStream left: 5 ")


async def test_a_stream_that_was_blocked_shows_nothing_of_what_it_held(guarded):
    async with guarded(FakeProvider(["Some ", "poison"]), {"r": FunctionRail(refusing)}).rails.stream(
        "hello"
    ) as stream:
        async for _ in stream:
            pass
        assert repr(stream).startswith("<GuardedStream blocked: 0 characters delivered, ")
        assert "poison" not in repr(stream) + repr(stream.response)


async def test_a_fed_stream_says_how_far_it_is(guarded):
    stream = guarded(FakeProvider([]), {}).rails.feed("hello")
    assert repr(stream) == "<FedStream not begun: 0 characters delivered, 0 held>"
    async with stream:
        await stream.push("Some ")
        assert repr(stream) == "<FedStream running: 5 characters delivered, 0 held>"
        await stream.finish()
    assert repr(stream) == "<FedStream finished: 5 characters delivered, 0 held>"


async def test_the_result_of_a_check_says_by_whom_and_not_what(guarded):
    rails = guarded(FakeProvider([]), {"r": FunctionRail(refusing)}).rails
    passed = await rails.check_async([{"role": "assistant", "content": "all is well"}])
    assert repr(passed) == "<RailsResult passed: 'all is well'>"
    refused = await rails.check_async([{"role": "assistant", "content": "poison"}])
    assert repr(refused).startswith("<RailsResult blocked by 'r': ")
    assert "poison" not in repr(refused)
