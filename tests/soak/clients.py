"""The clients of the soak: they ask, read slowly, leave, send nonsense, or nothing."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from contextlib import suppress

CONFIGURATIONS = ("plain", "masked", "judged")
DIALECTS = {"/v1/chat/completions": "messages", "/v1/responses": "input", "/v1/messages": "messages"}
FILE = {"type": "file", "file": {"filename": "a.csv", "file_data": "data:text/csv;base64,YSxiCjEsMgo="}}
PROBE_SECONDS = 0.1
GARBAGE = (
    b"GET / HTTP/9.9\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n",
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"X" * 100_000,
)


class Clients:
    """Some clients, each of which does one thing after the other until it is told to stop.

    Args:
        port: of the server.
        key: an API key.
        seed: of the dice.
    """

    def __init__(self, port: int, key: str, seed: int) -> None:
        self._port = port
        self._key = key
        self._seed = seed
        self.statuses: Counter[str] = Counter()
        self.quoting = 0
        self.health: list[float] = []

    async def run(self, count: int, seconds: float, quoted: bytes) -> None:
        """Run for some seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(self._probe(), *(self._client(number, quoted) for number in range(count)))

    async def _probe(self) -> None:
        """Ask again and again whether the server lives, and note how many milliseconds it takes."""
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            began = time.perf_counter()
            await self._ask("GET", "/healthz", None)
            self.health.append(1000 * (time.perf_counter() - began))

    async def _client(self, number: int, quoted: bytes) -> None:
        dice = random.Random(self._seed * 1000 + number)
        while True:
            try:
                async with asyncio.timeout(30):
                    found = await self._act(dice)
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                found = b"HTTP/1.1 closed"
            self.statuses[found[9:12].decode("latin-1") or "left"] += 1
            self.quoting += quoted in found

    async def _act(self, dice: random.Random) -> bytes:
        kind = dice.random()
        if kind < 0.05:
            return await self._raw(dice.choice(GARBAGE), dice)
        if kind < 0.08:
            return await self._raw(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127", dice, wait=dice.random() * 2)
        if kind < 0.12:
            return await self._ask("GET", dice.choice(("/v1/models", "/healthz", "/metrics", "/v1/models/plain")), None)
        if kind < 0.15:
            return await self._ask("POST", "/v1/chat/completions", b'{"messages": [' * dice.randrange(1, 200))
        leaves = dice.random() < 1 / 3
        path = dice.choice(tuple(DIALECTS))
        return await self._ask(
            "POST",
            path,
            self._body(dice, path),
            leave=dice.randrange(4000) if leaves else None,
            slow=dice.random() < 0.1,
        )

    def _body(self, dice: random.Random, path: str) -> bytes:
        text: object = "word " * dice.choice((3, 3, 3, 300, 60_000))
        is_chat = path == "/v1/chat/completions"
        if is_chat and dice.random() < 0.1:
            text = [{"type": "text", "text": text}, FILE]
        fields = {
            "model": dice.choice(CONFIGURATIONS),
            DIALECTS[path]: [{"role": "user", "content": text}],
            "stream": dice.random() < 0.7,
        }
        if is_chat and dice.random() < 0.3:
            fields["guardrails"] = {"thread_id": f"a-thread-of-the-soak-{dice.randrange(40)}"}
        return json.dumps(fields).encode()

    async def _ask(
        self, method: str, path: str, body: bytes | None, *, leave: int | None = None, slow: bool = False
    ) -> bytes:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self._key}\r\nConnection: close\r\n"
        )
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(head.encode() + b"\r\n" + (body or b""))
            await writer.drain()
            found = b""
            while part := await reader.read(512 if slow else 65536):
                found += part
                if leave is not None and len(found) > leave:
                    return b""
                if slow:
                    await asyncio.sleep(0.01)
            return found
        finally:
            writer.transport.abort()

    async def _raw(self, sent: bytes, dice: random.Random, wait: float = 0.0) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(sent)
            await asyncio.sleep(wait)
            async with asyncio.timeout(3 + dice.random()):
                return await reader.read(65536)
        finally:
            writer.transport.abort()
