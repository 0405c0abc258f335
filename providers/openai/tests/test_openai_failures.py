"""Whatever goes wrong is a typed error that says what happened and what to do, and shows no key."""

from __future__ import annotations

import gzip
import socket
import traceback
import tracemalloc

import openai
import pytest
from handrail.errors import (
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderConnectionError,
    ProviderContentFilterError,
    ProviderContextLengthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderServerError,
    ProviderTimeoutError,
)
from handrail_testkit import Completion, Ending, Pause, ProtocolServer, Reply, replies

EVENTS = replies.stream(Completion())
EVENT_STREAM = {"content-type": "text/event-stream"}
HEAD, REST = EVENTS[:3], EVENTS[3:]


@pytest.fixture
def fails(make_provider):
    """Ask for an answer that fails, and give the text before and the error."""

    async def ask_and_fail(base_url, kind, *, params=(), **settings):
        settings.setdefault("max_retries", 0)
        texts = []

        async def consume():
            async for chunk in make_provider(base_url, **settings).stream(HELLO, dict(params)):
                texts.append(chunk.text)

        with pytest.raises(ProviderError) as raised:
            await consume()
        error = raised.value
        assert type(error) is kind, error
        assert error.engine == settings.get("engine", "openai")
        assert error.__cause__ is None
        assert error.__context__ is None
        return "".join(texts), error

    return ask_and_fail


HELLO = ({"role": "user", "content": "Hello"},)


async def test_a_wrong_key_names_the_variable_to_check(protocol_server, fails, key):
    protocol_server.key = "another"
    _, error = await fails(protocol_server.base_url, ProviderAuthenticationError)
    assert (error.status, error.code) == (401, "invalid_api_key")
    assert error.request_id == "req_1"
    assert "'OPENAI_API_KEY'" in str(error)
    assert key not in str(error)


async def test_no_permission_is_an_authentication_error(protocol_server, fails):
    protocol_server.will(replies.error(403, "Project archived."))
    _, error = await fails(protocol_server.base_url, ProviderAuthenticationError)
    assert "Project archived" in str(error)


async def test_an_unknown_model_is_named(protocol_server, fails):
    protocol_server.models = {"another-model": None}
    _, error = await fails(protocol_server.base_url, ProviderBadRequestError)
    assert (error.status, error.code) == (404, "model_not_found")
    assert "'test-model'" in str(error)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("0.5", 0.5), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("inf", None), ("nan", None), ("1e999", None)],
)
async def test_a_rate_limit_says_how_long_to_wait(protocol_server, fails, header, seconds):
    protocol_server.will(replies.rate_limited(header))
    _, error = await fails(protocol_server.base_url, ProviderRateLimitError)
    assert (error.status, error.code, error.retry_after) == (429, "rate_limit_exceeded", seconds)


async def test_a_server_that_is_down_may_say_for_how_long(protocol_server, fails):
    protocol_server.will(replies.error(503, "Later.", type="server_error", headers={"retry-after": "17"}))
    _, error = await fails(protocol_server.base_url, ProviderServerError)
    assert error.retry_after == 17


@pytest.mark.parametrize(("header", "final"), [("false", True), ("False", True), ("true", False), ("no", False)])
async def test_a_server_says_whether_to_try_again(protocol_server, fails, header, final):
    headers = {"x-should-retry": header, "retry-after-ms": "1500"}
    protocol_server.will(replies.error(503, "Later.", type="server_error", headers=headers))
    _, error = await fails(protocol_server.base_url, ProviderServerError)
    assert (error.final, error.retry_after) == (final, 1.5)


@pytest.mark.parametrize("code", [None, 402, "invalid_request_error"])
async def test_an_account_without_money_is_no_request_at_fault(protocol_server, fails, code):
    """So that a fallback is asked, and no client is told to change its request. The last is DeepSeek's."""
    protocol_server.will(replies.error(402, "Insufficient Balance", type="unknown_error", code=code))
    _, error = await fails(protocol_server.base_url, ProviderAuthenticationError)
    assert error.status == 402


@pytest.mark.parametrize("header", ["x-region", "retry-after", "x-request-id"])
async def test_a_header_that_is_not_ascii_hides_no_error(protocol_server, fails, header):
    protocol_server.will(replies.error(400, "No such parameter.", headers={header: "Zürich"}))
    _, error = await fails(protocol_server.base_url, ProviderBadRequestError)
    assert error.status == 400
    assert "No such parameter" in str(error)


async def test_a_rate_limit_may_not_say_how_long_to_wait(protocol_server, fails):
    protocol_server.will(replies.error(429, "You exceeded your current quota.", code="insufficient_quota"))
    _, error = await fails(protocol_server.base_url, ProviderRateLimitError)
    assert error.retry_after is None


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("This model's maximum context length is 8192 tokens.", "context_length_exceeded"),
        ("This model's maximum context length is 8192 tokens.", None),
        ("the request exceeds the available context size, try increasing it", 400),
    ],
)
async def test_a_prompt_that_does_not_fit_is_told_apart(protocol_server, fails, message, code):
    protocol_server.will(replies.error(400, message, code=code))
    await fails(protocol_server.base_url, ProviderContextLengthError)


async def test_the_filter_of_the_service_is_told_apart(protocol_server, fails):
    protocol_server.will(replies.error(400, "The response was filtered.", code="content_filter"))
    await fails(protocol_server.base_url, ProviderContentFilterError)


@pytest.mark.parametrize("status", [400, 409, 413, 422])
async def test_a_request_at_fault_is_a_bad_request(protocol_server, fails, status):
    protocol_server.will(replies.json_reply({"detail": [{"msg": "no"}]}, status=status))
    _, error = await fails(protocol_server.base_url, ProviderBadRequestError)
    assert error.status == status


@pytest.mark.parametrize(
    ("status", "kind"), [(500, ProviderServerError), (503, ProviderServerError), (504, ProviderTimeoutError)]
)
async def test_a_service_that_fails_is_told_apart(protocol_server, fails, status, kind):
    protocol_server.will(replies.html(status, title="Bad Gateway"))
    _, error = await fails(protocol_server.base_url, kind)
    assert error.status == status
    assert "<html" not in str(error)


@pytest.mark.parametrize("second", [replies.error(500, "Oops"), replies.error(409, "Another request is under way.")])
async def test_failed_requests_are_sent_again_before_the_answer_begins(protocol_server, make_provider, ask, second):
    protocol_server.will(replies.rate_limited("0.001"), second)
    chunks = await ask(make_provider(protocol_server.base_url, max_retries=2))
    assert "".join(chunk.text for chunk in chunks) == "Hello, world!"
    assert len(protocol_server.requests) == 3


@pytest.mark.parametrize(
    "reply",
    [
        replies.error(429, "You exceeded your current quota.", type="requests", code="insufficient_quota"),
        replies.error(500, "Oops", headers={"x-should-retry": "false"}),
        replies.error(500, "The response was filtered.", code="content_filter"),
        replies.error(501, "Not here.", type="server_error"),
        replies.error(503, "Later.", type="server_error", headers={"retry-after": "3600"}),
        replies.error(401, "Who are you?"),
        replies.error(400, "No such parameter.", headers={"x-should-retry": "true"}),
        replies.html(404),
    ],
)
async def test_a_request_that_will_fail_again_is_sent_once(protocol_server, make_provider, ask, reply):
    protocol_server.will(reply, reply, reply)
    with pytest.raises(ProviderError):
        await ask(make_provider(protocol_server.base_url, max_retries=2))
    assert len(protocol_server.requests) == 1


@pytest.mark.parametrize("body", [{"detail": "Not Found"}, {"error": {"message": "Not found.", "code": "not_found"}}])
async def test_a_path_that_the_server_does_not_have_leads_to_base_url(protocol_server, fails, body):
    protocol_server.will(replies.json_reply(body, status=404))
    _, error = await fails(protocol_server.base_url, ProviderBadRequestError)
    assert "check 'base_url', which usually ends in /v1" in str(error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("own_client", [False, True])
async def test_a_redirect_is_refused_and_the_conversation_goes_nowhere(protocol_server, fails, key, status, own_client):
    with ProtocolServer() as other:
        reply = replies.json_reply({}, status=status, headers={"location": f"{other.base_url}/chat/completions"})
        protocol_server.will(reply)
        if own_client:
            async with openai.AsyncOpenAI(api_key=key, base_url=protocol_server.base_url) as client:
                _, error = await fails(None, ProviderServerError, client=client)
        else:
            _, error = await fails(protocol_server.base_url, ProviderServerError)
        assert not other.requests
        assert other.base_url not in str(error)
    assert error.status == status
    assert "'base_url'" in str(error)


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize("compressed", [False, True])
async def test_of_an_error_no_more_than_its_beginning_is_read(protocol_server, fails, status, compressed):
    """An error of 50 MB, or one that unpacks to that, costs what a small one does."""
    headers = {"content-type": "application/json"}
    steps = (b'{"error": {"message": "', *[b"x" * 100_000] * 500, b'"}}')
    if compressed:
        steps, headers = (gzip.compress(b"".join(steps), 1),), {**headers, "content-encoding": "gzip"}
    protocol_server.will(Reply(steps, status, headers))
    tracemalloc.start()
    _, error = await fails(protocol_server.base_url, ProviderServerError if status == 500 else ProviderBadRequestError)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(str(error)) < 1000
    assert peak < 8_000_000


async def test_a_compressed_answer_is_read_though_none_is_asked_for(protocol_server, make_provider, ask):
    body = b"".join(EVENTS)
    protocol_server.will(Reply((gzip.compress(body),), headers={**EVENT_STREAM, "content-encoding": "gzip"}))
    chunks = await ask(make_provider(protocol_server.base_url))
    assert "".join(chunk.text for chunk in chunks) == "Hello, world!"
    assert protocol_server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("body", "encoding"), [(b"\x8b\x00", "br"), (b"no gzip", "gzip"), (gzip.compress(b"".join(EVENTS))[:-9], "gzip")]
)
async def test_a_body_that_cannot_be_unpacked_is_an_error(protocol_server, fails, body, encoding):
    protocol_server.will(Reply((body,), headers={**EVENT_STREAM, "content-encoding": encoding}))
    await fails(protocol_server.base_url, ProviderServerError)


async def test_nothing_is_sent_again_once_the_answer_has_begun(protocol_server, fails):
    protocol_server.will(replies.sse([*HEAD, Ending.RESET]))
    await fails(protocol_server.base_url, ProviderConnectionError, max_retries=5)
    assert len(protocol_server.requests) == 1


@pytest.mark.parametrize("ending", [Ending.CLOSE, Ending.RESET])
@pytest.mark.parametrize("framing", ["chunked", "close"])
async def test_a_connection_that_breaks_in_mid_stream_is_an_error_and_no_end(protocol_server, fails, ending, framing):
    """Also where the end of the connection is the end of the body, which a broken one looks like."""
    protocol_server.will(replies.sse([*HEAD, Pause(0.02), ending], framing=framing))
    text, error = await fails(protocol_server.base_url, ProviderConnectionError)
    assert text == "Hello,"
    assert error.request_id == "req_1"


@pytest.mark.parametrize("ending", [Ending.CLOSE, Ending.RESET])
async def test_a_connection_that_breaks_before_the_headers_is_an_error(protocol_server, fails, ending):
    protocol_server.will(Reply(before_headers=ending))
    await fails(protocol_server.base_url, ProviderConnectionError)


async def test_nobody_listening_is_a_connection_error_with_the_address(fails):
    with socket.socket() as silent:  # has the port, so that nobody else gets it, and does not listen
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        _, error = await fails(f"http://127.0.0.1:{port}/v1", ProviderConnectionError)
    assert f"http://127.0.0.1:{port}/v1" in str(error)
    assert "Errno" in str(error)


async def test_an_unknown_host_is_a_connection_error(fails):
    await fails("http://nowhere.invalid/v1", ProviderConnectionError)


@pytest.mark.parametrize("setting", ["timeout", "chunk_timeout"])
async def test_a_server_that_hangs_before_the_headers_is_given_up(protocol_server, fails, setting):
    protocol_server.will(Reply(before_headers=Ending.HANG))
    _, error = await fails(protocol_server.base_url, ProviderTimeoutError, **{setting: 0.2})
    assert f"'{setting}'" in str(error)
    assert protocol_server.wait_idle()
    assert all(request.closed.is_set() for request in protocol_server.requests)


@pytest.mark.parametrize("setting", ["timeout", "chunk_timeout"])
@pytest.mark.parametrize("sent", [0, 3, len(EVENTS) - 1])
async def test_a_server_that_hangs_within_its_answer_is_given_up(protocol_server, fails, setting, sent):
    """After the headers, between chunks, and after the last one."""
    protocol_server.will(replies.sse([*EVENTS[:sent], Ending.HANG]))
    _, error = await fails(protocol_server.base_url, ProviderTimeoutError, **{setting: 0.2})
    assert f"'{setting}'" in str(error)
    assert protocol_server.wait_idle()
    assert all(request.closed.is_set() for request in protocol_server.requests)


async def test_the_total_time_counts_while_chunks_keep_coming(protocol_server, fails):
    """However little comes in the least of these times on a busy machine, of the longest some is left."""
    steady = [step for _ in range(100_000) for step in (EVENTS[1], Pause(0.01))]
    for timeout in (0.3, 3, 30, 300):
        protocol_server.will(replies.sse(steady))
        text, error = await fails(protocol_server.base_url, ProviderTimeoutError, timeout=timeout, chunk_timeout=300)
        assert "'timeout'" in str(error)
        if text.startswith("HelloHello"):
            break
    else:
        raise AssertionError("nothing has come")


@pytest.mark.parametrize("reason", [None, "", "null"])
@pytest.mark.parametrize("done", [True, False])
async def test_an_answer_that_never_says_why_it_ended_was_cut(protocol_server, fails, reason, done):
    choice = {"index": 0, "delta": {"content": "Hello"}, "finish_reason": reason}
    events = [replies.event({"id": "x", "choices": [choice]}), *([replies.DONE] if done else [])]
    protocol_server.will(replies.sse(events))
    text, _ = await fails(protocol_server.base_url, ProviderConnectionError)
    assert text == "Hello"


async def test_a_server_that_hangs_after_the_end_is_left_at_the_end(protocol_server, make_provider, ask):
    protocol_server.will(replies.sse([*EVENTS, Ending.HANG]))
    chunks = await ask(make_provider(protocol_server.base_url, timeout=300))
    assert "".join(chunk.text for chunk in chunks) == "Hello, world!"
    assert protocol_server.wait_idle()


@pytest.mark.parametrize("ending", [Ending.CLOSE, Ending.RESET])
async def test_a_connection_that_breaks_after_the_end_breaks_no_answer(protocol_server, make_provider, ask, ending):
    """As of proxies that count the bytes wrongly, or forget the last chunk."""
    protocol_server.will(replies.sse([*EVENTS, ending], burst=True))
    chunks = await ask(make_provider(protocol_server.base_url))
    assert "".join(chunk.text for chunk in chunks) == "Hello, world!"


async def test_without_time_outs_a_slow_answer_is_waited_for(protocol_server, make_provider, ask):
    protocol_server.will(replies.sse([*HEAD, Pause(0.05), *REST]))
    chunks = await ask(make_provider(protocol_server.base_url, timeout=None, chunk_timeout=None))
    assert "".join(chunk.text for chunk in chunks) == "Hello, world!"


ERRORS = [
    ({"error": {"message": "Overloaded", "type": "server_error", "code": None}}, ProviderServerError, None),
    ({"error": {"message": "Slow down", "code": "rate_limit_exceeded"}}, ProviderRateLimitError, None),
    ({"error": {"message": "Provider down", "code": 502}}, ProviderServerError, 502),
    ({"error": {"message": "Wait", "code": 429}}, ProviderRateLimitError, 429),
    ({"error": {"message": "Bad", "type": "BadRequestError", "code": 400}}, ProviderBadRequestError, 400),
    ({"error": "out of memory"}, ProviderServerError, None),
    ({"object": "error", "message": "maximum context length is 10", "code": 400}, ProviderContextLengthError, 400),
]


@pytest.mark.parametrize(("payload", "kind", "status"), ERRORS)
@pytest.mark.parametrize("sent", [0, 3])
async def test_an_error_may_come_in_place_of_a_chunk(protocol_server, fails, payload, kind, status, sent):
    """As the first event, and in the middle."""
    protocol_server.will(replies.sse([*EVENTS[:sent], replies.event(payload)]))
    text, error = await fails(protocol_server.base_url, kind)
    assert text == ("Hello," if sent else "")
    assert error.status == status
    assert error.request_id == "req_1"


async def test_an_error_may_come_with_success_and_without_a_stream(protocol_server, fails):
    protocol_server.will(replies.json_reply({"error": {"message": "No endpoints found", "code": 404}}))
    _, error = await fails(protocol_server.base_url, ProviderBadRequestError)
    assert "No endpoints found" in str(error)


@pytest.mark.parametrize("status", [200, 404])
async def test_a_web_page_says_to_check_the_address(protocol_server, fails, status):
    """It is no fault of the request, so that a fallback is asked."""
    protocol_server.will(replies.html(status))
    _, error = await fails(protocol_server.base_url, ProviderServerError)
    assert error.status == status
    assert "'base_url'" in str(error)
    assert "/v1" in str(error)


SECRET_TEXT = "the launch code is 0000"
BROKEN = {
    "cut": b'data: {"choices": [{"index": 0, "delta": {"content": "the launch code is 0000\n\n',
    "no JSON": b"data: the launch code is 0000\n\n",
    "a list": b'data: ["the launch code is 0000"]\n\n',
    "a wrong type": b'data: {"choices": [{"delta": {"content": {"a": "the launch code is 0000"}}}]}\n\n',
    "no choices": b'data: {"text": "the launch code is 0000"}\n\n',
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("sent", [0, 3])
async def test_what_is_not_a_chunk_is_an_error_that_quotes_nothing_of_it(protocol_server, fails, data, sent):
    """It is text of the model that no rail has seen."""
    protocol_server.will(replies.sse([*EVENTS[:sent], data, *REST]))
    _, error = await fails(protocol_server.base_url, ProviderServerError)
    assert SECRET_TEXT not in "".join(traceback.format_exception(error))
    assert "not an event of an answer" in str(error)


async def test_an_event_without_end_is_given_up(protocol_server, fails, monkeypatch):
    monkeypatch.setattr("handrail_http._sse.LARGEST_EVENT", 100_000)
    protocol_server.will(replies.sse([b"data: ", *[b"x" * 10_000] * 20, Ending.HANG]))
    await fails(protocol_server.base_url, ProviderServerError)


async def test_an_untrusted_certificate_says_what_to_do(authority, fails):
    with ProtocolServer(tls=authority.serve()) as server:
        _, error = await fails(server.base_url, ProviderConnectionError)
    assert "certificate" in str(error)
    assert "'ca_file'" in str(error)


async def test_a_certificate_of_an_authority_that_is_named_is_trusted(authority, make_provider, ask):
    with ProtocolServer(tls=authority.serve()) as server:
        chunks = await ask(make_provider(server.base_url, ca_file=str(authority.file)))
    assert "".join(chunk.text for chunk in chunks) == "Hello, world!"


@pytest.mark.parametrize(("names", "expired"), [(("127.0.0.1",), True), (("example.org",), False)])
async def test_a_certificate_that_is_expired_or_for_another_host_is_refused(authority, fails, names, expired):
    with ProtocolServer(tls=authority.serve(*names, expired=expired)) as server:
        await fails(server.base_url, ProviderConnectionError, ca_file=str(authority.file))


@pytest.mark.parametrize("params", [{"n": 2}, {"stream": False}, {"metadata": object()}, {"user": "\ud800"}])
async def test_a_call_that_cannot_be_sent_is_a_bad_request(protocol_server, fails, params):
    await fails(protocol_server.base_url, ProviderBadRequestError, params=params)
    assert not protocol_server.requests


async def test_a_server_that_repeats_the_key_does_not_make_us_repeat_it(protocol_server, fails, key, caplog):
    caplog.set_level("DEBUG")
    said = f"Received API Key = {key}, which is not known."
    protocol_server.will(
        replies.error(401, said),
        replies.sse([*HEAD, replies.event({"error": {"message": said}})]),
        replies.sse([*HEAD, b"data: " + said.encode() + b"\n\n"]),
    )
    for kind in (ProviderAuthenticationError, ProviderServerError, ProviderServerError):
        _, error = await fails(protocol_server.base_url, kind)
        assert key not in "".join(traceback.format_exception(error)) + repr(vars(error))
    assert key not in caplog.text


async def test_a_key_in_the_query_shows_in_no_error_and_no_log(protocol_server, fails, caplog):
    caplog.set_level("DEBUG")
    told = "POST /v1/chat/completions?key=q%2Fsecret-1 with q/secret-1 is refused"
    protocol_server.will(
        replies.error(400, told), replies.sse([*HEAD, b'data: {"error": "' + told.encode() + b'"}\n\n'])
    )
    for kind in (ProviderBadRequestError, ProviderServerError):
        _, error = await fails(protocol_server.base_url, kind, query={"key": "q/secret-1"})
        assert "secret-1" not in str(error)
    assert protocol_server.requests[0].path.endswith("?key=q%2Fsecret-1")
    assert "secret-1" not in caplog.text
