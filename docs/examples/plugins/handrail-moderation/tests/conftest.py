"""A service for each test, and nothing of whoever runs them."""

from __future__ import annotations

import pytest
from harbour import Harbour


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HARBOUR_TOKEN", "a-token-of-the-tests")


@pytest.fixture
def harbour():
    with Harbour() as service:
        yield service
