"""Applications of Starlette behind the middleware do what every guarded host must."""

from __future__ import annotations

import pytest
from asgi_host import AsgiHost, ChatWire
from handrail_hosts.starlette import GuardMiddleware
from handrail_testkit import HostConformance

NOTHING_KEPT = "an application keeps its own conversation, which the middleware does not see"


class TestChatCompletions(HostConformance):
    expected_failures = {"test_what_the_host_keeps_is_guarded": NOTHING_KEPT}

    @pytest.fixture
    def case(self):
        return AsgiHost(ChatWire(), GuardMiddleware)
