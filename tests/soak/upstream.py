"""The model's server of the soak: answers well, badly, late, forever or not at all, as its dice fall."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress

TEXT = "The tide comes in and the tide goes out, and nothing of it is ever lost for long."
WORDS = TEXT.split()
QUOTED = "Invalid prompt, which nobody is told"
SECRET = "4111 1111 1111 1111"
PHRASE = "bleach and ammonia"
MEGABYTE = 2**20

Answer = tuple[int, dict[str, str], AsyncIterator[bytes | None] | bytes]


def chunk(delta: object, finish: str | None = None, **more: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    fields = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


async def words(
    count: int, pause: float, *, end: Sequence[bytes | None] = (), bad: str = ""
) -> AsyncIterator[bytes | None]:
    """Yield an answer; None breaks the connection."""
    yield chunk({"role": "assistant", "content": ""})
    for number in range(count):
        yield chunk({"content": WORDS[number % len(WORDS)] + " "})
        if bad and number == count // 2:
            yield chunk({"content": f"{bad} "})
        await asyncio.sleep(pause)
    for part in end or (chunk({}, "stop"), b"data: [DONE]\n\n"):
        yield part


async def silent() -> AsyncIterator[bytes | None]:
    yield chunk({"content": "Well, "})
    await asyncio.sleep(3600)


async def pieces(part: bytes, count: int) -> AsyncIterator[bytes | None]:
    for _ in range(count):
        yield part


def error(status: int, **headers: str) -> Callable[[random.Random], Answer]:
    said = {"error": {"message": f"{QUOTED}: {SECRET}", "type": "x", "code": "y"}}
    return lambda _: (status, {"content-type": "application/json", **headers}, json.dumps(said).encode())


def stream(make: Callable[[random.Random], AsyncIterator[bytes | None]]) -> Callable[[random.Random], Answer]:
    return lambda dice: (200, {"content-type": "text/event-stream"}, make(dice))


GOOD = (
    stream(lambda dice: words(dice.randrange(1, 80), 0.002)),
    stream(lambda dice: words(dice.randrange(1, 400), 0)),
    stream(lambda dice: words(40, 0.005, bad=SECRET)),
    stream(lambda dice: words(40, 0.002, bad=PHRASE)),
)
FAULTS = (
    *(error(status) for status in (400, 401, 403, 404, 408, 409, 422, 500, 502, 503, 529)),
    error(429, **{"retry-after": "1"}),
    error(302, location="/v1/elsewhere"),
    error(307, location="http://127.0.0.1:9/v1/chat/completions"),
    stream(lambda dice: words(20, 0.001, end=(None,))),
    stream(lambda dice: words(20, 0.001, end=(b"",))),
    stream(lambda dice: words(5, 0.001, end=(b"data: {not json}\n\n",))),
    stream(lambda dice: words(5, 0.001, end=(b'data: {"error": {"message": "' + QUOTED.encode() + b'"}}\n\n',))),
    stream(lambda dice: words(5, 0.001, end=(chunk({}, "weird", usage=None), b"data: [DONE]\n\n"))),
    stream(lambda dice: words(5, 0.001, end=(b"data: " + b"x" * (2 * MEGABYTE),))),
    stream(lambda dice: words(100_000, 0.01)),
    stream(lambda dice: silent()),
    stream(lambda dice: pieces(b"", 0)),
    stream(lambda dice: pieces(b": keep-alive\n\n", 2000)),
    lambda dice: (200, {"content-type": "text/html"}, b"<html>Welcome</html>"),
    lambda dice: (200, {"content-type": "application/json"}, b"{}"),
    lambda dice: (500, {"content-type": "text/plain"}, pieces(b"z" * 65536, 160)),
    lambda dice: (0, {}, b""),
)


class Upstream:
    """Counts its connections, and answers `GET /open` with how many there are."""

    def __init__(self) -> None:
        self.open = 0
        self.dice = random.Random(1)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                while await self._one(reader, writer):
                    pass
        finally:
            self.open -= 1
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = next((int(line[15:]) for line in head.split("\r\n") if line.startswith("content-length:")), 0)
        body = await reader.readexactly(length)
        if head.startswith("get /open"):
            return await self._send(writer, 200, {"connection": "close"}, str(self.open - 1).encode())
        if b'"model":"judge"' in body.replace(b" ", b""):
            said = b"".join([chunk({"content": "no"}), chunk({}, "stop"), b"data: [DONE]\n\n"])
            return await self._send(writer, 200, {"content-type": "text/event-stream"}, said)
        chosen = self.dice.choice(GOOD if self.dice.random() < 0.6 else FAULTS)
        answer = asyncio.create_task(self._send(writer, *chosen(self.dice)))
        left = asyncio.create_task(reader.read(1))  # nothing comes before the answer has ended, but the end
        await asyncio.wait((answer, left), return_when=asyncio.FIRST_COMPLETED)
        answer.cancel()
        left.cancel()
        found, _ = await asyncio.gather(answer, left, return_exceptions=True)
        return found is True

    async def _send(
        self,
        writer: asyncio.StreamWriter,
        status: int,
        headers: dict[str, str],
        body: AsyncIterator[bytes | None] | bytes,
    ) -> bool:
        if not status:
            return False
        framing = {"content-length": str(len(body))} if isinstance(body, bytes) else {"transfer-encoding": "chunked"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in {**headers, **framing}.items())
        writer.write(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode())
        if isinstance(body, bytes):
            writer.write(body)
            await writer.drain()
            return headers.get("connection") != "close"
        async for part in body:
            if part is None or writer.transport.is_closing():
                return False
            if part:
                writer.write(b"%x\r\n%b\r\n" % (len(part), part))
                await writer.drain()
        writer.write(b"0\r\n\r\n")
        return True


async def main() -> None:
    upstream = Upstream()
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
