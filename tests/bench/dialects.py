"""Measure what Responses and Messages cost beside Chat Completions, on both sides of the server.

    python tests/bench/dialects.py [--rounds 5] [--write]

One `handrail server` without rails over the upstream of the server's benchmark is asked in each dialect in turn, and
compared within a round. What writers and readers of events cost a token is measured in this process, where nothing
else is in the figure.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median

from _document import machine, table, write_part
from _serving import PROCESSES, Answer, Server, handrail, started

CLIENTS, TOKENS = 64, 1000
ASKED = 200  # answers for the first text
PATHS = {"Chat Completions": "chat/completions", "Responses": "responses", "Messages": "messages"}
_DELTA = re.compile(rb'^data: .*(?:"delta":\{"content"|output_text\.delta|text_delta).*$', re.MULTILINE)
_FIRST = re.compile(rb'(?:"delta":\{"content"|output_text\.delta|text_delta).*word')

Row = tuple[str, Mapping[str, float], str]


async def ask(server: Server, dialect: str, tokens: int) -> Answer:
    """Ask for so many tokens in a dialect, as fast as they come."""
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=2**20)
    writer.write(_request(dialect, tokens))
    answer, first = bytearray(), 0.0
    while data := await reader.read(2**18):
        answer += data
        if not first and _FIRST.search(answer):
            first = time.perf_counter() - began
    writer.close()
    total = time.perf_counter() - began
    count = sum(line.count(b"word") for line in _DELTA.findall(answer))
    if count != tokens:
        raise SystemExit(f"{dialect}: {count} tokens of {tokens} came; the end: {bytes(answer[-300:])!r}")
    return Answer(first, total, count)


def _request(dialect: str, tokens: int) -> bytes:
    message = {"role": "user", "content": f"say {tokens} words every 0 s"}
    said = {"input": [message]} if dialect == "Responses" else {"messages": [message], "max_tokens": 2 * tokens}
    body = json.dumps({"model": "m", "stream": True, **said}).encode()
    head = f"POST /v1/{PATHS[dialect]} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


async def throughputs(server: Server, rounds: int) -> list[Row]:
    """Return tokens per second of many clients, the ratio to Chat Completions', and the processor's time a token."""
    found: dict[str, list[tuple[float, float, float]]] = {dialect: [] for dialect in PATHS}
    for _ in range(rounds):
        chat = 0.0
        for dialect in PATHS:
            spent, began = server.processor, time.perf_counter()
            await asyncio.gather(*(ask(server, dialect, TOKENS) for _ in range(CLIENTS)))
            rate = CLIENTS * TOKENS / (time.perf_counter() - began)
            chat = chat or rate
            found[dialect].append((rate, rate / chat, 1e6 * (server.processor - spent) / (CLIENTS * TOKENS)))
    middle = {name: [median(column) for column in zip(*values, strict=True)] for name, values in found.items()}
    return [
        (f"tokens per second, {CLIENTS} clients", {name: values[0] for name, values in middle.items()}, "{:,.0f}"),
        ("its ratio to Chat Completions' in the same round", {n: v[1] for n, v in middle.items()}, "{:.2f}"),
        ("processor of the server per token, µs", {name: values[2] for name, values in middle.items()}, "{:.1f}"),
    ]


async def first_texts(server: Server) -> Row:
    """Return milliseconds to the first text of one client, asking the dialects in turn."""
    found: dict[str, list[float]] = {dialect: [] for dialect in PATHS}
    for _ in range(ASKED):
        for dialect in PATHS:
            found[dialect].append(1000 * (await ask(server, dialect, 40)).first)
    return "first text, 1 client, ms: median", {name: median(values) for name, values in found.items()}, "{:.2f}"


def quickest(work: Callable[[], int]) -> float:
    """Return microseconds for each of what a piece of work says it has done, at its quickest of 20."""
    times = []
    for _ in range(20):
        began = time.perf_counter()
        done = work()
        times.append(1e6 * (time.perf_counter() - began) / done)
    return min(times)


def written() -> Row:
    """Return what it costs to write an event with one token."""
    from handrail_server._dialects import Messages, Responses
    from handrail_server._dialects._chat import ChunkWriter
    from handrail_server._dialects._dialect import Heading, Writer

    heading = Heading("id-1", 1, "m", ())
    message = {"role": "user", "content": "x"}
    bodies = {
        "Responses": Responses.body.model_validate({"model": "m", "input": "x"}),
        "Messages": Messages.body.model_validate({"model": "m", "max_tokens": 9, "messages": [message]}),
    }
    makers: dict[str, Callable[[], Writer]] = {
        "Chat Completions": lambda: ChunkWriter(heading, include_usage=False),
        "Responses": lambda: Responses().writer(heading, None, bodies["Responses"]),
        "Messages": lambda: Messages().writer(heading, None, bodies["Messages"]),
    }

    def work(make: Callable[[], Writer]) -> int:
        writer = make()
        writer.begin()
        for _ in range(TOKENS):
            writer.items(("word ",))
        return TOKENS

    return (
        "an event with one token, written, µs",
        {n: quickest(lambda m=m: work(m)) for n, m in makers.items()},
        "{:.2f}",
    )


def read() -> Row:
    """Return what it costs to read an event with one token, of a model's server that speaks the dialect."""
    import handrail_anthropic._answer
    from handrail_anthropic.testing import Message, message_events
    from handrail_http import EventSplitter
    from handrail_openai._answer import Answer as ChatAnswer
    from handrail_openai._responses import ResponseAnswer
    from handrail_openai.testing import ModelResponse, response_events
    from handrail_testkit import Completion, replies

    def messages() -> Callable[[bytes], Iterable[object]]:
        splitter, answer = EventSplitter(), handrail_anthropic._answer.Answer({})
        return lambda came: [answer.chunk(data) for data in splitter.feed(came)]

    pieces = ("word ",) * TOKENS
    sent: dict[str, tuple[Sequence[bytes], Callable[[], Callable[[bytes], Iterable[object]]]]] = {
        "Chat Completions": (replies.stream(Completion(pieces), "m"), lambda: ChatAnswer({}, {}).read),
        "Responses": (
            response_events(ModelResponse("".join(pieces), pieces), "m"),
            lambda: ResponseAnswer({}, {}).read,
        ),
        "Messages": (message_events(Message("".join(pieces), pieces), "m"), messages),
    }

    def work(events: Sequence[bytes], make: Callable[[], Callable[[bytes], Iterable[object]]]) -> int:
        take = make()
        for event in events:
            for _ in take(event):
                pass
        return TOKENS

    found = {}
    for name, (events, make) in sent.items():
        found[name] = quickest(lambda events=events, make=make: work(events, make))
    return "an event with one token, read, µs", found, "{:.2f}"


async def measure(server: Server, rounds: int) -> list[Row]:
    """Return the rows of the table."""
    for dialect in PATHS:
        await ask(server, dialect, 40)
    return [written(), read(), *await throughputs(server, rounds), await first_texts(server)]


def main() -> None:
    """Start everything, measure, end everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    arguments = parser.parse_args()
    with started() as processes:
        upstream = processes.start("upstream", PROCESSES, "upstream")
        server = handrail(processes, upstream, "Handrail", guarded=False)
        rows = asyncio.run(measure(server, arguments.rounds))
    cells = [[what, *(form.format(values[name]) for name in PATHS)] for what, values, form in rows]
    text = f"Measured on {machine()}. Medians of {arguments.rounds} rounds.\n\n{table(['', *PATHS], cells)}"
    print(text)
    if arguments.write:
        write_part("dialects", text)


if __name__ == "__main__":
    main()
