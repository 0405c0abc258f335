"""Measure the OpenAI provider against the SDK's own stream and against a bare reader; prints Markdown tables.

    .venv/bin/python tests/bench/openai_provider.py [--quick]

A server in a process of its own sends an answer as fast as it can, or at a pace. CPU is that of this process alone.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import statistics
import sys
import time
from contextlib import asynccontextmanager

import openai
from handrail_openai import OpenAIProvider, OpenAISettings
from handrail_testkit import Completion, provider_context, replies

EVENTS = 600 if "--quick" in sys.argv else 6000
ROUNDS = 3 if "--quick" in sys.argv else 7
HELLO = [{"role": "user", "content": "Hello"}]
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"


def http_chunk(piece):
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def stamped():
    """An event whose text is the moment at which it is written."""
    delta = {"content": f"{time.perf_counter():.7f} "}
    return replies.event({"id": "x", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]})


async def serve(reader, writer, bodies):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            mode = json.loads(await reader.readexactly(length))["model"]
            writer.write(HEAD)
            if mode in bodies:
                writer.write(bodies[mode])
            else:
                await send_paced(writer, mode)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def send_paced(writer, mode):
    """Send 200 events at 50 a second ("stream"), or at 200 a second with the time of writing ("stamped")."""
    token = replies.stream(Completion(pieces=(" token",)))[1]
    for _ in range(200):
        await asyncio.sleep(0.005 if mode == "stamped" else 0.02)
        writer.write(http_chunk(stamped() if mode == "stamped" else token))
    end = replies.stream(Completion(pieces=()), include_usage=False)[-2:]
    writer.write(http_chunk(b"".join(end)) + LAST)


def run_server(ready):
    events = replies.stream(Completion(pieces=tuple(f" token{n % 100}" for n in range(EVENTS))))
    bodies = {
        "chunk per event": b"".join(map(http_chunk, events)) + LAST,
        "large chunks": b"".join(http_chunk(b"".join(events[at : at + 200])) for at in range(0, len(events), 200))
        + LAST,
    }

    async def main():
        server = await asyncio.start_server(
            lambda reader, writer: serve(reader, writer, bodies), "127.0.0.1", 0, backlog=1024
        )
        ready.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


@asynccontextmanager
async def provider(base_url, model):
    made = OpenAIProvider(OpenAISettings(base_url=base_url), provider_context("openai", model=model))
    yield made
    await made.aclose()


async def through_provider(base_url, mode):
    async with provider(base_url, mode) as made:

        async def read():
            return sum([1 async for chunk in made.stream(HELLO, {}) if chunk.text])

        return await measured(read)


async def through_sdk(base_url, mode):
    async with openai.AsyncOpenAI(api_key="none", base_url=base_url) as client:

        async def read():
            stream = await client.chat.completions.create(model=mode, messages=HELLO, stream=True)
            return sum([1 async for chunk in stream if chunk.choices and chunk.choices[0].delta.content])

        return await measured(read)


async def through_bare_reader(base_url, mode):
    """The same bytes on the same library's connection, and nothing done with them."""
    async with openai.AsyncOpenAI(api_key="none", base_url=base_url) as client:

        async def read():
            create = client.chat.completions.with_streaming_response.create
            async with create(model=mode, messages=HELLO, stream=True) as response:
                async for _ in response.http_response.aiter_bytes():
                    pass
            return EVENTS

        return await measured(read)


async def measured(read):
    """The least time of several rounds: seconds of CPU and of the clock, each per event."""
    cpu, clock = [], []
    await read()
    for _ in range(ROUNDS):
        began, used = time.perf_counter(), time.process_time()
        assert await read() == EVENTS
        cpu.append((time.process_time() - used) / EVENTS)
        clock.append((time.perf_counter() - began) / EVENTS)
    return min(cpu), min(clock)


async def latency(base_url):
    async with provider(base_url, "stamped") as made:
        delays = []
        async for chunk in made.stream(HELLO, {}):
            now = time.perf_counter()
            if chunk.text:
                delays.append(now - float(chunk.text))
    return statistics.median(delays), statistics.quantiles(delays, n=100)[98]


async def concurrent(base_url, count=200):
    errors, tokens = [], 0

    async def consume(made):
        nonlocal tokens
        try:
            async for chunk in made.stream(HELLO, {}):
                tokens += bool(chunk.text)
        except Exception as exc:
            errors.append(exc)

    async with provider(base_url, "stream") as made:
        began, used = time.perf_counter(), time.process_time()
        await asyncio.gather(*(consume(made) for _ in range(count)))
        return time.perf_counter() - began, time.process_time() - used, tokens, errors


async def main(base_url):
    print(f"\n{EVENTS} chunks an answer, best of {ROUNDS}; Python {sys.version.split()[0]}\n")
    print("| the server sends | reader | CPU, µs a chunk | chunks a second | CPU against SDK | speed against bare |")
    print("|---|---|---|---|---|---|")
    for mode in ("chunk per event", "large chunks"):
        readers = {"SDK's stream": through_sdk, "bare reader": through_bare_reader, "provider": through_provider}
        results = {name: await read(base_url, mode) for name, read in readers.items()}
        sdk, bare = results["SDK's stream"][0], results["bare reader"][1]
        for name, (cpu, clock) in results.items():
            print(f"| {mode} | {name} | {cpu * 1e6:.1f} | {1 / clock:,.0f} | {cpu / sdk:.2f} | {bare / clock:.2f} |")
    median, worst = await latency(base_url)
    print("\n| from the server's write to the delivered text | ms |\n|---|---|")
    print(f"| median | {median * 1e3:.2f} |\n| 99th of 100 | {worst * 1e3:.2f} |")
    clock, cpu, tokens, errors = await concurrent(base_url)
    print("\n| 200 streams at once, 200 chunks each at 50 a second | |\n|---|---|")
    print(f"| errors | {len(errors)} |\n| chunks | {tokens:,} |")
    print(f"| seconds (4.0 at best) | {clock:.2f} |\n| CPU, µs a chunk | {cpu / max(tokens, 1) * 1e6:.0f} |")


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    ready = context.Queue()
    server = context.Process(target=run_server, args=(ready,), daemon=True)
    server.start()
    try:
        asyncio.run(main(f"http://127.0.0.1:{ready.get()}/v1"))
    finally:
        server.terminate()
        server.join()
