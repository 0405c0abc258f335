"""Conversations that are kept here, in memory and in a real Redis."""

from __future__ import annotations

import pytest
from fakes import FakeProvider, FunctionRail
from handrail import Edit, Verdict
from handrail_server import MemoryStore
from handrail_server._redis_store import RedisStore

THREAD = "a-thread-of-at-least-16"


@pytest.fixture(params=["memory", "redis"])
async def store(request, anyio_backend):
    if request.param == "memory":
        made = MemoryStore(threads=100, messages=200, size=2**20)
    elif anyio_backend[0] if isinstance(anyio_backend, tuple) else anyio_backend == "trio":
        made = MemoryStore(threads=100, messages=200, size=2**20)  # the client of Redis runs on asyncio alone
    else:
        made = RedisStore(request.getfixturevalue("redis_url"), messages=200, seconds=60)
        await made._redis.flushdb()
    yield made
    await made.aclose()


async def test_thread_goes_on_where_it_was(serve, fake, store):
    provider = FakeProvider(["answer"])
    client = serve({"a": fake()}, provider=provider, store=store)
    await client.chat(thread_id=THREAD)
    await client.chat(thread_id=THREAD, stream=True, messages=[{"role": "user", "content": "And then?"}])
    await client.chat(thread_id=THREAD, messages=[{"role": "user", "content": "Last."}])
    assert [(m["role"], m["content"]) for m in provider.messages[-1]] == [
        ("user", "Hello!"),
        ("assistant", "answer"),
        ("user", "And then?"),
        ("assistant", "answer"),
        ("user", "Last."),
    ]


async def test_threads_of_configurations_and_ids_are_apart(serve, fake, store):
    provider = FakeProvider(["answer"])
    client = serve({"a": fake(), "b": fake()}, provider=provider, store=store)
    for config_id, thread in (("a", THREAD), ("b", THREAD), ("a", THREAD + "x")):
        await client.chat(config_id=config_id, thread_id=thread)
        assert len(provider.messages[-1]) == 1


async def test_thread_belongs_to_its_key(serve, fake, store, monkeypatch):
    monkeypatch.setenv("SERVER_KEYS", "one,two")
    provider = FakeProvider(["answer"])
    client = serve({"a": fake()}, provider=provider, store=store, api_key_env="SERVER_KEYS")
    for key in ("one", "two"):
        await client.chat(thread_id=THREAD, headers={"authorization": f"Bearer {key}"})
        assert len(provider.messages[-1]) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_what_an_input_rail_has_rewritten_is_kept_as_the_model_saw_it(serve, fake, store, stream):
    provider = FakeProvider(["answer"])

    def mask(window):
        at = window.text.find("4111")
        return Verdict.allow() if at < 0 else Verdict.rewrite([Edit(at, at + 4, "****")])

    client = serve({"a": fake(input_=["mask"])}, provider=provider, store=store, rails={"mask": FunctionRail(mask)})
    await client.chat(thread_id=THREAD, stream=stream, messages=[{"role": "user", "content": "My card is 4111."}])
    await client.chat(thread_id=THREAD, stream=stream, messages=[{"role": "user", "content": "Which?"}])
    assert [m["content"] for m in provider.messages[-1]] == ["My card is ****.", "answer", "Which?"]


async def test_blocked_text_is_never_kept(serve, fake, store):
    provider = FakeProvider([" bad"])
    rails = {
        "in": FunctionRail(lambda window: Verdict.block("no") if "evil" in window.text else Verdict.allow()),
        "out": FunctionRail(lambda window: Verdict.block("no") if "bad" in window.text else Verdict.allow()),
    }
    client = serve({"a": fake(input_=["in"], output=["out"])}, provider=provider, rails=rails, store=store)
    for stream in (False, True):
        await client.chat(thread_id=THREAD, stream=stream, messages=[{"role": "user", "content": "evil"}])
        await client.chat(thread_id=THREAD, stream=stream, messages=[{"role": "user", "content": "fine"}])
    await client.chat(thread_id=THREAD)
    kept = str(provider.messages[-1])
    assert "evil" not in kept
    assert "bad" not in kept
    assert kept.count("I'm sorry") == 2


async def test_client_that_leaves_or_a_model_that_fails_adds_nothing(serve, fake, store):
    provider = FakeProvider([" w"] * 5, delay=0.001, hang=True)
    client = serve({"a": fake()}, provider=provider, store=store)
    await client.chat(thread_id=THREAD, stream=True, leave_after=2)
    provider.hang, provider.error = False, RuntimeError("boom")
    assert (await client.chat(thread_id=THREAD, stream=True)).status == 200
    provider.error = None
    await client.chat(thread_id=THREAD)
    assert len(provider.messages[-1]) == 1


async def test_conversation_with_its_thread_has_a_limit(serve, fake, store):
    client = serve({"a": fake()}, store=store, limits={"messages": 4})
    assert [(await client.chat(thread_id=THREAD)).status for _ in range(3)] == [200, 200, 400]


async def test_store_that_cannot_be_read_gives_no_answer_without_the_history(serve, fake, caplog):
    class Broken(MemoryStore):
        async def load(self, key):
            raise OSError("gone")

        async def ready(self):
            return False

    provider = FakeProvider(["answer"])
    client = serve({"a": fake()}, provider=provider, store=Broken(threads=1, messages=1, size=1))
    answer = await client.chat(thread_id=THREAD)
    assert (answer.status, answer.error["code"], answer.headers["retry-after"]) == (503, "store_unreachable", "1")
    assert (await client.get("/readyz")).status == 503
    assert (await client.chat()).status == 200


async def test_memory_is_bounded_by_threads_messages_and_bytes():
    store = MemoryStore(threads=2, messages=3, size=1000)
    for name in ("a", "b", "c"):
        await store.append(name, [{"role": "user", "content": name}])
    assert [len(await store.load(name)) for name in ("a", "b", "c")] == [0, 1, 1]
    await store.append("c", [{"role": "user", "content": str(i)} for i in range(5)])
    assert [message["content"] for message in await store.load("c")] == ["2", "3", "4"]
    await store.append("d", [{"role": "user", "content": "x" * 990}])
    assert [len(await store.load(name)) for name in ("b", "c", "d")] == [0, 0, 0]
    await store.append("e", [{"role": "user", "content": "small"}])
    assert len(await store.load("e")) == 1


async def test_thread_in_redis_goes_after_its_time_without_use(redis_url, anyio_backend_name):
    if anyio_backend_name == "trio":
        return  # the client of Redis runs on asyncio alone
    store = RedisStore(redis_url, messages=200, seconds=6000)
    for _ in range(2):
        await store.append("one", [{"role": "user", "content": "hi"}])
        assert 5000 < await store._redis.ttl("handrail:thread:one") <= 6000
        await store._redis.expire("handrail:thread:one", 1000)
    await store.aclose()


async def test_answer_of_a_tool_whose_call_was_dropped_is_dropped_too(serve, fake):
    provider = FakeProvider(["answer"])
    store = MemoryStore(threads=9, messages=2, size=10**6)
    client = serve({"a": fake()}, provider=provider, store=store)
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "r"},
    ]
    await client.chat(thread_id=THREAD, messages=messages)
    await client.chat(thread_id=THREAD)
    assert [message["role"] for message in provider.messages[-1]] == ["assistant", "user"]


async def test_a_turn_is_kept_though_its_history_has_become_shorter(serve, fake, store):
    refused: list[str] = []
    rail = FunctionRail(lambda window: Verdict.block() if window.text in refused else Verdict.allow())
    provider = FakeProvider(["Hi"])
    client = serve({"a": fake(input_=["in"])}, provider=provider, store=store, rails={"in": rail})
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    first = [
        *({"role": "user", "content": "one"}, {"role": "assistant", "content": "", "tool_calls": [call]}),
        {"role": "tool", "tool_call_id": "c", "content": "two"},
    ]
    await client.chat(config_id="a", thread_id=THREAD, messages=first)
    refused.append("one")  # from now on, as after a change of the configuration
    client = serve({"a": fake(input_=["in"])}, provider=provider, store=store, rails={"in": rail})
    for text in ("three", "four"):
        await client.chat(config_id="a", thread_id=THREAD, messages=[{"role": "user", "content": text}])
    said = [message["content"] for message in provider.messages[-1]]
    assert said[-3:] == ["three", "Hi", "four"]
    assert "one" not in said
    assert "two" not in said
