"""Token usage: as the provider reports it, else counted here, with a vocabulary that is at hand or by an estimate."""

from __future__ import annotations

import base64
import hashlib
import itertools
import logging
import socket
from pathlib import Path

import pytest
from fakes import FakeProvider, FunctionRail, words
from handrail import Chunk, ToolCallDelta, Usage, Verdict
from handrail._tokens import estimate_tokens, token_counter
from handrail._turn import LLMCall

ADDRESS = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache folder, the only place where vocabularies are looked for; the network is out of reach."""

    def unreachable(*arguments):
        raise AssertionError("the network was asked")

    monkeypatch.setattr("handrail._tokens._folders", lambda: iter([tmp_path]))
    monkeypatch.setattr(socket, "create_connection", unreachable)
    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    return tmp_path


def put_vocabulary(folder, name, content=None):
    """Write a vocabulary of single bytes and a few words, as tiktoken keeps it."""
    tokens = [bytes([byte]) for byte in range(256)] + [b" a", b" aa", b" aaa"]
    lines = [f"{base64.b64encode(token).decode()} {rank}" for rank, token in enumerate(tokens)]
    file = folder / hashlib.sha1(ADDRESS.format(name).encode()).hexdigest()
    file.write_bytes("\n".join(lines).encode() if content is None else content)


async def log_of(guarded, chunks, **more):
    g = guarded(FakeProvider(chunks), {"r": FunctionRail()}, **more)
    response = await g.rails.generate_async("hello", options={"log": {"llm_calls": True}})
    return response.log


async def test_what_the_provider_reports_is_the_usage(guarded):
    (call,) = (await log_of(guarded, [Chunk("Hi", usage=Usage(9, 1)), Chunk(usage=Usage(9, 2))])).llm_calls
    assert (call.prompt_tokens, call.completion_tokens, call.total_tokens, call.estimated) == (9, 2, 11, False)


async def test_without_a_report_and_a_vocabulary_tokens_are_estimated(guarded, folder):
    log = await log_of(guarded, words(30))
    (call,) = log.llm_calls
    assert (call.completion_tokens, call.estimated) == (30, True)
    assert call.prompt_tokens == estimate_tokens("user: hello")
    assert log.stats.llm_calls_total_tokens == call.total_tokens == call.prompt_tokens + 30


@pytest.mark.parametrize("name", ["o200k_base", "cl100k_base"])
async def test_without_a_report_tokens_are_counted_with_a_vocabulary_that_is_at_hand(guarded, folder, name):
    put_vocabulary(folder, name)
    (call,) = (await log_of(guarded, [" aaa", " aaa", " b"])).llm_calls
    assert (call.completion_tokens, call.prompt_tokens, call.estimated) == (4, len("user: hello"), True)


def test_the_vocabulary_of_the_model_is_preferred(folder):
    put_vocabulary(folder, "o200k_base")
    put_vocabulary(folder, "cl100k_base")
    assert token_counter("gpt-4").name == "cl100k_base"
    assert token_counter("gpt-4o").name == token_counter("anything").name == "o200k_base"
    assert token_counter("gpt-4").exact


@pytest.mark.parametrize(
    "content", [b"", b"this is no vocabulary", b"aGk= one", b"\xff\xfe\x00", b"!!! 3", b"YQ== 0\nYg== 1"]
)
def test_a_corrupt_vocabulary_warns_and_the_estimate_is_taken(folder, content, caplog):
    put_vocabulary(folder, "o200k_base", content)
    with caplog.at_level(logging.INFO, "handrail"):
        counter = token_counter("gpt-4o")
    assert (counter.name, counter.exact) == ("estimate", False)
    assert counter.count(" one two") == 2
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "the vocabulary o200k_base in" in warning.getMessage()
    assert "tokens are estimated" in caplog.text


def test_a_vocabulary_is_read_once_and_again_when_it_changes(folder, monkeypatch):
    put_vocabulary(folder, "o200k_base")
    read = []
    monkeypatch.setattr(Path, "read_bytes", lambda file, real=Path.read_bytes: read.append(file) or real(file))
    assert token_counter("gpt-4o").count(" aaa") == token_counter("gpt-4o").count(" aaa") == 1
    assert len(read) == 1
    put_vocabulary(folder, "o200k_base", b"nonsense")
    assert token_counter("gpt-4o").name == "estimate"


def test_a_corrupt_vocabulary_gives_way_to_another_one(folder):
    put_vocabulary(folder, "o200k_base", b"nonsense")
    put_vocabulary(folder, "cl100k_base")
    assert token_counter("gpt-4o").name == "cl100k_base"


async def test_a_stream_with_metadata_ends_with_the_usage(guarded):
    chunks = [Chunk("Hi"), Chunk(" you", usage=Usage(9, 2), metadata={"id": "r1"})]
    *texts, last = await guarded(FakeProvider(chunks), {}).texts(include_metadata=True)
    assert texts == [{"text": "Hi"}, {"text": " you"}]
    usage = {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11}
    metadata = {"usage": usage, "response_metadata": {"id": "r1"}, "usage_metadata": None}
    assert last == {"text": "", "metadata": metadata}


@pytest.mark.parametrize("rails", [{}, {"r": FunctionRail()}])
async def test_a_stream_with_metadata_counts_what_the_provider_does_not_report(guarded, folder, rails):
    *_, last = await guarded(FakeProvider(words(30)), rails).texts(include_metadata=True)
    usage = last["metadata"]["usage"]
    assert (usage["output_tokens"], usage["estimated"]) == (30, True)
    assert usage["total_tokens"] == usage["input_tokens"] + 30


async def test_the_older_flag_gives_the_older_key(guarded):
    *_, last = await guarded(FakeProvider(["Hi"]), {}).texts(include_generation_metadata=True)
    assert set(last) == {"text", "generation_info"}


async def test_a_block_in_a_stream_with_metadata_is_a_text_too(guarded):
    rails = {"r": FunctionRail(lambda window: Verdict.block())}
    (last,) = await guarded(FakeProvider(["Hi"]), rails).texts(include_metadata=True)
    assert last["text"].error["code"] == "content_blocked"


async def test_usage_of_calls_adds_up(guarded):
    calls = itertools.count()

    class Judge:
        def __init__(self, settings, context):
            self.model = context.model("judge")

        async def check(self, window, turn):
            await self.model.complete([{"role": "user", "content": window.text}], turn=turn, task=f"t{next(calls)}")
            assert turn.usage.total_tokens >= 11
            return Verdict.allow()

    models = [{"type": "main", "engine": "fake", "model": "m"}, {"type": "judge", "engine": "judge"}]
    g = guarded(
        FakeProvider([Chunk("Hi", usage=Usage(5, 1))]),
        {"a": Judge, "b": Judge},
        top={"models": models},
        engines={"judge": FakeProvider([Chunk("ok", usage=Usage(10, 1))])},
    )
    response = await g.rails.generate_async("hello", options={"log": {"llm_calls": True}})
    assert [(call.task, call.total_tokens) for call in response.log.llm_calls] == [
        ("general", 6),
        ("t0", 11),
        ("t1", 11),
    ]
    assert response.log.stats.llm_calls_total_tokens == 28
    assert response.usage == Usage(5, 1)


async def test_reasoning_and_tool_calls_are_counted_too(guarded, folder):
    chunks = [Chunk(reasoning=" a b c"), Chunk(" d e"), Chunk(tool_calls=(ToolCallDelta(0, "1", "f", '{"x": 1}'),))]
    everything = estimate_tokens(" d e") + estimate_tokens(' a b cf{"x": 1}')
    for rails in ({}, {"r": FunctionRail()}):
        response = await guarded(FakeProvider(chunks), rails).rails.generate_async("hello", options={})
        assert (response.usage.output_tokens, response.usage.estimated) == (everything, True)
        *_, last = await guarded(FakeProvider(chunks), rails).texts(include_metadata=True)
        assert last["metadata"]["usage"]["output_tokens"] == everything


async def test_reasoning_and_tool_calls_of_a_rail_s_own_request_are_counted_too(guarded, folder):
    class Asking:
        def __init__(self, settings, context):
            self.model = context.model("main")

        async def check(self, window, turn):
            completion = await self.model.complete([{"role": "user", "content": "?"}], turn=turn, task="asking")
            return Verdict.block(str(completion.usage.output_tokens))

    chunks = [Chunk(" d e", reasoning=" a b c"), Chunk(tool_calls=(ToolCallDelta(0, "1", "f", '{"x": 1}'),))]
    response = await guarded(FakeProvider(chunks), {"r": Asking}).rails.generate_async("hello", options={})
    assert response.stop.reason == str(estimate_tokens(" d e") + estimate_tokens(' a b cf{"x": 1}'))


@pytest.mark.parametrize("length", [32_768, 32_769, 400_000])
async def test_a_very_long_prompt_is_counted_by_samples_and_never_read_whole(length):
    read = []

    def count(text):
        read.append(len(text))
        return estimate_tokens(text)

    prompt = "".join(itertools.islice(itertools.cycle(words(300)), length // 4 + 1))[:length]
    call = LLMCall("general", "fake", "fake-1", prompt, count_tokens=count)
    assert call.usage.input_tokens == pytest.approx(estimate_tokens(prompt), rel=0.02)
    assert call.usage.estimated
    assert sum(read) <= 32_768
