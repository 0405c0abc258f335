"""The package and its provider behave as every plugin and provider must, against a server that speaks the protocol."""

from __future__ import annotations

from itertools import chain

import pytest
from handrail_anthropic.testing import Message, message_events
from handrail_testkit import Pause, PluginConformance, ProviderCase, ProviderConformance, replies


class TestPlugin(PluginConformance):
    distribution = "handrail-anthropic"
    takes_unknown_settings = {"anthropic": "the API has parameters of its own, which are passed on"}


class TestAnthropic(ProviderConformance):
    @pytest.fixture
    async def case(self, messages_server, make_provider, key):
        messages_server.key = key
        messages_server.known_models = ("test-model",)
        return ProviderCase(
            provider=make_provider(messages_server.origin),
            expected_text="Hello, world!",
            failing=make_provider(messages_server.origin, model="unknown"),
            secret=key,
            requests=lambda: len(messages_server.requests),
            is_idle=messages_server.wait_idle,
        )


class TestAnthropicThatTakesItsTime(TestAnthropic):
    """The same with a server that pauses, so that streams are closed and cancelled while it has more to send."""

    @pytest.fixture(autouse=True)
    def pace(self, messages_server):
        pieces = chain.from_iterable((Pause(0.004), piece) for piece in message_events(Message()))
        messages_server.reply = replies.sse(pieces)
