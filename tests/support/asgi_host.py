"""An application of Starlette that streams as models do, and a reader of it; no network is needed."""

from __future__ import annotations

import json
from dataclasses import replace

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
        app = self.served(self._app(request.model), request)
        body = self.wire.body(request.message, streams=request.streams)
        for _ in range(2):
            client = _Client(self.wire, leaves=request.leaves)
            await client.ask(app, self.wire.path, body)
            if client.status != 500:
                break
        return self.wire.answer(client, streams=request.streams)

    def served(self, app, request):
        """Return the application with the guard that the request wants."""
        return self.guarded(app, host_rails(request.rails))

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
        finish = next((choice["finish_reason"] for choice in choices if choice.get("finish_reason")), None)
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


class ResponsesWire:
    """Responses."""

    path, done = "/v1/responses", False

    def body(self, message, *, streams):
        return {"model": "m", "input": message, "stream": streams}

    def writer(self):
        writer = ResponsesWriter()
        return lambda chunk: [f"event: {value['type']}\n{sse(value)}" for value in writer.events(chunk)]

    def whole(self, chunks):
        writer = ResponsesWriter()
        return [value for chunk in chunks for value in writer.events(chunk)][-1]["response"]

    def has_text(self, body):
        return b"output_text.delta" in body

    def answer(self, client, *, streams):
        if not streams:
            value = json.loads(client.body)
            response = None if value.get("type") == "response.failed" or "output" not in value else value
            return self._answer(client, response, response and self._text(response), f"{value.get('error')}")
        values = list(client.events())
        last = values[-1] if values else {"type": "response.failed"}
        ended = last["type"] in ("response.completed", "response.incomplete")
        said = {"response.output_text.delta": "", "response.refusal.delta": ""}
        for value in values:
            if value["type"] in said:
                said[value["type"]] += value["delta"]
        text = next(filter(None, said.values()), "")  # a refusal is both
        arguments = [value["delta"] for value in values if value["type"].endswith("arguments.delta")]
        reasoning = [value["delta"] for value in values if value["type"].endswith("summary_text.delta")]
        added = [value["item"] for value in values if value["type"].endswith("item.added")]
        found = self._answer(client, last["response"] if ended else None, text, f"{values[-1:]}{client.shown}")
        called = [(item["name"], item["call_id"]) for item in added if item["type"] == "function_call"]
        return replace(
            found,
            tool=called[0] if called else None,
            arguments="".join(arguments),
            reasoning="".join(reasoning),
            shown="" if ended else found.shown,
        )

    def _text(self, response):
        parts = [part for item in response["output"] for part in item.get("content") or ()]
        texts = "".join(part.get("text", "") for part in parts)
        return texts or "".join(part.get("refusal", "") for part in parts)

    def _answer(self, client, response, text, shown):
        response = response or {}
        cut = (response.get("incomplete_details") or {}).get("reason")
        calls = [item for item in response.get("output", ()) if item["type"] == "function_call"]
        usage = response.get("usage")
        finish = {"max_output_tokens": "length", None: "stop" if response else None}.get(cut, cut)
        return HostAnswer(
            ended=_ended(client, finish, []),
            text=text or "",
            tool=(calls[0]["name"], calls[0]["call_id"]) if calls else None,
            arguments=calls[0]["arguments"] if calls else "",
            usage=usage and Usage(usage["input_tokens"], usage["output_tokens"]),
            finish=finish,
            id=response.get("id"),
            shown="" if response else shown,
        )


class ResponsesWriter:
    """Writes the events of a response as OpenAI's server sends them."""

    def __init__(self):
        self.output, self.number = [], 0
        self.head = {"id": "answer_1", "object": "response", "created_at": 1, "model": "m", "tools": []}
        self.head |= {"parallel_tool_calls": True, "tool_choice": "auto"}

    def event(self, kind, **fields):
        self.number += 1
        return {"type": f"response.{kind}", "sequence_number": self.number, **fields}

    def events(self, chunk):
        if self.number == 0:
            yield self.event("created", response={**self.head, "output": []})
        if chunk.reasoning:
            item = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": chunk.reasoning}]}
            yield self.event("output_item.added", output_index=0, item={**item, "summary": []})
            place = {"output_index": 0, "item_id": "rs_1", "summary_index": 0}
            yield self.event("reasoning_summary_text.delta", delta=chunk.reasoning, **place)
            yield self.event("output_item.done", output_index=0, item=item)
            self.output.append(item)
        if chunk.text:
            yield from self.text(chunk.text)
        for call in chunk.tool_calls:
            if call.name:
                item = {"type": "function_call", "id": "fc_1", "call_id": call.id, "name": call.name, "arguments": ""}
                self.output.append(item)
                yield self.event("output_item.added", output_index=0, item={**item})
            if call.arguments:
                self.output[-1]["arguments"] += call.arguments
                place = {"output_index": 0, "item_id": "fc_1"}
                yield self.event("function_call_arguments.delta", delta=call.arguments, **place)
        if chunk.finish_reason:
            yield from self.end(chunk)

    def text(self, text):
        if not self.output or self.output[-1]["type"] != "message":
            item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
            yield self.event("output_item.added", output_index=len(self.output), item={**item})
            item["content"] = [{"type": "output_text", "text": "", "annotations": []}]
            self.output.append(item)
        self.output[-1]["content"][0]["text"] += text
        place = {"output_index": len(self.output) - 1, "item_id": "msg_1", "content_index": 0, "logprobs": []}
        yield self.event("output_text.delta", delta=text, **place)

    def end(self, chunk):
        usage = {
            "input_tokens": chunk.usage.input_tokens,
            "output_tokens": chunk.usage.output_tokens,
            "total_tokens": chunk.usage.total_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        }
        for number, item in enumerate(self.output):
            yield self.event("output_item.done", output_index=number, item=item)
        cut = chunk.finish_reason == "length"
        response = {**self.head, "output": self.output, "usage": usage, "status": "completed"}
        if cut:
            response |= {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
        yield self.event("incomplete" if cut else "completed", response=response)


class MessagesWire:
    """Messages."""

    path, done = "/v1/messages", False
    reasons = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}

    def body(self, message, *, streams):
        return {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": message}], "stream": streams}

    def writer(self):
        blocks = []

        def write(chunk):
            for value in self._values(chunk, blocks):
                yield f"event: {value['type']}\n{sse(value)}"

        return write

    def _values(self, chunk, blocks):
        if chunk.metadata or not blocks:
            usage = {"input_tokens": 11, "output_tokens": 1}
            head = {"id": "answer_1", "type": "message", "role": "assistant", "model": "m", "content": []}
            yield {"type": "message_start", "message": {**head, "stop_reason": None, "usage": usage}}
            yield {"type": "ping"}
            blocks.append("start")
        for kind, piece in (("text", chunk.text), ("thinking", chunk.reasoning)):
            if piece:
                yield from self._block(blocks, kind, {"type": kind, kind: ""})
                place = {"type": "content_block_delta", "index": len(blocks) - 2}
                yield {**place, "delta": {"type": f"{kind}_delta", kind: piece}}
        for call in chunk.tool_calls:
            block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
            yield from self._block(blocks, f"call {call.index}", block)
            if call.arguments:
                place = {"type": "content_block_delta", "index": len(blocks) - 2}
                yield {**place, "delta": {"type": "input_json_delta", "partial_json": call.arguments}}
        if chunk.finish_reason:
            yield {"type": "content_block_stop", "index": len(blocks) - 2}
            usage = {"output_tokens": chunk.usage.output_tokens}
            delta = {"stop_reason": self.reasons[chunk.finish_reason], "stop_sequence": None}
            yield {"type": "message_delta", "delta": delta, "usage": usage}
            yield {"type": "message_stop"}

    def _block(self, blocks, kind, block):
        if blocks[-1] == kind:
            return
        if len(blocks) > 1:
            yield {"type": "content_block_stop", "index": len(blocks) - 2}
        blocks.append(kind)
        yield {"type": "content_block_start", "index": len(blocks) - 2, "content_block": block}

    def whole(self, chunks):
        text = "".join(chunk.text for chunk in chunks)
        content = [{"type": "text", "text": text}] if text else []
        calls = [call for chunk in chunks for call in chunk.tool_calls]
        if calls:
            arguments = json.loads("".join(call.arguments for call in calls))
            content.append({"type": "tool_use", "id": calls[0].id, "name": calls[0].name, "input": arguments})
        head = {"id": "answer_1", "type": "message", "role": "assistant", "model": "m", "content": content}
        usage = {"input_tokens": 11, "output_tokens": 7}
        return {**head, "stop_reason": self.reasons[chunks[-1].finish_reason], "usage": usage}

    def has_text(self, body):
        return b"text_delta" in body

    def answer(self, client, *, streams):
        values = list(client.events()) if streams else [json.loads(client.body)]
        errors = [value for value in values if value["type"] == "error"]
        seen = {"text": "", "thinking": "", "partial_json": ""}
        tool = stop = id_ = None
        usage = {}
        for value in values:
            for block in [value["content_block"]] if "content_block" in value else value.get("content", ()):
                tool = (block["name"], block["id"]) if block["type"] == "tool_use" else tool
                seen["text"] += block.get("text", "")
                seen["partial_json"] += json.dumps(block["input"]) if block.get("input") else ""
            for name in seen:
                seen[name] += value.get("delta", {}).get(name, "")
            for place in (value, value.get("message", {})):
                usage |= place.get("usage") or {}
                id_ = place.get("id") or id_
            stop = value.get("stop_reason") or value.get("delta", {}).get("stop_reason") or stop
        finish = {"end_turn": "stop", "max_tokens": "length", "refusal": "content_filter"}.get(stop, stop)
        return HostAnswer(
            ended=_ended(client, finish, errors),
            text=seen["text"],
            tool=tool,
            arguments=seen["partial_json"],
            reasoning=seen["thinking"],
            usage=usage and Usage(usage["input_tokens"], usage["output_tokens"]),
            finish=finish,
            id=id_,
            shown=f"{errors}{client.shown}",
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
