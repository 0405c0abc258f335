"""A real Envoy with the processor does what every guarded host must."""

from __future__ import annotations

import pytest
from handrail_testkit import HostConformance


@pytest.fixture
def anyio_backend():
    return "asyncio"


class TestEnvoy(HostConformance):
    expected_failures = {"test_what_the_host_keeps_is_guarded": "Envoy keeps no conversation"}

    @pytest.fixture
    def case(self, host):
        return host
