"""The filter for Open WebUI, called as Open WebUI calls filters; itself it is too large to be installed."""

from __future__ import annotations

import inspect
import json
import runpy

import pytest
from asgi_host import ChatWire
from handrail import FedStream
from handrail_hosts._command import open_webui
from handrail_hosts.open_webui import GuardFilter, make_filter
from handrail_testkit import HostAnswer, HostCase, HostConformance, ModelFailure, host_rails

CANNOT_STOP = "a filter cannot stop a model"


async def call(handler, value, metadata):
    """Call a handler of a filter as Open WebUI does: by the names of its parameters."""
    name = "event" if handler.__name__ == "stream" else "body"
    given = {name: value, "__metadata__": metadata}
    return await handler(**{key: given[key] for key in inspect.signature(handler).parameters})


class OpenWebUI(HostCase):
    """Does with the filter what Open WebUI does: inlet, each event through stream, outlet; one filter for all."""

    def __init__(self):
        self.filters, self.chats = {}, 0

    async def ask(self, request):
        if request.rails not in self.filters:
            self.filters[request.rails] = make_filter(host_rails(request.rails))()
        guard = self.filters[request.rails]
        self.chats += 1
        metadata = {"chat_id": str(self.chats), "message_id": "1"}
        body = {"messages": [{"role": "user", "content": request.message}], "stream": request.streams}
        try:
            body = await call(guard.inlet, body, metadata)
        except Exception as error:
            return HostAnswer(ended="refused", shown=str(error))
        events, end = await self._events(request, guard, metadata)
        if end == "left":
            return HostAnswer(ended="left", text=events[-1]["choices"][0]["delta"]["content"])
        text = "".join(event["choices"][0]["delta"].get("content") or "" for event in events)
        kept = await self._kept(guard, body, text, metadata)
        return self._answer(events, text, kept, end == "failed")

    async def _events(self, request, guard, metadata):
        events, stream, write = [], request.model.stream(), ChatWire().writer()
        try:
            async for chunk in stream:
                for line in write(chunk):
                    event = await call(guard.stream, json.loads(line.removeprefix("data: ")), metadata)
                    if event.get("choices"):
                        events.append(event)
                    if request.leaves and "content" in str(event):
                        return events, "left"
        except ModelFailure:
            return events, "failed"
        finally:
            await stream.aclose()
        return events, ""

    async def _kept(self, guard, body, text, metadata):
        messages = [*body["messages"], {"role": "assistant", "content": text}]
        return (await call(guard.outlet, {"messages": messages}, metadata))["messages"][-1]["content"]

    def _answer(self, events, text, kept, broken):
        deltas = [event["choices"][0]["delta"] for event in events]
        calls = [part for delta in deltas for part in delta.get("tool_calls", ())]
        finish = next((event["choices"][0]["finish_reason"] for event in events[::-1]), None)
        failed = broken or "could not be checked" in text or finish is None
        usage = next((event["usage"] for event in events if event.get("usage")), None)
        refused = "refused" in text or finish == "content_filter"
        ended = "failed" if failed and not refused else "refused" if refused else "complete"
        return HostAnswer(
            ended=ended,
            text="" if "could not be checked" in text else text,
            tool=(calls[0]["function"]["name"], calls[0]["id"]) if calls else None,
            arguments="".join(part["function"]["arguments"] for part in calls),
            reasoning="".join(delta.get("reasoning_content") or "" for delta in deltas),
            usage=usage,
            finish=finish,
            id=events[0].get("id") if events else None,
            kept=kept,
        )


@pytest.fixture
def anyio_backend():
    return "asyncio"


class TestOpenWebUI(HostConformance):
    expected_failures = {
        "test_usage_is_kept": "usage comes after the last event that is judged, and passes a filter as it is",
        "test_a_refusal_stops_the_model": CANNOT_STOP,
        "test_a_second_attempt_of_the_host_is_guarded": "Open WebUI does not ask again",
    }

    @pytest.fixture
    def case(self):
        return OpenWebUI()

    @pytest.fixture(autouse=True)
    def do_not_wait_in_vain(self, request):
        if request.node.originalname in self.expected_failures:
            self.prompt = 2.0


CONFIG = """
rails:
  output: {flows: [personal data check], streaming: {enabled: True}}
  config: {personal data check: {action: block}}
"""


async def test_a_request_without_a_chat_is_refused(anyio_backend):
    guard = make_filter(host_rails("windows"))()
    with pytest.raises(Exception, match="without a chat"):
        await guard.inlet({"messages": [{"role": "user", "content": "Hello"}]}, {"chat_id": None})


def test_the_file_to_paste_makes_a_filter(tmp_path, capsys):
    (tmp_path / "config.yml").write_text(CONFIG)
    assert open_webui(tmp_path, title='My "own"\nguard') == 0
    (tmp_path / "pasted.py").write_text(capsys.readouterr().out)
    made = runpy.run_path(str(tmp_path / "pasted.py"))
    assert "title: My 'own' guard" in made["__doc__"]
    assert isinstance(made["Filter"](), GuardFilter)


def output_of(text, **call):
    """Return an answer's output, which is shown where an answer has one."""
    message = {"type": "message", "content": [{"type": "output_text", "text": text}]}
    return [message, {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", **call}]


@pytest.mark.parametrize(
    ("output", "is_kept"),
    [
        (output_of("Well."), True),
        (output_of("A forbidden fruit"), False),
        (output_of("Well.", arguments='{"a": "\\u0066orbidden fruit"}'), False),
        ([{"type": "function_call_output", "output": [{"type": "input_text", "text": "forbidden fruit"}]}], False),
    ],
)
async def test_what_is_shown_in_place_of_the_text_is_judged_before_it_is_kept(output, is_kept, anyio_backend):
    guard = make_filter(host_rails("windows"))()
    last = {"role": "assistant", "id": "m", "content": "Well.", "output": output, "sources": ["s"]}
    body = await guard.outlet({"messages": [last]}, {"chat_id": "c", "message_id": "m"})
    (kept,) = body["messages"]
    assert (kept == last) is is_kept
    assert kept["id"] == "m"
    assert is_kept or "forbidden" not in json.dumps(kept)


async def test_an_answer_that_never_ends_is_forgotten(monkeypatch, anyio_backend):
    guard = make_filter(host_rails("windows"))()
    chats = [{"chat_id": number, "message_id": "1"} for number in "12"]

    async def streamed(chat, text, reason=None):
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": reason}
        return json.dumps(await guard.stream({"id": "1", "choices": [choice]}, chat))

    assert "old" not in await streamed(chats[0], "old")
    monkeypatch.setattr("handrail_hosts.open_webui._MOST_SECONDS", -1)
    await streamed(chats[1], "other")
    monkeypatch.undo()
    ended = await streamed(chats[0], "new", "stop")
    assert ("old" in ended, "new" in ended) == (False, True)


@pytest.mark.parametrize("rails", ["windows", "session"])
async def test_what_came_is_not_put_together_again_for_each_event(rails, monkeypatch, anyio_backend):
    asked = []
    monkeypatch.setattr(FedStream, "response", property(asked.append))
    guard, chat = make_filter(host_rails(rails))(), {"chat_id": "c", "message_id": "m"}
    said = ""
    for number in range(100):
        choice = {"index": 0, "delta": {"content": "word "}, "finish_reason": "stop" if number == 99 else None}
        said += json.dumps(await guard.stream({"id": "1", "choices": [choice]}, chat))
    assert (said.count("word "), asked) == (100, [])
