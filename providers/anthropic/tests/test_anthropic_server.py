"""The local server speaks the protocol: the official SDK understands it, and it refuses what the API refuses."""

from __future__ import annotations

import anthropic
import pytest
from handrail_anthropic.testing import Message, MessagesServer, error_event, message_events
from handrail_testkit import replies

MESSAGE = Message(
    text="Grüße, 🐾!",
    thinking="Let me think.",
    signature="EqQB",
    redacted="encrypted",
    calls=[("now", {}), ("find", {"q": "é"})],
    usage={"input_tokens": 5, "cache_read_input_tokens": 100},
)
ASKED = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
async def sdk(messages_server, key):
    messages_server.key = key
    async with anthropic.AsyncAnthropic(api_key=key, base_url=messages_server.origin, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("streams", [True, False])
async def test_the_official_sdk_reads_an_answer_as_it_was_meant(messages_server, sdk, streams):
    messages_server.reply = MESSAGE
    if streams:
        async with sdk.messages.stream(**ASKED) as stream:
            found = await stream.get_final_message()
    else:
        found = await sdk.messages.create(**ASKED)
    content = [block.model_dump(exclude_none=True) for block in found.content]
    wanted = MESSAGE.content()
    assert [{name: block[name] for name in want} for block, want in zip(content, wanted, strict=True)] == wanted
    assert (found.id, found.model, found.stop_reason) == (MESSAGE.id, "m", "tool_use")
    assert (found.usage.input_tokens, found.usage.output_tokens, found.usage.cache_read_input_tokens) == (5, 15, 100)


def test_the_official_sdk_understands_an_error_within_an_answer(messages_server, key):
    """The SDK's synchronous client: after an error the other leaves a generator to the garbage collector on trio."""
    messages_server.reply = replies.sse([*message_events(MESSAGE)[:3], error_event()])
    with anthropic.Anthropic(api_key=key, base_url=messages_server.origin, max_retries=0) as client:
        stream = client.messages.create(**ASKED, stream=True)
        with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
            list(stream)


CALL = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]}


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"max_tokens": 0}, 400),
        ({"messages": [{"role": "tool", "content": "x"}]}, 400),
        ({"messages": [{"role": "user", "content": ""}]}, 400),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}, 400),
        ({"messages": [*ASKED["messages"], CALL, {"role": "user", "content": "x"}]}, 400),
        ({"model": "unknown"}, 404),
    ],
)
async def test_what_the_api_refuses_is_refused(messages_server, sdk, changes, status):
    messages_server.known_models = ("m",)
    with pytest.raises(anthropic.APIStatusError) as caught:
        await sdk.messages.create(**{**ASKED, **changes})
    assert caught.value.status_code == status


async def test_another_key_is_refused_and_each_request_takes_the_next_answer(key):
    with MessagesServer(key=key) as server:
        server.will(Message(text="one"), Message(text="two"))
        async with anthropic.AsyncAnthropic(api_key=key, base_url=server.origin) as client:
            said = [(await client.messages.create(**ASKED)).content[0].text for _ in range(3)]
            assert said == ["one", "two", "Hello, world!"]
            with pytest.raises(anthropic.AuthenticationError):
                await client.with_options(api_key="sk-other").messages.create(**ASKED)
        assert server.wait_idle()
