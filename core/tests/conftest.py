"""Every asynchronous test of the kernel runs on both event loops, on a virtual clock."""

from __future__ import annotations

import pytest
from fakes import Guarded


@pytest.fixture
def anyio_backend(virtual_clock):
    return virtual_clock


@pytest.fixture
def guarded():
    return Guarded
