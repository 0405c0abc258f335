"""The processor over real gRPC, with a program in Envoy's place that says exactly what Envoy says, and less."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio
import pytest
from envoy.config.core.v3.base_pb2 import HeaderMap, HeaderValue
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as ext_proc_grpc
from google.protobuf.struct_pb2 import Struct
from handrail import ConfigurationError
from handrail_envoy._packets import FULL_DUPLEX
from handrail_envoy._routes import load
from handrail_envoy._serve import server_of

REFUSAL = "I'm sorry, I can't respond to that."
CONFIG = """
rails:
  input: {flows: [phrase check]}
  output: {flows: [phrase check, personal data check]}
  config:
    phrase check: {phrases: [gun powder], action: block}
    personal data check: {action: redact}
"""
PATH = "/v1/chat/completions"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of configurations: one with rails, and one that refuses another word."""
    for name, config in (("strict", CONFIG), ("sea", CONFIG.replace("gun powder", "the sea"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yml").write_text(config)
    return tmp_path


def _headers(pairs, *, ends=False):
    values = [HeaderValue(key=key, raw_value=value.encode()) for key, value in pairs.items()]
    return ext_proc.HttpHeaders(headers=HeaderMap(headers=values), end_of_stream=ends)


class Envoy:
    """Says what Envoy says of one request.

    Attributes:
        request: what goes on to the model's server; None until the processor has judged it.
        response: what the client gets.
        status: the status that it sees.
        instead: the answer of the processor in place of a model's.
    """

    def __init__(self, call):
        self.call = call
        self.request, self.response = None, b""
        self.status = self.instead = None
        self.request_ended = self.response_ended = False
        self.set, self.removed = {}, []

    async def ask(self, body, *, path=PATH, method="POST", mode=FULL_DUPLEX, metadata=None, observes=False):
        """Send a request, and read what the processor says of it."""
        first = ext_proc.ProcessingRequest(
            request_headers=_headers({":method": method, ":path": path, "accept-encoding": "gzip"}),
            observability_mode=observes,
        )
        if mode is not None:
            first.protocol_config.request_body_mode = FULL_DUPLEX
            first.protocol_config.response_body_mode = mode
        if metadata is not None:
            struct = Struct()
            struct.update(metadata)
            first.metadata_context.filter_metadata["handrail"].CopyFrom(struct)
        await self.write(first)
        for piece in (body[:5], body[5:], b""):
            ends = piece == b""
            part = ext_proc.HttpBody(body=piece, end_of_stream=ends)
            await self.write(ext_proc.ProcessingRequest(request_body=part))
        while not self.request_ended and self.instead is None:
            await self.read()
        return self

    async def answer(self, *pieces, status=200, kind="text/event-stream", ends=True, **headers):
        """Send the model's response, and read what the client gets, to its end."""
        self.said_status = str(status)
        pairs = {":status": self.said_status, "content-type": kind, "content-length": "9", **headers}
        await self.write(ext_proc.ProcessingRequest(response_headers=_headers(pairs)))
        for piece in (*pieces, *([b""] if ends else [])):
            part = ext_proc.HttpBody(body=piece, end_of_stream=ends and piece == b"")
            await self.write(ext_proc.ProcessingRequest(response_body=part))
        while ends and not self.response_ended:
            await self.read()
        return self

    async def write(self, message):
        """Send one message, unless the processor has ended the stream.

        Raises:
            EOFError: it has, with its status.
        """
        try:
            await self.call.write(message)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            raise EOFError(await self.call.code()) from None

    async def read(self):
        """Take one message of the processor, as Envoy would."""
        try:
            message = await self.call.read()
        except grpc.aio.AioRpcError as exc:
            raise EOFError(exc.code()) from None
        if message is grpc.aio.EOF:
            raise EOFError(await self.call.code())
        kind = message.WhichOneof("response")
        if kind == "immediate_response":
            self.instead = message.immediate_response
        elif kind == "request_headers":
            assert self.request is None
            self.request = b""
            mutation = message.request_headers.response.header_mutation
            self.set = {one.header.key: one.header.raw_value for one in mutation.set_headers}
            self.removed = list(mutation.remove_headers)
        elif kind == "request_body":
            part = message.request_body.response.body_mutation.streamed_response
            self.request += part.body
            self.request_ended = part.end_of_stream
        elif kind == "response_headers":
            mutation = message.response_headers.response.header_mutation
            self.set = {one.header.key: one.header.raw_value for one in mutation.set_headers}
            self.removed = list(mutation.remove_headers)
            self.status = int(self.set.get(":status", self.said_status))
        else:
            assert self.status is not None, "the headers come first"
            part = message.response_body.response.body_mutation.streamed_response
            assert not self.response_ended
            self.response += part.body
            self.response_ended = part.end_of_stream


@asynccontextmanager
async def _processor(folder, **options):
    routes = load(folder, **{"default": "strict", **options})
    server, port = server_of(routes, "127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield ext_proc_grpc.ExternalProcessorStub(channel)
    finally:
        await server.stop(0)


def _run(folder, talk, *, metadata=(), **options):
    async def run():
        async with _processor(folder, **options) as stub, asyncio.timeout(20):
            return await talk(Envoy(stub.Process(metadata=metadata)))

    return asyncio.run(run())


def _body(text, **more):
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}], **more}).encode()


def _events(*texts):
    chunks = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in texts]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks] + [b"data: [DONE]\n\n"]


def _text(response):
    found = [json.loads(line[6:]) for line in response.decode().splitlines() if line.startswith("data: {")]
    return "".join(one["choices"][0]["delta"].get("content") or "" for one in found)


def test_a_request_and_its_answer_pass(folder):
    async def talk(envoy):
        await envoy.ask(_body("Hello", stream=True))
        assert json.loads(envoy.request) == json.loads(_body("Hello", stream=True))
        assert (envoy.set["accept-encoding"], envoy.removed) == (b"identity", ["content-length"])
        await envoy.answer(*_events("The sea ", "is blue."))
        assert _text(envoy.response) == "The sea is blue."
        assert "content-length" in envoy.removed
        assert envoy.response.endswith(b"data: [DONE]\n\n")

    _run(folder, talk)


def test_what_rails_redact_is_redacted_wherever_envoy_cuts(folder):
    stream = b"".join(_events("Write to ada@", "example.org", ", please."))

    async def talk(envoy):
        await envoy.ask(_body("Hello", stream=True))
        await envoy.answer(*[stream[n : n + 7] for n in range(0, len(stream), 7)])
        return _text(envoy.response)

    assert _run(folder, talk) == "Write to [EMAIL], please."


@pytest.mark.parametrize("streams", [True, False])
def test_a_request_that_is_refused_is_answered_here(folder, streams):
    async def talk(envoy):
        return await envoy.ask(_body("gun powder", stream=streams))

    envoy = _run(folder, talk)
    assert envoy.request is None
    assert envoy.instead.status.code == 200
    assert REFUSAL.encode() in envoy.instead.body


def _messages_events(*texts):
    yield {"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "content": [],
           "model": "m", "stop_reason": None, "usage": {"input_tokens": 1, "output_tokens": 1}}}  # fmt: skip
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    for text in texts:
        yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}
    yield {"type": "message_stop"}


def _responses_events(*texts):
    response = {"id": "r", "object": "response", "created_at": 1, "model": "m", "status": "in_progress", "output": []}
    item = {"id": "i", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    part = {"type": "output_text", "text": "", "annotations": []}
    at = {"item_id": "i", "output_index": 0, "content_index": 0}
    yield {"type": "response.created", "response": response}
    yield {"type": "response.output_item.added", "output_index": 0, "item": item}
    yield {"type": "response.content_part.added", **at, "part": part}
    for text in texts:
        yield {"type": "response.output_text.delta", **at, "delta": text}
    done = {**part, "text": "".join(texts)}
    whole = {**item, "status": "completed", "content": [done]}
    yield {"type": "response.output_text.done", **at, "text": done["text"]}
    yield {"type": "response.content_part.done", **at, "part": done}
    yield {"type": "response.output_item.done", "output_index": 0, "item": whole}
    yield {"type": "response.completed", "response": {**response, "status": "completed", "output": [whole]}}


@pytest.mark.parametrize(
    ("path", "asked", "events"),
    [
        ("/v1/messages", {"max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}, _messages_events),
        ("/v1/responses", {"input": "Hello"}, _responses_events),
    ],
)
def test_other_protocols_are_guarded_at_their_paths(folder, path, asked, events):
    body = json.dumps({"model": "m", "stream": True, **asked}).encode()

    async def talk(envoy, *texts):
        await envoy.ask(body, path=path)
        written = [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events(*texts)]
        return (await envoy.answer(*written)).response

    assert b"The sea" in _run(folder, lambda envoy: talk(envoy, "The sea ", "is blue."))
    redacted = _run(folder, lambda envoy: talk(envoy, "ada@", "example.org, please."))
    assert b"[EMAIL]" in redacted
    assert b"example.org" not in redacted
    refused = _run(folder, lambda envoy: talk(envoy, "take gun ", "powder."))
    assert b"powder" not in refused
    assert b"refus" in refused or REFUSAL.encode() in refused
    asked_badly = body.replace(b"Hello", b"gun powder")
    assert _run(folder, lambda envoy: envoy.ask(asked_badly, path=path)).request is None


def test_after_a_block_the_answer_has_ended_and_nothing_follows(folder):
    async def talk(envoy):
        await envoy.ask(_body("Hello", stream=True))
        await envoy.answer(*_events("Take gun ", "powder, ", "and more."), ends=False)
        while not envoy.response_ended:
            await envoy.read()
        for piece in _events("and ", "more"):  # a model that is not stopped at once
            await envoy.write(ext_proc.ProcessingRequest(response_body=ext_proc.HttpBody(body=piece)))
        assert not envoy.call.done(), "a stream that ends well lets the rest pass unjudged"
        await envoy.call.done_writing()
        with pytest.raises(EOFError):
            await envoy.read()
        return envoy.response

    response = _run(folder, talk)
    assert b"powder" not in response
    assert REFUSAL.encode() in response


def test_an_answer_that_is_not_streamed_is_judged_before_its_headers_pass(folder):
    async def talk(envoy, said):
        await envoy.ask(_body("Hello"))
        answer = {"id": "x", "choices": [{"index": 0, "message": {"content": said}, "finish_reason": "stop"}]}
        await envoy.answer(json.dumps(answer).encode(), kind="application/json")
        return json.loads(envoy.response)["choices"][0]["message"]["content"]

    assert _run(folder, lambda envoy: talk(envoy, "a@example.org")) == "[EMAIL]"
    assert _run(folder, lambda envoy: talk(envoy, "gun powder")) == REFUSAL


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"kind": "text/html"}, 502),
        ({"kind": "application/json", "content-encoding": "gzip"}, 502),
        ({"kind": "text/event-stream", "content-encoding": "br"}, 502),
        ({"kind": "application/json", "status": 429, "retry-after": "7"}, 429),
        ({"kind": "text/html", "status": 302, "location": "http://x"}, 502),
    ],
)
def test_what_cannot_be_judged_does_not_come_back(folder, headers, status):
    async def talk(envoy):
        await envoy.ask(_body("Hello"))
        return await envoy.answer(b'{"secret": "gun powder"}', **headers)

    envoy = _run(folder, talk)
    assert envoy.status == status
    assert b"secret" not in envoy.response
    assert b"error" in envoy.response
    assert ("content-encoding" in envoy.removed) is ("content-encoding" in headers)


@pytest.mark.parametrize(
    "request_",
    [{"path": "/other"}, {"method": "GET"}, {"path": "/v1/responses/r1"}, {"metadata": {"config_id": "none"}}],
)
def test_what_nobody_guards_does_not_pass(folder, request_):
    envoy = _run(folder, lambda envoy: envoy.ask(_body("Hello"), **request_))
    assert envoy.instead.status.code == 403
    assert envoy.request is None


def test_a_path_that_the_operator_leaves_unguarded_passes_as_it_is(folder):
    async def talk(envoy):
        await envoy.ask(b"gun powder", path="/v1/models?x=1", method="GET")
        await envoy.answer(b"gun ", b"powder", kind="text/html")
        return envoy.request, envoy.response

    assert _run(folder, talk, unguarded=["/v1/models"]) == (b"gun powder", b"gun powder")


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"\x1f\x8b\x00", b'{"messages": 5}', b'{"messages": [{"role": "function", "content": "gun powder"}]}',
     b'{"messages": [{"role": "context", "content": {}}]}', b'{"messages": ["gun powder"]}'],
)  # fmt: skip
def test_a_request_that_cannot_be_judged_is_an_error_of_the_client(folder, body):
    envoy = _run(folder, lambda envoy: envoy.ask(body))
    assert envoy.instead.status.code == 400
    assert envoy.request is None


@pytest.mark.parametrize("told", [{"mode": 0}, {"mode": 2}, {"mode": None}, {"observes": True}])
def test_envoy_that_does_not_wait_for_the_guard_is_an_error(folder, told):
    async def talk(envoy):
        with pytest.raises(EOFError) as caught:
            await envoy.ask(_body("Hello"), **told)
        return caught.value.args[0], envoy.request

    assert _run(folder, talk) == (grpc.StatusCode.INTERNAL, None)


def test_a_gateway_that_says_nothing_of_it_is_believed_only_if_the_operator_does(folder):
    believed = {"assumes_full_duplex": True}
    assert _run(folder, lambda envoy: envoy.ask(_body("Hello"), mode=None), **believed).request is not None
    with pytest.raises(EOFError):
        _run(folder, lambda envoy: envoy.ask(_body("Hello"), mode=1), **believed)


def test_a_route_names_its_configuration_and_a_client_cannot(folder):
    sea = _body("the sea")
    assert _run(folder, lambda envoy: envoy.ask(sea)).request is not None
    assert _run(folder, lambda envoy: envoy.ask(sea, metadata={"config_id": "sea"})).request is None
    named = (("handrail-config-id", "sea"),)
    assert _run(folder, lambda envoy: envoy.ask(sea), metadata=named).request is None
    assert _run(folder, lambda envoy: envoy.ask(sea, path=f"{PATH}?config_id=sea")).request is not None


def test_an_end_that_envoy_sends_twice_is_an_end_once(folder):
    async def talk(envoy):
        await envoy.ask(_body("Hello", stream=True))
        again = ext_proc.HttpBody(body=_body("gun powder"), end_of_stream=True)
        await envoy.write(ext_proc.ProcessingRequest(request_body=again))
        await envoy.answer(*_events("fine"))
        return json.loads(envoy.request)["messages"][0]["content"], _text(envoy.response)

    assert _run(folder, talk) == ("Hello", "fine")


def test_trailers_end_a_body(folder):
    async def talk(envoy):
        await envoy.ask(_body("Hello", stream=True))
        await envoy.answer(b"".join(_events("The sea.")), ends=False)
        await envoy.write(ext_proc.ProcessingRequest(response_trailers=ext_proc.HttpTrailers()))
        while True:
            message = await envoy.call.read()
            if message.WhichOneof("response") == "response_trailers":
                return envoy.response
            part = message.response_body.response.body_mutation.streamed_response
            assert not part.end_of_stream, "the trailers are the end"
            envoy.response += part.body

    assert _text(_run(folder, talk)) == "The sea."


def test_a_configuration_that_is_not_there_is_an_error(folder, tmp_path):
    with pytest.raises(ConfigurationError, match="'other'"):
        load(folder, default="other")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError, match="no configuration"):
        load(tmp_path / "empty")
    assert load(folder / "sea").default == "default"
    assert load(folder).default is None
