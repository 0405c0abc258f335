"""Calls at the same time share nothing: each log holds exactly its own checks, requests and usage."""

from __future__ import annotations

import anyio
import pytest
from fakes import words
from handrail import Chunk, Edit, Usage, Verdict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


class Echo:
    """Answers with what it was asked, after a pause; reports a usage that tells who asked."""

    def __init__(self):
        self.running = 0
        self.most = 0

    async def stream(self, messages, params):
        number = int(messages[-1]["content"].split()[0])
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            for word in [str(number), *words(number % 7)]:
                await anyio.sleep((number % 5) / 100)
                yield Chunk(f"{word}")
            yield Chunk(usage=Usage(number, number % 7 + 1), metadata={"id": f"req-{number}"})
        finally:
            self.running -= 1


class Judge:
    """Asks the model about the text, and blocks every third number."""

    def __init__(self, settings, context):
        self.model = context.model("main")

    async def check(self, window, turn):
        number = int(turn.user_message.split()[0])
        await anyio.sleep((number % 3) / 100)
        await self.model.complete([{"role": "user", "content": f"{number} judged"}], turn=turn, task="judge")
        return Verdict.block(f"number {number}") if number % 3 == 0 else Verdict.allow()


def build(guarded, **config):
    provider = Echo()
    return guarded(provider, {"judge": Judge}, **config), provider


def assert_own(response, number):
    """Everything in a response is of the call with this number."""
    assert [run.rail for run in response.rail_runs] == ["judge"] * len(response.rail_runs)
    general, *judged = sorted(response.log.llm_calls, key=lambda call: call.task == "judge")
    assert (general.prompt, general.id, general.prompt_tokens) == (f"user: {number}", f"req-{number}", number)
    assert {call.prompt for call in judged} == {f"user: {number} judged"}
    assert len(judged) == len(response.rail_runs)
    stats = response.log.stats
    assert stats.llm_calls_count == 1 + len(judged)
    assert stats.llm_calls_total_prompt_tokens == number * stats.llm_calls_count
    assert response.usage == Usage(number, number % 7 + 1)
    if number % 3 == 0:
        assert response.stop.reason == f"number {number}"
        assert response.text == ""
    else:
        assert response.text == "".join([str(number), *words(number % 7)])


async def test_a_thousand_generations_at_once_share_nothing(guarded):
    g, provider = build(guarded)
    responses = {}

    async def one(number):
        log = {"llm_calls": True, "activated_rails": True}
        responses[number] = await g.rails.generate_async(str(number), options={"log": log})

    async with anyio.create_task_group() as tasks:
        for number in range(1, 1001):
            tasks.start_soon(one, number)
    assert provider.most > 500
    assert len(responses) == 1000
    for number, response in responses.items():
        assert_own(response, number)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(numbers=st.lists(st.integers(1, 999), min_size=2, max_size=12, unique=True), streamed=st.data())
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_streams_and_generations_in_any_mixture_share_nothing(guarded, backend, numbers, streamed):
    choices = {number: streamed.draw(st.booleans()) for number in numbers}
    responses = {}

    async def one(g, number):
        if not choices[number]:
            log = {"llm_calls": True, "activated_rails": True}
            responses[number] = await g.rails.generate_async(str(number), options={"log": log})
            return
        async with g.rails.stream(str(number)) as stream:
            async for _ in stream:
                pass
        responses[number] = stream.response

    async def main():
        g, _ = build(guarded)
        async with anyio.create_task_group() as tasks:
            for number in numbers:
                tasks.start_soon(one, g, number)

    anyio.run(main, backend=backend, backend_options=clock(backend))
    for number in numbers:
        assert_own(responses[number], number)


def clock(backend):
    from trio.testing import MockClock
    from virtual import VirtualLoop

    return {"loop_factory": VirtualLoop} if backend == "asyncio" else {"clock": MockClock(autojump_threshold=0)}


async def test_a_rewrite_of_one_call_stays_in_it(guarded):
    class Masking:
        def __init__(self, settings, context):
            pass

        async def check(self, window, turn):
            await anyio.sleep(len(window.text) / 100)
            found = window.text.find("Bob")
            return Verdict.allow() if found < 0 else Verdict.rewrite([Edit(found, found + 3, "<name>")])

    class Saying:
        async def stream(self, messages, params):
            yield Chunk(messages[-1]["content"])

    g = guarded(Saying(), {"in": Masking}, input_flows=["in"])
    asked = [f"{number} {'Bob' if number % 2 else 'Eve'}" for number in range(50)]
    answers = {}

    async def one(text):
        answers[text] = await g.rails.generate_async(text)

    async with anyio.create_task_group() as tasks:
        for text in asked:
            tasks.start_soon(one, text)
    assert answers == {text: text.replace("Bob", "<name>") for text in asked}
