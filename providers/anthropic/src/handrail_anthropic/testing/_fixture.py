"""The server as a fixture of pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handrail_anthropic.testing._server import MessagesServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def messages_server() -> Iterator[MessagesServer]:
    """Run a server that speaks the Messages API: `messages_server.will(Message(text="Hello."))`."""
    with MessagesServer() as server:
        yield server
