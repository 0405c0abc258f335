"""Fixtures for tests of plugins; pytest finds them where the package is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from handrail_testkit._certificates import Authority
    from handrail_testkit._server import ProtocolServer

pytest.register_assert_rewrite("handrail_testkit._provider")


@pytest.fixture
def protocol_server() -> Iterator[ProtocolServer]:
    """A server on this machine that speaks OpenAI's Chat Completions; set its answers with `will`."""
    from handrail_testkit._server import ProtocolServer

    with ProtocolServer() as server:
        yield server


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority that nobody trusts unless told to."""
    from handrail_testkit._certificates import Authority

    folder: Path = tmp_path_factory.mktemp("authority")
    return Authority.create(folder)
