"""Events are read and written as the protocols have them, also where that is done in a quicker way."""

from __future__ import annotations

import pytest
from handrail import Finished, ReasoningDelta, ToolCallDelta
from handrail_hosts._errors import GuardFailedError
from handrail_hosts._sse import EventReader, event
from handrail_hosts.starlette import ChatDialect, MessagesDialect, ResponsesDialect, TextDialect

READ = {
    ChatDialect: [{"id": 'c"\ue000', "model": "m", "choices": []}],
    ResponsesDialect: [{"type": "response.created", "response": {"id": 'r"\\ue000', "model": "sequence_number"}}],
    MessagesDialect: [{"type": "message_start", "message": {"id": "m\ue000", "usage": {"input_tokens": 1}}}],
    TextDialect: [{"text": ""}],
}


@pytest.mark.parametrize("dialect", READ)
def test_events_of_text_are_sent_as_they_are_written_however_they_are_encoded(dialect):
    call = ToolCallDelta(0, "c", "f", "{}")
    released = [["One "], ["two \ue000"], ['three "\n\u2028', "\ud83d\ude00"], [ReasoningDelta("Well.")], ["é"], [call],
                ["four"], ["five"], [Finished("stop")]]  # fmt: skip
    sender, writer = dialect(), dialect()
    for value in READ[dialect]:
        assert sender.chunks(value) == writer.chunks(value)
    for items in released:
        assert sender.sent(items) == b"".join(map(event, writer.write(items)))


def test_an_event_that_other_readers_would_end_elsewhere_is_not_read_as_one():
    for body in (b'data: {"choices":\n[]}\n\n', b'data: {"choices":\r[]}\n\n', b'data: {"a": 1} {"b": 2}\n\n'):
        with pytest.raises(GuardFailedError):
            list(EventReader().feed(body))
    assert list(EventReader().feed(b"event: x\ndata: {}\n\ndata: {}\n\n")) == [{}, {}]
    assert list(EventReader().feed(b"event: error\ndata: {}\n\n")) == [{"type": "error", "error": True}]
