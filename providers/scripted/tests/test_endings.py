from __future__ import annotations

from contextlib import aclosing

import anyio
import pytest
from handrail import errors
from handrail_scripted import Call, ScriptedProvider

TYPES = {
    "authentication": (errors.ProviderAuthenticationError, 401),
    "bad_request": (errors.ProviderBadRequestError, 400),
    "connection": (errors.ProviderConnectionError, None),
    "content_filter": (errors.ProviderContentFilterError, 400),
    "context_length": (errors.ProviderContextLengthError, 400),
    "rate_limit": (errors.ProviderRateLimitError, 429),
    "server": (errors.ProviderServerError, 500),
    "timeout": (errors.ProviderTimeoutError, None),
}


def failing(text="a b c d", pace=None, **error):
    return ScriptedProvider({"answers": [{"text": text, "error": error}], **(pace or {})})


@pytest.mark.parametrize("kind", TYPES)
async def test_every_type_of_error_is_raised_as_its_class(ask, kind):
    with pytest.raises(errors.ProviderError) as caught:
        await ask(failing(type=kind))
    assert (type(caught.value), caught.value.status) == TYPES[kind]
    assert caught.value.engine == "scripted"


async def test_an_error_says_what_the_script_says(ask):
    provider = failing(type="rate_limit", message="slow down", status=503, code="busy", retry_after=2.5)
    with pytest.raises(errors.ProviderRateLimitError, match="^slow down$") as caught:
        await ask(provider)
    assert (caught.value.status, caught.value.code, caught.value.retry_after) == (503, "busy", 2.5)


@pytest.mark.parametrize("chunking", ["token", "character", "paragraph", "whole", "random"])
@pytest.mark.parametrize(("after", "sent"), [(0, ""), (2, "a b"), (4, "a b c d"), (99, "a b c d")])
async def test_an_error_comes_after_so_many_tokens_however_they_are_cut(chunking, after, sent):
    provider = failing(type="server", after=after, pace={"chunking": chunking})
    received = []

    async def read():
        async for chunk in provider.stream([], {}):
            received.append(chunk.text)

    with pytest.raises(errors.ProviderServerError):
        await read()
    assert "".join(received) == sent
    call = provider.calls[0]
    assert (call.tokens, call.closed, call.completed) == (min(after, 4), True, False)


async def test_an_error_waits_for_the_model_to_respond():
    provider = failing(type="rate_limit", pace={"delay": 2, "first_token_delay": 5})
    with pytest.raises(errors.ProviderRateLimitError):
        await anext(provider.stream([], {}))
    assert provider.calls[0].closed_at - provider.calls[0].started_at == pytest.approx(2)


async def test_a_limit_that_is_reached_before_the_error_ends_the_answer(ask):
    provider = failing(type="server", after=3)
    assert (await ask(provider, max_tokens=2))[-2].finish_reason == "length"
    assert (await ask(provider, stop=["b"]))[-2].finish_reason == "stop"
    with pytest.raises(errors.ProviderServerError):
        await ask(provider, max_tokens=3)


async def test_each_error_is_a_new_exception(ask):
    provider = failing(type="server")
    caught = []
    for _ in range(2):
        with pytest.raises(errors.ProviderServerError) as info:
            await ask(provider)
        caught.append(info.value)
    assert caught[0] is not caught[1]


async def test_an_error_once_and_then_an_answer(ask):
    provider = ScriptedProvider({"answers": [{"error": {"type": "rate_limit"}}, "here you are"]})
    with pytest.raises(errors.ProviderRateLimitError):
        await ask(provider)
    assert "".join(chunk.text for chunk in await ask(provider)) == "here you are"


async def test_a_hang_sends_its_tokens_and_then_nothing_until_it_is_cancelled():
    provider = ScriptedProvider({"answers": [{"text": "a b c", "hang": {"after": 2}}]})
    received = ""
    with anyio.move_on_after(1000) as scope:
        async for chunk in provider.stream([], {}):
            received += chunk.text
    assert scope.cancelled_caught
    assert received == "a b"
    call = provider.calls[0]
    assert (call.tokens, call.closed, call.completed) == (2, True, False)
    assert call.closed_at - call.started_at == pytest.approx(1000)


async def test_cancelling_in_the_middle_of_a_wait_closes_the_stream_at_once():
    provider = ScriptedProvider.from_texts("a b c", tokens_per_second=0.1)
    with anyio.move_on_after(12):
        async for _ in provider.stream([], {}):
            pass
    call = provider.calls[0]
    assert (call.tokens, call.closed) == (1, True)
    assert call.closed_at - call.started_at == pytest.approx(12)


async def test_leaving_early_closes_the_stream_where_it_was():
    provider = ScriptedProvider.from_texts("a b c d")
    async with aclosing(provider.stream([], {})) as stream:
        async for chunk in stream:
            assert not provider.calls[0].closed
            if chunk.text == " b":
                break
    call = provider.calls[0]
    assert (call.tokens, call.closed, call.completed) == (2, True, False)


async def test_a_stream_that_is_read_to_its_end_is_completed(ask):
    provider = ScriptedProvider.from_texts("a b c d", tokens_per_second=4)
    await ask(provider)
    call = provider.calls[0]
    assert (call.tokens, call.closed, call.completed) == (4, True, True)
    assert call.closed_at - call.started_at == pytest.approx(1)
    assert call.messages == ({"role": "user", "content": "hello"},)


async def test_nothing_happens_before_the_first_chunk_is_asked_for():
    provider = ScriptedProvider.from_texts("a")
    stream = provider.stream([], {})
    assert provider.calls == ()
    await stream.aclose()
    assert provider.calls == ()


def test_a_call_can_be_closed_where_there_is_no_clock():
    call = Call((), {}, 0.0)
    call.close()
    assert (call.closed, call.closed_at) == (True, None)


async def test_calls_are_listed_in_the_order_in_which_they_started():
    provider = ScriptedProvider.from_texts("a b", "c d")
    first, second = provider.stream([], {}), provider.stream([], {})
    assert (await anext(second)).text == "a"
    assert (await anext(first)).text == "c"
    assert [call.answer.text for call in provider.calls] == ["a b", "c d"]
    await first.aclose()
    await second.aclose()
