"""Every asynchronous test of the kernel runs on both event loops, on a virtual clock."""

from __future__ import annotations

import pytest
from fakes import Guarded
from trio.testing import MockClock
from virtual import VirtualLoop


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    if request.param == "asyncio":
        return "asyncio", {"loop_factory": VirtualLoop}
    return "trio", {"clock": MockClock(autojump_threshold=0)}


@pytest.fixture
def guarded():
    return Guarded
