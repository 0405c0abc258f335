"""What a client gets through a real Envoy, whatever becomes of the processors."""

from __future__ import annotations

import signal
import time

import httpx2
import pytest

REFUSAL = "I'm sorry, I can't respond to that."
WORDS = " ".join(f"word{n}" for n in range(40))


def test_a_clean_answer_passes_and_a_redacted_one_is_redacted(world):
    world.processors.start(0)
    answer = world.ask("The sea is blue.")
    assert (answer.status_code, world.text_of(answer).strip()) == (200, "The sea is blue.")
    assert answer.text.endswith("data: [DONE]\n\n")
    assert world.model.headers[0]["accept-encoding"] == "identity"
    found = world.ask("Write to ada@example.org now.")
    assert world.text_of(found).strip() == "Write to [EMAIL] now.", (
        found.status_code,
        found.text,
        world.processors.log(),
    )
    whole = world.ask("Write to ada@example.org now.", stream=False).json()
    assert whole["choices"][0]["message"]["content"] == "Write to [EMAIL] now.", (
        found.status_code,
        found.text,
        world.processors.log(),
    )


@pytest.mark.parametrize("stream", [True, False])
def test_a_request_that_is_refused_does_not_reach_the_model(world, stream):
    world.processors.start(0)
    answer = world.ask("never said", ask="FORBIDDEN", stream=stream)
    assert answer.status_code == 200
    assert REFUSAL in answer.text
    assert "content_filter" in answer.text
    assert not world.model.asked


def test_a_block_ends_the_answer_and_stops_the_model(world):
    world.processors.start(0, "answers")
    world.model.pace = 0.02
    text = f"{WORDS} FORBIDDEN {WORDS} {WORDS} {WORDS}"
    with (
        httpx2.Client(timeout=20) as client,
        client.stream("POST", world.url + world.path, json=world.body(text)) as answer,
    ):
        read = "".join(answer.iter_text())
        ended = time.monotonic()
    assert "word0" in read
    assert "FORBIDDEN" not in read
    assert REFUSAL in read
    assert read.endswith("data: [DONE]\n\n")
    until = time.monotonic() + 5
    while world.model.stopped_at is None and time.monotonic() < until:
        time.sleep(0.01)
    assert world.model.stopped_at is not None, "the model was not stopped"
    assert world.model.stopped_at - ended < 0.25
    assert world.model.said < 80


@pytest.mark.parametrize("stream", [True, False])
def test_slow_rails_are_waited_for(world, stream):
    world.processors.start(0)
    for say, ask in (("WAIT 1.2 over", "Hello"), ("over", "WAIT 1.2")):
        answer = world.ask(say, ask=ask, stream=stream)
        assert answer.status_code == 200
        assert "over" in answer.text


@pytest.mark.parametrize("stream", [True, False])
def test_a_rail_that_fails_lets_nothing_through(world, stream):
    world.processors.start(0)
    assert "secret" not in world.ask("RAISE secret", stream=stream).text
    assert world.ask("secret", ask="RAISE", stream=stream).status_code >= 400
    assert len(world.model.asked) == 1
    assert "RAISE" not in world.processors.log()


def test_without_a_processor_nothing_passes(world):
    answer = world.ask("secret", stream=False)
    assert answer.status_code >= 500
    assert "secret" not in answer.text
    assert not world.model.asked


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_processor_that_ends_in_mid_stream_breaks_the_answer_off(world, number):
    world.processors.start(0, "answers")
    world.model.pace = 0.02
    read = ""
    body = world.body(f"{WORDS} {WORDS} FORBIDDEN {WORDS}")
    with httpx2.Client(timeout=20) as client, client.stream("POST", world.url + world.path, json=body) as answer:
        texts = answer.iter_text()
        read += next(texts)
        world.processors.end(0, number, wait=False)
        with pytest.raises(httpx2.HTTPError):
            read += "".join(iter(lambda: next(texts, None), None))
    assert "word0" in read
    assert "FORBIDDEN" not in read
    assert "[DONE]" not in read


def test_one_of_two_processors_may_end_and_come_back(world):
    world.processors.start(0)
    world.processors.start(1)
    assert all(world.ask("fine", stream=False).status_code == 200 for _ in range(4))
    world.processors.end(0)
    for _ in range(4):
        answer = world.ask("ada@example.org", stream=False)
        assert answer.status_code == 200, "Envoy asks the other one"
        assert "ada@" not in answer.text
    world.processors.start(0)
    world.processors.end(1)
    assert all(world.ask("fine", stream=False).status_code == 200 for _ in range(4))


def test_a_long_request_is_judged_once_and_whole(world):
    world.processors.start(0)
    long = "word " * 300_000  # 1.5 MB
    for _ in range(3):
        assert world.ask("fine", ask=long, stream=False).status_code == 200
    assert [len(body["messages"][0]["content"]) for body in world.model.asked] == [len(long)] * 3
    assert REFUSAL in world.ask("never", ask=f"{long} FORBIDDEN", stream=False).text
    assert len(world.model.asked) == 3


def test_a_long_answer_is_judged_whole(world):
    world.processors.start(0)
    long = "word " * 300_000
    assert world.ask(long, stream=False).json()["choices"][0]["message"]["content"] == long
    assert "word" not in world.ask(f"{long} FORBIDDEN", stream=False).text


@pytest.mark.parametrize(("kind", "status"), [("gzip", 502), ("html", 502), ("error", 429)])
def test_what_cannot_be_judged_does_not_come_back(world, kind, status):
    world.processors.start(0)
    world.model.kind = kind
    answer = world.ask("secret", stream=False)
    assert answer.status_code == status
    assert "secret" not in answer.text
    assert answer.headers.get("retry-after") == ("7" if kind == "error" else None)


def test_an_answer_that_breaks_off_is_not_told_as_complete(world):
    world.processors.start(0)
    world.model.kind = "cut"
    answer = world.ask("The sea is")
    assert world.text_of(answer).strip() == "The sea is"
    assert '"finish_reason":"stop"' not in answer.text.replace(" ", "")
    assert 'data: {"error"' in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/models", 200),
        ("GET", "/v1/chat/completions", 403),
        ("POST", "/other", 403),
        ("GET", "/v1/responses/r1", 403),
    ],
)
def test_what_nobody_guards_does_not_pass_unless_it_was_said(world, method, path, status):
    world.processors.start(0)
    with httpx2.Client() as client:
        assert client.request(method, world.url + path).status_code == status


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"messages": 5}', b"\x1f\x8b", b'{"messages": [{"role": "x"}]}'])
def test_a_request_that_cannot_be_judged_is_an_error(world, body):
    world.processors.start(0)
    with httpx2.Client() as client:
        assert client.post(world.url + world.path, content=body).status_code >= 400
    assert not world.model.asked


@pytest.mark.parametrize("field", ["request_body_mode", "response_body_mode"])
@pytest.mark.parametrize("mode", ["NONE", "STREAMED", "BUFFERED"])
def test_a_filter_that_sends_less_is_refused(world, other_envoy, field, mode):
    def change(filter_):
        filter_["processing_mode"][field] = mode

    world.processors.start(0)
    url = other_envoy(change)
    with httpx2.Client(timeout=20) as client:
        answer = client.post(url + world.path, json=world.body("secret", stream=False))
    assert answer.status_code >= 500
    assert "secret" not in answer.text
    assert not world.model.asked
    assert "FULL_DUPLEX_STREAMED" in world.processors.log()


def test_a_client_that_leaves_stops_the_model(world):
    world.processors.start(0, "answers")
    world.model.pace = 0.02
    with (
        httpx2.Client(timeout=20) as client,
        client.stream("POST", world.url + world.path, json=world.body(WORDS * 5)) as answer,
    ):
        next(answer.iter_text())
    until = time.monotonic() + 5
    while world.model.stopped_at is None and time.monotonic() < until:
        time.sleep(0.01)
    assert world.model.stopped_at is not None
