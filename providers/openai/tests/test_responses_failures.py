"""Whatever goes wrong with the Responses API is a typed error, before an answer and within it, and quotes nothing."""

from __future__ import annotations

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
from handrail_openai.testing import ModelResponse, error_event, failed_event, response_events
from handrail_openai.testing._response import named_event
from handrail_testkit import Completion, Ending, replies

EVENTS = response_events(ModelResponse(text="One two three."))
HEAD = EVENTS[:6]  # up to the second delta
HELLO = ({"role": "user", "content": "Hello"},)


@pytest.fixture
def fails(responses_server, make_provider):
    """Ask for an answer that fails, and return the text before and the error."""

    async def ask_and_fail(kind, *, params=(), **settings):
        settings = {"max_retries": 0, "api": "responses", **settings}
        provider = make_provider(responses_server.base_url, **settings)
        texts = []

        async def consume():
            async for chunk in provider.stream(HELLO, dict(params)):
                texts.append(chunk.text)

        with pytest.raises(ProviderError) as raised:
            await consume()
        error = raised.value
        assert type(error) is kind, error
        assert error.__cause__ is None
        assert error.__context__ is None
        return "".join(texts), error

    return ask_and_fail


@pytest.mark.parametrize("event", [error_event, failed_event])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("server_error", ProviderServerError),
        ("rate_limit_exceeded", ProviderRateLimitError),
        ("invalid_prompt", ProviderBadRequestError),
        ("invalid_image_url", ProviderBadRequestError),
        ("image_content_policy_violation", ProviderContentFilterError),
        ("context_length_exceeded", ProviderContextLengthError),
        ("vector_store_timeout", ProviderTimeoutError),
        ("something_new", ProviderServerError),
    ],
)
async def test_an_error_within_an_answer_is_of_its_kind_and_comes_after_the_text(
    responses_server, fails, event, code, kind
):
    responses_server.will(replies.sse([*HEAD, event(code, "It failed.")]))
    before, error = await fails(kind)
    assert before == "One two "
    assert error.code == code
    assert "It failed" in str(error)


async def test_a_nested_error_is_understood_as_a_flat_one_is(responses_server, fails):
    error = {"type": "server_error", "code": "server_error", "message": "Nested."}
    responses_server.will(replies.sse([*HEAD, named_event({"type": "error", "error": error})]))
    _, error = await fails(ProviderServerError)
    assert "Nested" in str(error)


async def test_a_key_that_a_server_repeats_within_an_answer_is_not_shown(responses_server, fails, key):
    responses_server.will(replies.sse([*HEAD, failed_event("server_error", f"bad key {key}")]))
    _, error = await fails(ProviderServerError)
    assert key not in str(error)


@pytest.mark.parametrize("status", ["failed", "cancelled"])
async def test_an_answer_that_failed_is_no_end(responses_server, fails, status):
    response = ModelResponse().whole("test-model", status=status)
    responses_server.will(replies.sse([*HEAD, named_event({"type": f"response.{status}", "response": response})]))
    before, _ = await fails(ProviderServerError)
    assert before == "One two "


@pytest.mark.parametrize("rest", [(), (replies.DONE,), (Ending.CLOSE,), (Ending.RESET,)])
async def test_an_answer_that_breaks_off_is_an_error_and_no_end(responses_server, fails, rest):
    responses_server.will(replies.sse([*HEAD, *rest]))
    before, _ = await fails(ProviderConnectionError)
    assert before == "One two "


async def test_a_call_without_a_name_is_an_error(responses_server, fails):
    call = {"id": "fc", "type": "function_call", "call_id": "c", "name": "", "arguments": "{}"}
    responses_server.will(ModelResponse(text="", items=[call]))
    await fails(ProviderServerError)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.output_text.delta", "output_index": 0, "delta": {"SECRET": 1}},
        {"type": "response.output_item.added", "output_index": 0, "item": "SECRET"},
        {"type": "response.output_item.done", "item": {"type": "message", "content": ["SECRET"]}},
        {"type": "response.output_item.done", "item": {"type": "reasoning", "summary": ["SECRET"]}},
    ],
)
async def test_an_event_of_another_shape_is_an_error_that_does_not_quote_it(responses_server, fails, event):
    responses_server.will(replies.sse([*HEAD, named_event(event)]))
    _, error = await fails(ProviderServerError)
    assert "SECRET" not in str(error)
    assert "Responses" in str(error)


async def test_a_server_that_answers_as_chat_completions_does_is_named(responses_server, fails):
    responses_server.will(replies.sse(replies.stream(Completion())))
    _, error = await fails(ProviderServerError)
    assert "'api: chat'" in str(error)


async def test_an_answer_in_one_piece_that_is_not_complete_is_an_error(responses_server, fails):
    responses_server.will(replies.json_reply(ModelResponse().whole("test-model", status="in_progress")))
    await fails(ProviderServerError)


async def test_a_server_without_the_interface_says_so(protocol_server, make_provider, ask):
    with pytest.raises(ProviderBadRequestError, match="404"):
        await ask(make_provider(protocol_server.base_url, api="responses"))


async def test_a_wrong_key_names_the_variable_to_check(responses_server, fails, key):
    responses_server.key = "another"
    _, error = await fails(ProviderAuthenticationError)
    assert "'OPENAI_API_KEY'" in str(error)
    assert key not in str(error)


async def test_a_request_that_failed_is_sent_again(responses_server, make_provider, ask):
    busy = replies.error(503, "Busy.", headers={"retry-after-ms": "1"})
    limited = replies.error(429, "Slow down.", code="rate_limit_exceeded", headers={"retry-after-ms": "1"})
    responses_server.will(busy, limited)
    chunks = await ask(make_provider(responses_server.base_url, api="responses"))
    assert "".join(chunk.text for chunk in chunks) == "Hello, world!"
    assert len(responses_server.requests) == 3


async def test_an_answer_that_has_begun_is_not_asked_for_again(responses_server, fails):
    responses_server.will(replies.sse([*HEAD, failed_event("rate_limit_exceeded")]))
    await fails(ProviderRateLimitError, max_retries=3)
    assert len(responses_server.requests) == 1
