"""What goes wrong, as typed errors: before the answer, and within it."""

from __future__ import annotations

import dataclasses
import gzip

import anyio
import pytest
from handrail.errors import (
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderConnectionError,
    ProviderContextLengthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderServerError,
    ProviderTimeoutError,
)
from handrail_anthropic.testing import Message, error_event, message_events, problem
from handrail_testkit import Ending, Reply, replies

ERRORS = [
    (400, "invalid_request_error", "max_tokens: must be positive", ProviderBadRequestError),
    (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", ProviderContextLengthError),
    (401, "authentication_error", "invalid x-api-key", ProviderAuthenticationError),
    (402, "billing_error", "Your credit balance is too low", ProviderAuthenticationError),
    (403, "permission_error", "not allowed", ProviderAuthenticationError),
    (404, "not_found_error", "model: nothing", ProviderBadRequestError),
    (413, "request_too_large", "Request exceeds the maximum size", ProviderContextLengthError),
    (429, "rate_limit_error", "slow down", ProviderRateLimitError),
    (500, "api_error", "Internal server error", ProviderServerError),
    (504, "timeout_error", "took too long", ProviderTimeoutError),
    (529, "overloaded_error", "Overloaded", ProviderServerError),
]


@pytest.mark.parametrize(("status", "kind", "message", "expected"), ERRORS)
async def test_each_documented_error_has_its_type(messages_server, make_provider, ask, status, kind, message, expected):
    messages_server.reply = problem(status, kind, message)
    with pytest.raises(ProviderError) as caught:
        await ask(make_provider(messages_server.origin, max_retries=0))
    error = caught.value
    assert type(error) is expected
    assert (error.status, error.code, error.engine) == (status, kind, "anthropic")
    assert error.request_id == "req_1"
    assert message in str(error)
    assert error.__cause__ is None


@pytest.mark.parametrize(("kind", "expected"), [(kind, expected) for _, kind, _, expected in ERRORS[2:]])
async def test_each_error_within_an_answer_has_its_type_after_what_was_said(
    messages_server, make_provider, kind, expected
):
    messages_server.reply = replies.sse([*message_events(Message(text="One two"))[:4], error_event(kind, "because")])
    received = []

    async def read():
        async for chunk in make_provider(messages_server.origin).stream([{"role": "user", "content": "x"}], {}):
            received.append(chunk)

    with pytest.raises(ProviderError, match="broke off with an error: because") as caught:
        await read()
    assert type(caught.value) is expected
    assert caught.value.code == kind
    assert "".join(chunk.text for chunk in received) == "One "
    assert all(chunk.finish_reason is None for chunk in received)
    assert len(messages_server.requests) == 1  # nothing is sent again once an answer has begun


async def test_an_error_of_an_unknown_type_within_an_answer_is_the_servers(messages_server, make_provider, ask):
    messages_server.reply = replies.sse([error_event("future_error", "x")])
    with pytest.raises(ProviderServerError, match="broke off with an error"):
        await ask(make_provider(messages_server.origin))


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, 529])
async def test_a_request_that_failed_before_its_answer_is_sent_again(messages_server, make_provider, ask, status):
    messages_server.will(problem(status, "api_error", "later", headers={"retry-after-ms": "1"}))
    chunks = await ask(make_provider(messages_server.origin))
    assert "".join(chunk.text for chunk in chunks) == "Hello, world!"
    assert len(messages_server.requests) == 2


async def test_a_connection_that_is_refused_or_broken_before_the_answer_is_tried_again(
    messages_server, make_provider, ask
):
    messages_server.will(Reply(before_headers=Ending.RESET))
    assert await ask(make_provider(messages_server.origin))
    assert len(messages_server.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
async def test_a_request_that_is_at_fault_is_not_sent_again(messages_server, make_provider, ask, status):
    messages_server.reply = problem(status, "invalid_request_error", "no")
    with pytest.raises(ProviderError):
        await ask(make_provider(messages_server.origin))
    assert len(messages_server.requests) == 1


async def test_retry_after_is_told_after_the_last_attempt(messages_server, make_provider, ask):
    messages_server.reply = problem(429, "rate_limit_error", "slow down", headers={"retry-after": "7"})
    with pytest.raises(ProviderRateLimitError, match="try again after 7 s") as caught:
        await ask(make_provider(messages_server.origin, max_retries=0))
    assert caught.value.retry_after == 7
    assert not caught.value.final


async def test_a_server_that_says_not_to_try_again_is_heard(messages_server, make_provider, ask):
    messages_server.reply = problem(529, "overloaded_error", "busy", headers={"x-should-retry": "false"})
    with pytest.raises(ProviderServerError) as caught:
        await ask(make_provider(messages_server.origin))
    assert caught.value.final
    assert len(messages_server.requests) == 1


@pytest.mark.parametrize("ending", [Ending.CLOSE, Ending.RESET])
async def test_an_answer_that_breaks_off_is_an_error_and_no_end(messages_server, make_provider, ask, ending):
    messages_server.reply = replies.sse([*message_events(Message())[:4], ending])
    with pytest.raises(ProviderConnectionError):
        await ask(make_provider(messages_server.origin))


@pytest.mark.parametrize("ending", [Ending.CLOSE, Ending.RESET])
async def test_a_connection_that_breaks_after_the_end_breaks_no_answer(messages_server, make_provider, ask, ending):
    messages_server.reply = replies.sse([*message_events(Message()), ending], burst=True)
    assert (await ask(make_provider(messages_server.origin)))[-1].finish_reason == "stop"


async def test_an_answer_that_just_ends_without_a_reason_is_an_error(messages_server, make_provider, ask):
    messages_server.reply = replies.sse(message_events(Message())[:-2])
    with pytest.raises(ProviderConnectionError, match="ended its answer without saying that it is complete"):
        await ask(make_provider(messages_server.origin))


async def test_a_server_that_falls_silent_is_given_up(messages_server, make_provider, ask):
    messages_server.reply = replies.sse([*message_events(Message())[:4], Ending.HANG])
    with anyio.fail_after(300), pytest.raises(ProviderTimeoutError, match="'chunk_timeout'"):
        await ask(make_provider(messages_server.origin, chunk_timeout=0.1))


async def test_pings_do_not_keep_an_answer_alive_for_ever(messages_server, make_provider, ask):
    ping = replies.event({"type": "ping"}, name="ping")
    steps = [piece for _ in range(200) for piece in (ping, replies.comment())]
    messages_server.reply = replies.sse([message_events(Message())[0], *steps, Ending.HANG])
    with anyio.fail_after(300), pytest.raises(ProviderTimeoutError, match="not complete after 0.3 s"):
        await ask(make_provider(messages_server.origin, timeout=0.3))


async def test_a_redirect_is_not_followed(messages_server, make_provider, ask):
    elsewhere = {"location": f"{messages_server.origin}/elsewhere/v1/messages"}
    messages_server.reply = replies.json_reply({}, status=307, headers=elsewhere)
    with pytest.raises(ProviderServerError, match="redirect"):
        await ask(make_provider(messages_server.origin))
    assert len(messages_server.requests) == 1


async def test_of_a_refusal_without_end_only_the_beginning_is_read(messages_server, make_provider, ask):
    endless = Reply((b"x" * 70_000, Ending.HANG), 400, {"content-type": "application/json"})
    messages_server.reply = endless
    with anyio.fail_after(300), pytest.raises(ProviderBadRequestError) as caught:
        await ask(make_provider(messages_server.origin, max_retries=0))
    assert len(str(caught.value)) < 1000


async def test_an_answer_that_is_compressed_all_the_same_is_read_in_pieces(messages_server, make_provider, ask):
    body = gzip.compress(b"".join(message_events(Message())))
    headers = {"content-type": "text/event-stream", "content-encoding": "gzip"}
    messages_server.reply = Reply((body,), 200, headers)
    provider = make_provider(messages_server.origin)
    assert "".join(chunk.text for chunk in await ask(provider)) == "Hello, world!"
    assert messages_server.requests[0].headers["accept-encoding"] == "identity"


async def test_a_body_that_cannot_be_unpacked_is_an_error(messages_server, make_provider, ask):
    headers = {"content-type": "text/event-stream", "content-encoding": "br"}
    messages_server.reply = Reply((b"data: x",), 200, headers)
    with pytest.raises(ProviderServerError, match="compresses its answer"):
        await ask(make_provider(messages_server.origin))


async def test_a_web_page_says_what_to_check(messages_server, make_provider, ask):
    messages_server.reply = replies.html()
    with pytest.raises(ProviderServerError, match="answered with a web page; check 'base_url'"):
        await ask(make_provider(messages_server.origin))


async def test_an_account_without_money_is_no_request_at_fault(messages_server, make_provider, ask):
    messages_server.reply = problem(400, "invalid_request_error", "Your credit balance is too low to access the API.")
    with pytest.raises(ProviderAuthenticationError, match="credit balance"):
        await ask(make_provider(messages_server.origin))


async def test_a_header_that_is_not_ascii_hides_no_error(messages_server, make_provider, ask):
    reply = problem(400, "invalid_request_error", "no such parameter")
    messages_server.reply = dataclasses.replace(reply, headers={**reply.headers, "x-region": "Zürich"})
    with pytest.raises(ProviderBadRequestError, match="no such parameter"):
        await ask(make_provider(messages_server.origin))


async def test_nobody_at_the_address_is_a_connection_error(make_provider, ask):
    with pytest.raises(ProviderConnectionError, match="no answer, the connection failed"):
        await ask(make_provider("http://127.0.0.1:9", max_retries=0))


async def test_a_key_that_a_server_repeats_is_not_shown(messages_server, make_provider, ask, key):
    messages_server.reply = problem(401, "authentication_error", f"the key {key} is wrong")
    with pytest.raises(ProviderAuthenticationError, match=r"the key \*\*\* is wrong; check the key in") as caught:
        await ask(make_provider(messages_server.origin))
    assert key not in str(vars(caught.value))


async def test_a_key_in_the_query_shows_in_no_error_and_no_log(messages_server, make_provider, ask, caplog):
    caplog.set_level("DEBUG")
    told = "POST /v1/messages?key=q%2Fsecret-1 with q/secret-1 is refused"
    messages_server.will(problem(400, "invalid_request_error", told), replies.sse([error_event(message=told)]))
    for _ in range(2):
        with pytest.raises(ProviderError) as caught:
            await ask(make_provider(messages_server.origin, max_retries=0, query={"key": "q/secret-1"}))
        assert "secret-1" not in str(caught.value)
    assert messages_server.requests[0].path.endswith("?key=q%2Fsecret-1")
    assert "secret-1" not in caplog.text
