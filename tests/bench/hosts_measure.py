"""What a token costs inside one host, without rails and with them: `python hosts_measure.py HOST`, which prints JSON.

The model says a word and lets others run, as one does that waits for a network. A stream rail lets each word pass at
once, and a window rail allows windows of 20 words, so that what is measured is the way through the host. The engine is
measured as a host of its own, for its part in each of the others.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

from _guarded import Model, Passing, PlainJudge, guarded

Drain: TypeAlias = Callable[[], Awaitable[int]]
"""Asks for one answer, and returns how many characters of it came."""

TOKENS = 2000
ROUNDS = 7
WORDS = [f"word{number % 10} " for number in range(TOKENS)]
ALL = sum(map(len, WORDS))
_kind = ""


KINDS = {"stream rail": Passing, "window rail": PlainJudge}


def rails() -> Any:
    """Return rails with one that costs nothing, of the kind that is measured."""
    return guarded(Model([]), [KINDS[_kind]()])


async def spoken() -> AsyncIterator[str]:
    """Yield the words as a model's connection does: others run between them."""
    for word in WORDS:
        yield word
        await asyncio.sleep(0)


def starlette(wire: str) -> tuple[Drain, Drain]:
    """Serve one of the protocols."""
    from handrail_hosts.starlette import GuardMiddleware
    from starlette.responses import StreamingResponse

    path, first, piece, last, body = _WIRES[wire]
    asked = json.dumps(body).encode()

    async def events() -> AsyncIterator[str]:
        for value in first:
            yield _sse(value)
        async for word in spoken():
            yield _sse(piece(word))
        for value in last:
            yield _sse(value)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await StreamingResponse(events(), media_type="text/event-stream")(scope, receive, send)

    def asking(served: Any) -> Drain:
        async def drain() -> int:
            said = bytearray()

            async def receive() -> Any:
                return {"type": "http.request", "body": asked}

            async def send(packet: Any) -> None:
                said.extend(packet.get("body", b""))

            headers: list[Any] = []
            scope = {
                "type": "http",
                "method": "POST",
                "path": path,
                "headers": headers,
                "asgi": {"spec_version": "2.4"},
            }
            await served(scope, receive, send)
            return said.count(b"word") * len(WORDS[0])

        return drain

    return asking(app), asking(GuardMiddleware(app, rails()))


def _sse(value: dict[str, Any]) -> str:
    name = f"event: {value['type']}\n" if "type" in value else ""
    return f"{name}data: {json.dumps(value)}\n\n"


def _choice(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


_HELLO = [{"role": "user", "content": "Hello"}]
_RESPONSE = {"id": "r1", "object": "response", "created_at": 1, "model": "m", "output": [], "tools": [],
             "parallel_tool_calls": True, "tool_choice": "auto"}  # fmt: skip
_PLACE = {"item_id": "m1", "output_index": 0, "content_index": 0}
_ITEM = {"id": "m1", "type": "message", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": "".join(WORDS), "annotations": []}]}  # fmt: skip
_USAGE = {"input_tokens": 1, "output_tokens": TOKENS, "total_tokens": TOKENS + 1,
          "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
          "output_tokens_details": {"reasoning_tokens": 0}}  # fmt: skip
_RESPONSE_EVENTS: tuple[list[dict[str, Any]], list[dict[str, Any]]] = (
    [
        {"type": "response.created", "sequence_number": 0, "response": _RESPONSE},
        {
            "type": "response.output_item.added",
            "sequence_number": 1,
            "output_index": 0,
            "item": {**_ITEM, "content": []},
        },
    ],
    [
        {"type": "response.output_item.done", "sequence_number": 3, "output_index": 0, "item": _ITEM},
        {
            "type": "response.completed",
            "sequence_number": 4,
            "response": {**_RESPONSE, "output": [_ITEM], "usage": _USAGE, "status": "completed"},
        },
    ],
)


def _text_delta(word: str) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "sequence_number": 2, "delta": word, "logprobs": [], **_PLACE}


_BLOCK = {"type": "text", "text": ""}
_WIRES: dict[str, Any] = {
    "chat completions": (
        "/v1/chat/completions",
        [_choice({"role": "assistant", "content": ""})],
        lambda word: _choice({"content": word}),
        [_choice({}, "stop")],
        {"messages": _HELLO, "stream": True},
    ),
    "responses": (
        "/v1/responses",
        _RESPONSE_EVENTS[0],
        _text_delta,
        _RESPONSE_EVENTS[1],
        {"input": "Hello", "stream": True},
    ),
    "messages": (
        "/v1/messages",
        [
            {"type": "message_start", "message": {"id": "m", "model": "m", "usage": {"input_tokens": 1}}},
            {"type": "content_block_start", "index": 0, "content_block": _BLOCK},
        ],
        lambda word: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}},
        [
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": TOKENS}},
            {"type": "message_stop"},
        ],
        {"messages": _HELLO, "max_tokens": 9, "stream": True},
    ),
}


def openai_agents() -> tuple[Drain, Drain]:
    """Run an agent."""
    from agents import Agent, Model, RunConfig, Runner
    from handrail_hosts.openai_agents import GuardedModel
    from openai.types.responses import ResponseStreamEvent
    from pydantic import TypeAdapter

    adapter: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
    first, last = ([adapter.validate_python(value) for value in values] for values in _RESPONSE_EVENTS)
    words = [adapter.validate_python(_text_delta(word)) for word in WORDS]

    class Speaking(Model):
        async def stream_response(self, *_: Any, **__: Any) -> Any:
            for event in first:
                yield event
            for event in words:
                yield event
                await asyncio.sleep(0)
            for event in last:
                yield event

        async def get_response(self, *_: Any, **__: Any) -> Any:
            raise NotImplementedError

    def running(model: Any) -> Drain:
        agent = Agent(name="helper", model=model)
        config = RunConfig(tracing_disabled=True)

        async def drain() -> int:
            said = 0
            async for event in Runner.run_streamed(agent, "Hello", run_config=config).stream_events():
                if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                    said += len(event.data.delta)
            return said

        return drain

    return running(Speaking()), running(GuardedModel(Speaking(), rails()))


def langchain() -> tuple[Drain, Drain]:
    """Stream a chat model."""
    from handrail_hosts.langchain import GuardedModel
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessageChunk
    from langchain_core.outputs import ChatGenerationChunk

    class Speaking(BaseChatModel):
        @property
        def _llm_type(self) -> str:
            return "speaking"

        def _generate(self, *_: Any, **__: Any) -> Any:
            raise NotImplementedError

        async def _astream(self, messages: Any, stop: Any = None, run_manager: Any = None, **_: Any) -> Any:
            async for word in spoken():
                chunk = ChatGenerationChunk(message=AIMessageChunk(content=word, id="1"))
                if run_manager is not None:
                    await run_manager.on_llm_new_token(word, chunk=chunk)
                yield chunk

    def streaming(model: Any) -> Drain:
        async def drain() -> int:
            return sum([len(piece.content) async for piece in model.astream("Hello")])

        return drain

    return streaming(Speaking()), streaming(GuardedModel(Speaking(), rails()))


def pydantic_ai() -> tuple[Drain, Drain]:
    """Stream the answer of an agent."""
    from handrail_hosts.pydantic_ai import GuardedModel
    from pydantic_ai import Agent
    from pydantic_ai.models.function import FunctionModel

    async def speak(messages: Any, info: Any) -> AsyncIterator[str]:
        async for word in spoken():
            yield word

    def running(model: Any) -> Drain:
        agent: Any = Agent(model)

        async def drain() -> int:
            async with agent.run_stream("Hello") as run:
                return sum([len(text) async for text in run.stream_text(delta=True, debounce_by=None)])

        return drain

    model = FunctionModel(stream_function=speak)
    return running(model), running(GuardedModel(model, rails()))


def litellm() -> tuple[Drain, Drain]:
    """Pass a stream through the proxy's hook, as beside one that does nothing."""
    from types import SimpleNamespace

    from handrail_hosts.litellm import HandrailGuardrail
    from litellm.types.utils import ModelResponseStream

    chunks = [ModelResponseStream(**_choice({"content": word})) for word in WORDS]
    chunks.append(ModelResponseStream(**_choice({}, "stop")))
    key = SimpleNamespace(request_route="/v1/chat/completions")
    guardrail = HandrailGuardrail(rails=rails(), guardrail_name="g")

    async def stream() -> AsyncIterator[Any]:
        for chunk in chunks:
            yield chunk
            await asyncio.sleep(0)

    async def read(through: Any) -> int:
        said = 0
        async for chunk in through:
            said += len(chunk.choices[0].delta.content or "")
            json.dumps(chunk.model_dump(exclude_none=True, exclude_unset=True))  # as the proxy sends it
        return said

    async def plain() -> int:
        return await read(stream())

    async def judged() -> int:
        body = {"messages": _HELLO, "stream": True}
        return await read(guardrail.async_post_call_streaming_iterator_hook(key, stream(), body))

    return plain, judged


def open_webui() -> tuple[Drain, Drain]:
    """Call the filter for each event, as beside a filter that does nothing."""
    from handrail_hosts.open_webui import make_filter

    made = make_filter(rails())()
    numbers = iter(range(10**9))

    async def nothing(event: dict[str, Any], __metadata__: Any = None) -> dict[str, Any]:
        return event

    def calling(handler: Any) -> Drain:
        async def drain() -> int:
            told, said = {"chat_id": "c", "message_id": str(next(numbers))}, 0
            async for word in spoken():
                event = await handler(_choice({"content": word}), told)
                said += len(event["choices"][0]["delta"].get("content", "")) if event else 0
            event = await handler(_choice({}, "stop"), told)
            return said + len(event["choices"][0]["delta"].get("content", ""))

        return drain

    return calling(nothing), calling(made.stream)


def asking_engine() -> tuple[Drain, Drain]:
    """Ask a model through the engine, as hosts that take an answer do."""
    from handrail import Chunk
    from handrail_hosts import HostGuard

    guard = HostGuard(rails())

    async def chunks(_: Any = ()) -> AsyncIterator[Chunk]:
        async for word in spoken():
            yield Chunk(word)

    async def plain() -> int:
        return sum([len(chunk.text) async for chunk in chunks()])

    async def judged() -> int:
        return sum([len(item) async for item in guard.released([], chunks) if isinstance(item, str)])

    return plain, judged


def feeding_engine() -> tuple[Drain, Drain]:
    """Push words into the engine, as hosts that hand over events do."""
    from handrail import TextDelta
    from handrail_hosts import HostGuard

    guard = HostGuard(rails())

    async def plain() -> int:
        return sum([len(word) async for word in spoken()])

    async def judged() -> int:
        said = 0
        async with guard.feed() as fed:
            async for word in spoken():
                said += sum([len(event.text) for event in await fed.push(word) if isinstance(event, TextDelta)])
            return said + sum([len(event.text) for event in await fed.finish() if isinstance(event, TextDelta)])

    return plain, judged


PATHS: dict[str, dict[str, Callable[[], tuple[Drain, Drain]]]] = {
    "engine": {"asked": asking_engine, "fed": feeding_engine},
    "starlette": {wire: lambda wire=wire: starlette(wire) for wire in _WIRES},  # type: ignore[misc]  # bound now
    "langchain": {"model": langchain},
    "pydantic-ai": {"agent": pydantic_ai},
    "openai-agents": {"run": openai_agents},
    "litellm": {"hook": litellm},
    "open-webui": {"filter": open_webui},
}


async def measure(paths: tuple[Drain, Drain]) -> dict[str, float]:
    """Return the microseconds of a token, without rails and with them: the least of some rounds, taken in turns."""
    found: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for drain, seconds in zip(paths, found, strict=True):
            began = time.process_time()
            characters = await drain()
            seconds.append(time.process_time() - began)
            if characters < ALL:
                raise SystemExit(f"{characters} characters came of {ALL}")
    plain, guarded = (min(seconds) / TOKENS * 1e6 for seconds in found)
    return {"plain": plain, "guarded": guarded}


def main() -> None:
    """Measure the paths of the host that is named."""
    global _kind  # noqa: PLW0603  # what is made for a host asks for it
    for name, make in PATHS[sys.argv[1]].items():
        for _kind in KINDS:
            print(json.dumps({"path": name, "kind": _kind, **asyncio.run(measure(make()))}))


if __name__ == "__main__":
    main()
