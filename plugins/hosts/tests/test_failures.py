"""A model's server that says that it failed has failed, in whatever form it says so and whatever it says after that."""

from __future__ import annotations

import json

import pytest
from handrail_hosts._dialects._base import ModelError
from handrail_hosts._sse import EventReader
from handrail_hosts.open_webui import make_filter
from handrail_hosts.starlette import ChatDialect, MessagesDialect, ResponsesDialect, TextDialect
from handrail_testkit import host_rails

DIALECTS = [ChatDialect, ResponsesDialect, MessagesDialect, TextDialect]
WORDS = "forbidden fruit"
ERRORS = [
    {"error": {"message": WORDS}},
    {"error": WORDS},
    {"errors": [{"message": WORDS}]},
    {"errors": WORDS, "choices": []},
    {"object": "error", "message": WORDS},
    {"type": "error", "code": 500},
]
OF_CHOICES = [
    {"message": WORDS, "code": 500},
    {"detail": WORDS},
    {"choices": [{"index": 0, "delta": {}, "error": {"message": WORDS}}]},
    *({"choices": [{"index": 0, "delta": {}, "finish_reason": one}]} for one in ("error", "abort", "Timeout")),
]
OF_RESPONSES = [
    {"type": "response.failed", "response": {"error": {"message": WORDS}}},
    {"type": "response.completed", "response": {"status": "failed", "error": {"message": WORDS}}},
    {"type": "response.completed", "response": {"status": "cancelled", "output": []}},
]


@pytest.mark.parametrize(
    ("dialect", "event"),
    [
        *((dialect, event) for dialect in DIALECTS for event in ERRORS),
        *((ChatDialect, event) for event in OF_CHOICES),
        *((ResponsesDialect, event) for event in OF_RESPONSES),
    ],
)
def test_an_error_among_events_is_a_failure(dialect, event):
    with pytest.raises(ModelError):
        dialect().chunks(event)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("event", ERRORS)
def test_an_error_in_the_place_of_a_whole_answer_is_a_failure(dialect, event):
    with pytest.raises(ModelError):
        dialect().read_whole(event)


@pytest.mark.parametrize("field", ["error", "errors"])
def test_an_event_with_a_text_and_an_error_is_never_read_for_its_text_alone(field):
    dialect = ChatDialect()
    dialect.chunks({"id": "c", "choices": [{"index": 0, "delta": {"content": "a"}}]})
    event = {"id": "c", "choices": [{"index": 0, "delta": {"content": "a"}}], field: [WORDS]}
    assert dialect.text_in(event) is None


@pytest.mark.parametrize(
    "body", ['{"error": "x"}\n\n', ' {"error":\n "x"}\n\n', "event: error\n\n", "event: error\ndata:\n\n"]
)
def test_an_error_without_a_field_of_data_is_an_error_all_the_same(body):
    (value,) = EventReader().feed(body)
    with pytest.raises(ModelError):
        ChatDialect().chunks(value)


@pytest.mark.parametrize("event", [*ERRORS[:4], *OF_CHOICES[:2]])
async def test_open_webui_shows_that_a_model_has_failed_and_not_its_words(event):
    guard, metadata = make_filter(host_rails("windows"))(), {"chat_id": "1", "message_id": "1"}
    await guard.inlet({"messages": [{"role": "user", "content": "Hello"}]}, metadata)
    await guard.stream({"id": "c", "choices": [{"index": 0, "delta": {"content": "Well"}}]}, metadata)
    shown = json.dumps(await guard.stream(event, metadata))
    assert "the model failed" in shown
    assert WORDS not in shown
    assert guard._answers == {}
