from __future__ import annotations

import anyio
import pytest
from handrail_scripted import ScriptedProvider
from hypothesis import given
from hypothesis import strategies as st

TEN_TOKENS = "a b c d e f g h i j"


async def arrivals(provider, question="hello"):
    """Return when each chunk that holds text came, in seconds since the first was asked for."""
    start = anyio.current_time()
    stream = provider.stream([{"role": "user", "content": question}], {})
    return [round(anyio.current_time() - start, 6) async for chunk in stream if chunk.text]


async def test_tokens_come_at_their_pace():
    times = await arrivals(ScriptedProvider.from_texts(TEN_TOKENS, tokens_per_second=10))
    assert times == pytest.approx([0.1 * n for n in range(1, 11)])


async def test_the_first_token_waits_for_both_delays():
    provider = ScriptedProvider.from_texts(TEN_TOKENS, tokens_per_second=10, delay=2, first_token_delay=1)
    times = await arrivals(provider)
    assert times[0] == pytest.approx(3.1)
    assert times[-1] == pytest.approx(4.0)


async def test_with_a_delay_alone_everything_comes_at_once_after_it():
    assert set(await arrivals(ScriptedProvider.from_texts(TEN_TOKENS, delay=0.3))) == {0.3}


@pytest.mark.parametrize(
    ("chunking", "times"),
    [
        ("character", [0.1] + [0.1 * n for n in range(2, 11) for _ in " a"]),
        ("word", [0.1 * n for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 10)]),
        ("paragraph", [1.0]),
        ("whole", [1.0]),
    ],
)
async def test_a_chunk_comes_when_its_last_token_is_due(chunking, times):
    provider = ScriptedProvider.from_texts(TEN_TOKENS, tokens_per_second=10, chunking=chunking)
    assert await arrivals(provider) == pytest.approx(times)


async def test_reasoning_takes_its_time_too():
    provider = ScriptedProvider({"answers": [{"reasoning": TEN_TOKENS, "text": TEN_TOKENS}], "tokens_per_second": 10})
    assert (await arrivals(provider))[0] == pytest.approx(1.1)


async def test_an_answer_has_a_pace_of_its_own():
    slow = {"contains": "slow", "text": TEN_TOKENS, "tokens_per_second": 1, "chunking": "whole"}
    fast = {"contains": "fast", "text": TEN_TOKENS, "tokens_per_second": 0}
    provider = ScriptedProvider({"answers": [slow, fast], "default": TEN_TOKENS, "tokens_per_second": 10})
    assert await arrivals(provider, "slow") == [10]
    assert await arrivals(provider, "fast") == [0] * 10
    assert (await arrivals(provider, "other"))[-1] == 1


async def test_a_slow_reader_does_not_slow_the_model():
    provider = ScriptedProvider.from_texts(TEN_TOKENS, tokens_per_second=10)
    start = anyio.current_time()
    async for chunk in provider.stream([], {}):
        if chunk.text == "a":
            await anyio.sleep(5)
    assert anyio.current_time() - start == pytest.approx(5.1)


async def test_jitter_follows_from_the_seed_and_the_question_and_from_nothing_else():
    def jittery(seed=1):
        return ScriptedProvider.from_texts(TEN_TOKENS, tokens_per_second=10, jitter=0.5, seed=seed)

    provider = jittery()
    first = await arrivals(provider)
    assert first == await arrivals(provider) == await arrivals(jittery())
    assert first != await arrivals(provider, "another question")
    assert first != await arrivals(jittery(seed=2))


@given(jitter=st.floats(0, 1), seed=st.integers(), tokens=st.integers(0, 50))
def test_jitter_stays_within_its_part_and_time_goes_forwards(jitter, seed, tokens):
    from handrail_scripted._pace import Tempo

    due = Tempo(tokens_per_second=10, delay=1, first_token_delay=1, jitter=jitter, seed=seed).timetable(tokens, "q")
    assert due == sorted(due)
    assert len(due) >= tokens + 1
    assert (1 - jitter) * 0.999 <= due[0] <= (1 + jitter) * 1.001


async def test_without_a_wait_the_stream_never_suspends():
    """Driven by hand: a coroutine that suspends would yield to us before it stops."""
    stream = ScriptedProvider.from_texts("one two three", usage=True).stream([], {})
    texts = []
    while True:
        try:
            stream.__anext__().send(None)
        except StopIteration as step:
            texts.append(step.value.text)
        except StopAsyncIteration:
            break
        else:
            pytest.fail("the stream suspended")
    assert "".join(texts) == "one two three"


async def test_concurrent_streams_of_one_model_keep_apart():
    provider = ScriptedProvider(
        {
            "answers": [{"contains": "a", "text": "aa " * 20}, {"contains": "b", "text": "bb " * 20}],
            "tokens_per_second": 50,
            "chunking": "random",
            "jitter": 1,
        }
    )
    alone = {question: await arrivals(provider, question) for question in "ab"}
    together = {}

    async def run(question):
        together[question] = await arrivals(provider, question)

    async with anyio.create_task_group() as tasks:
        for question in "ab":
            tasks.start_soon(run, question)
    assert together == alone
    assert [call.tokens for call in provider.calls] == [
        provider.calls[0].tokens,
        provider.calls[1].tokens,
    ] * 2
