"""An application of Starlette that streams as models do, and a reader of it; no network is needed."""

from __future__ import annotations

import json

import anyio
from handrail import Usage
from handrail_testkit import HostAnswer, HostCase, host_rails
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route


class AsgiHost(HostCase):
    """Asks an application that stands behind the middleware, with one retry, as clients of HTTP have it.

    Args:
        wire: how the protocol writes chunks and reads answers; see `wires`.
        guarded: makes the guarded application of an unguarded one and rails.
    """

    def __init__(self, wire, guarded):
        self.wire, self.guarded = wire, guarded

    async def ask(self, request):
        app = self.guarded(self._app(request.model), host_rails(request.rails))
        body = self.wire.body(request.message, streams=request.streams)
        for _ in range(2):
            client = _Client(self.wire, leaves=request.leaves)
            await client.ask(app, self.wire.path, body)
            if client.status != 500:
                break
        return self.wire.answer(client, streams=request.streams)

    def _app(self, model):
        async def serve(request):
            body = await request.json()
            stream = model.stream()
            try:
                first = await anext(stream)
            except Exception:
                return JSONResponse({"error": {"message": "down"}}, 500)
            if body.get("stream"):
                return StreamingResponse(self._events(first, stream), media_type="text/event-stream")
            chunks = [first, *[chunk async for chunk in stream]]
            return JSONResponse(self.wire.whole(chunks))

        return Starlette(routes=[Route(self.wire.path, serve, methods=["POST"])])

    async def _events(self, first, stream):
        writer = self.wire.writer()
        try:
            for event in writer(first):
                yield event
            async for chunk in stream:
                for event in writer(chunk):
                    yield event
            if self.wire.done:
                yield "data: [DONE]\n\n"
        finally:
            with anyio.CancelScope(shield=True):
                await stream.aclose()


class _Client:
    def __init__(self, wire, *, leaves):
        self.wire, self.leaves = wire, leaves
        self.status, self.body, self.left = 0, b"", False
        self._gone = anyio.Event()

    async def ask(self, app, path, body):
        sent = iter([{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}])

        async def receive():
            for packet in sent:
                return packet
            await self._gone.wait()
            return {"type": "http.disconnect"}

        scope = {
            "type": "http",
            "asgi": {"spec_version": "2.3", "version": "3.0"},
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"content-type", b"application/json")],
            "http_version": "1.1",
        }
        try:
            await app(scope, receive, self._send)
        except Exception as error:
            self.shown = repr(error)

    shown = ""

    async def _send(self, packet):
        if packet["type"] == "http.response.start":
            self.status = packet["status"]
        else:
            self.body += packet.get("body", b"")
        if self.leaves and self.wire.has_text(self.body):
            self.left = True
            self._gone.set()
        await anyio.lowlevel.checkpoint()

    def events(self):
        for event in self.body.decode().split("\n\n"):
            for line in event.splitlines():
                if line.startswith("data: ") and line != "data: [DONE]":
                    yield json.loads(line.removeprefix("data: "))


class ChatWire:
    """Chat Completions."""

    path, done = "/v1/chat/completions", True

    def body(self, message, *, streams):
        return {"model": "m", "messages": [{"role": "user", "content": message}], "stream": streams}

    def writer(self):
        head = {"id": None, "object": "chat.completion.chunk", "created": 1, "model": "m"}

        def write(chunk):
            head["id"] = (chunk.metadata or {}).get("id", head["id"])
            delta = {}
            if chunk.text:
                delta["content"] = chunk.text
            if chunk.reasoning:
                delta["reasoning_content"] = chunk.reasoning
            for call in chunk.tool_calls:
                opening = {"id": call.id, "type": "function"} if call.name else {}
                inside = {"arguments": call.arguments} | ({"name": call.name} if call.name else {})
                delta["tool_calls"] = [{"index": call.index, **opening, "function": inside}]
            yield sse({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": chunk.finish_reason}]})
            if chunk.usage:
                yield sse({**head, "choices": [], "usage": usage_of(chunk.usage)})

        return write

    def whole(self, chunks):
        message = {"role": "assistant", "content": "".join(chunk.text for chunk in chunks)}
        fragments = [call for chunk in chunks for call in chunk.tool_calls]
        if fragments:
            arguments = "".join(call.arguments for call in fragments)
            function = {"name": fragments[0].name, "arguments": arguments}
            message["tool_calls"] = [{"id": fragments[0].id, "type": "function", "function": function}]
        choice = {"index": 0, "message": message, "finish_reason": chunks[-1].finish_reason}
        usage = usage_of(chunks[-1].usage)
        return {"id": "answer_1", "object": "chat.completion", "choices": [choice], "usage": usage}

    def has_text(self, body):
        return b'"content":"' in body and b'"content":""' not in body

    def answer(self, client, *, streams):
        if not streams:
            return self._whole(client)
        values = list(client.events())
        choices = [choice for value in values for choice in value.get("choices", ())]
        deltas = [choice["delta"] for choice in choices]
        calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
        finish = next((choice["finish_reason"] for choice in choices if choice["finish_reason"]), None)
        usage = next((value["usage"] for value in values if value.get("usage")), None)
        errors = [value["error"] for value in values if "error" in value]
        return HostAnswer(
            ended=_ended(client, finish, errors),
            text="".join(delta.get("content") or "" for delta in deltas),
            tool=(calls[0]["function"]["name"], calls[0]["id"]) if calls else None,
            arguments="".join(call["function"]["arguments"] for call in calls),
            reasoning="".join(delta.get("reasoning_content") or "" for delta in deltas),
            usage=usage and Usage(usage["prompt_tokens"], usage["completion_tokens"]),
            finish=finish,
            id=values[0].get("id") if values else None,
            shown=f"{errors}{client.shown}",
        )

    def _whole(self, client):
        value = json.loads(client.body)
        errors = [value["error"]] if "error" in value else []
        choice = value["choices"][0] if not errors else {"message": {}, "finish_reason": None}
        calls = choice["message"].get("tool_calls", ())
        usage = value.get("usage")
        return HostAnswer(
            ended=_ended(client, choice["finish_reason"], errors),
            text=choice["message"].get("content") or "",
            tool=(calls[0]["function"]["name"], calls[0]["id"]) if calls else None,
            arguments=calls[0]["function"]["arguments"] if calls else "",
            usage=usage and Usage(usage["prompt_tokens"], usage["completion_tokens"]),
            finish=choice["finish_reason"],
            id=value.get("id"),
            shown=f"{errors}",
        )


def _ended(client, finish, errors):
    if client.left:
        return "left"
    if errors:
        return "failed"
    return "refused" if finish == "content_filter" else "complete" if finish else "failed"


def usage_of(usage):
    total = usage.input_tokens + usage.output_tokens
    return {"prompt_tokens": usage.input_tokens, "completion_tokens": usage.output_tokens, "total_tokens": total}


def sse(value):
    return f"data: {json.dumps(value)}\n\n"
