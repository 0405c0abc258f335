"""Processes for the benchmark of the server: an upstream, a bare relay, and Handrail's server with a free rail."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path


async def upstream() -> None:
    """Speak OpenAI's protocol: as many tokens, at the pace, that the message asks for."""

    def chunk(delta: dict[str, str], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        fields = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [choice],
        }
        return b"data: " + json.dumps(fields).encode() + b"\n\n"

    word = chunk({"content": "word "})

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                asked = json.loads(await reader.readexactly(length))["messages"][-1]["content"]
                tokens, pace = int(asked.split()[0]), float(asked.split()[1])
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                )
                send(writer, chunk({"role": "assistant", "content": ""}))
                together = 1 if pace else 16  # a model that is faster than anything is read several tokens at a time
                for begun in range(0, tokens, together):
                    send(writer, word * min(together, tokens - begun))
                    await (asyncio.sleep(pace) if pace else writer.drain())
                send(writer, chunk({}, "stop") + b"data: [DONE]\n\n")
                writer.write(b"0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def send(writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(b"%x\r\n%b\r\n" % (len(data), data))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", file=sys.stderr, flush=True)
    await server.serve_forever()


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


def guarded(folder: str) -> None:
    """Serve a configuration whose rail `free` allows everything."""
    from handrail import Registry, Verdict
    from handrail.plugins import RailSpec, hookimpl
    from handrail_server import ServerSettings, create_app

    class Free:
        def __init__(self, settings: object, context: object) -> None:
            pass

        async def check(self, window: object, turn: object) -> Verdict:
            return Verdict.allow()

    class Plugin:
        @hookimpl
        def handrail_rails(self):
            yield RailSpec("free", Free)

    run(create_app(ServerSettings(config=Path(folder)), registry=Registry.discover().with_plugins(Plugin())))


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
        asyncio.run(upstream())
    else:
        {"relay": relay, "guarded": guarded}[sys.argv[1]](sys.argv[2])
