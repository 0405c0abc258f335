"""Whatever value stands where, a server that sends it gets a clear error, and nobody a `TypeError`."""

from __future__ import annotations

import json

from handrail_anthropic._answer import Answer
from handrail_anthropic.testing import Message, message_events
from handrail_http import ErrorEvent, NotAnEventError
from handrail_http.testing import odd_variants

SEARCH = {"type": "server_tool_use", "id": "s", "name": "web", "input": {}}
MESSAGE = Message(
    "Hi you", thinking="Hm", signature="sig", redacted="zz", calls=(("look", {"a": 1}),), blocks=(SEARCH,)
)


def taken(take):
    """Read chunks as a provider does; what they come to must be sendable."""
    try:
        chunks = [chunk for chunk in take() if chunk is not None]
    except (ErrorEvent, NotAnEventError) as exc:
        return exc
    for chunk in chunks:
        calls = "".join(f"{call.id}{call.name}{call.arguments}" for call in chunk.tool_calls)
        (chunk.text + chunk.reasoning + calls + json.dumps(chunk.metadata, allow_nan=False)).encode()
    return chunks


def read(events):
    answer = Answer({})
    return taken(lambda: [answer.chunk(event) for event in events])


def test_an_odd_value_anywhere_in_an_event_is_read_or_an_error():
    events = message_events(MESSAGE)
    sent = [event.partition(b"data: ")[2].strip() for event in events]
    assert isinstance(read(sent), list)
    for at, event in enumerate(events):
        for odd in odd_variants(event):
            read([*sent[:at], odd, *sent[at + 1 :]])


def test_an_odd_value_anywhere_in_an_answer_in_one_piece_is_read_or_an_error():
    whole = json.dumps(MESSAGE.whole("m")).encode()
    assert isinstance(taken(lambda: Answer({}).whole(whole)), list)
    for odd in odd_variants(whole):
        taken(lambda odd=odd: Answer({}).whole(odd))
