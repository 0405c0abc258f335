"""The server as a fixture of pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handrail_openai.testing._server import ResponsesServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def responses_server() -> Iterator[ResponsesServer]:
    """Run a server that speaks the Responses API: `responses_server.will(ModelResponse(text="Hello."))`."""
    with ResponsesServer() as server:
        yield server
