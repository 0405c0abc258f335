"""Processes for the benchmarks of the server: an upstream, a bare relay, and the servers of others.

Each runs in the environment of what it serves, so that the module itself needs nothing but the standard library.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from pathlib import Path

_ASKED = re.compile(r"say (\d+) words every ([\d.]+) s")
_BURST = 16  # tokens that are read at a time from a model that is faster than anything


class Upstream:
    """Speaks OpenAI's protocol: as many tokens, at the pace, that the last message asks for; judges get "safe".

    `GET /left` tells how many readers went before the end of their answers, and when the last one did.
    """

    def __init__(self) -> None:
        self._word = self._chunk({"content": "word "})
        self._left: tuple[int, float] = (0, 0.0)

    async def run(self) -> None:
        """Serve, and say where."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", file=sys.stderr, flush=True)
        await server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if head.startswith(b"GET"):
                    self._send_json(writer, self._left)
                    continue
                asked = json.loads(await self._body(reader, head.lower()))
                if not asked.get("stream"):
                    message = {"role": "assistant", "content": "safe"}
                    choice = {"index": 0, "message": message, "finish_reason": "stop"}
                    self._send_json(writer, {**self._head("chat.completion"), "choices": [choice]})
                    continue
                tokens, pace = _ASKED.findall(json.dumps(asked["messages"]))[-1]  # wherever a prompt has it
                await self._stream(reader, writer, int(tokens), float(pace))
                usage = {"prompt_tokens": 3, "completion_tokens": int(tokens), "total_tokens": int(tokens) + 3}
                counted = (asked.get("stream_options") or {}).get("include_usage")
                self._end(writer, self._event([], usage=usage) if counted else b"")
                if b"connection: close" in head.lower():
                    raise ConnectionError
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _body(self, reader: asyncio.StreamReader, head: bytes) -> bytes:
        if b"content-length:" in head:
            return await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
        body = b""
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
        return body

    async def _stream(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tokens: int, pace: float
    ) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        self._send(writer, self._chunk({"role": "assistant", "content": ""}))
        together = 1 if pace else _BURST
        began = time.monotonic()
        for sent in range(0, tokens, together):
            self._send(writer, self._word * min(together, tokens - sent))
            await (asyncio.sleep(began + (sent + 1) * pace - time.monotonic()) if pace else writer.drain())
            if reader.at_eof() or writer.is_closing():
                self._left = (self._left[0] + 1, time.monotonic())
                raise ConnectionError

    def _end(self, writer: asyncio.StreamWriter, usage: bytes) -> None:
        self._send(writer, self._chunk({}, "stop") + usage + b"data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")

    def _chunk(self, delta: dict[str, str], reason: str | None = None) -> bytes:
        return self._event([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}])

    def _event(self, choices: list[object], **fields: object) -> bytes:
        value = {**self._head("chat.completion.chunk"), "choices": choices, **fields}
        return b"data: " + json.dumps(value).encode() + b"\n\n"

    def _head(self, kind: str) -> dict[str, object]:
        return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": "m"}

    def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(b"%x\r\n%b\r\n" % (len(data), data))

    def _send_json(self, writer: asyncio.StreamWriter, value: object) -> None:
        body = json.dumps(value).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        writer.write(head + body)


def relay(upstream_port: str) -> None:
    """Relay with Starlette: each event is parsed and serialised again."""
    import httpx2
    import msgspec
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import StreamingResponse
    from starlette.routing import Route

    limits = httpx2.Limits(max_connections=None)
    client = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{upstream_port}", limits=limits, timeout=60)

    async def chat(request: Request) -> StreamingResponse:
        payload = await request.body()

        async def events():
            headers = {"content-type": "application/json"}
            async with client.stream("POST", "/v1/chat/completions", content=payload, headers=headers) as answer:
                async for line in answer.aiter_lines():
                    if line == "data: [DONE]":
                        yield b"data: [DONE]\n\n"
                    elif line.startswith("data: "):
                        yield b"data: " + msgspec.json.encode(msgspec.json.decode(line[6:])) + b"\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    run(Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])]))


def nemoguardrails(folder: str) -> None:
    """Serve a configuration with NeMo Guardrails' server; its engine is chosen by the environment, as it reads it."""
    from nemoguardrails.server import api

    api.app.rails_config_path = folder
    api.app.single_config_mode = True
    api.app.single_config_id = api.app.default_config_id = Path(folder).name
    run(api.app)


def litellm(folder: str) -> None:
    """Serve a configuration with LiteLLM's proxy."""
    import os

    os.environ["CONFIG_FILE_PATH"] = str(Path(folder) / "config.yaml")
    sys.path.insert(0, folder)  # where its guardrail is
    from litellm.proxy.proxy_server import app

    run(app)


def run(app: object) -> None:
    """Run an application in uvicorn, and say where."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets=None) -> None:
            await super().startup(sockets)
            port = self.servers[0].sockets[0].getsockname()[1]
            print(f"http://127.0.0.1:{port}", file=sys.stderr, flush=True)

    Server(uvicorn.Config(app, port=0, access_log=False, log_level="critical", ws="none")).run()


if __name__ == "__main__":
    if sys.argv[1] == "upstream":
        asyncio.run(Upstream().run())
    else:
        served = {"relay": relay, "nemoguardrails": nemoguardrails, "litellm": litellm}
        served[sys.argv[1]](sys.argv[2])
