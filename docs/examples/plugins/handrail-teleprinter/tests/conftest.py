"""A teleprinter for each test, and providers that reach it."""

from __future__ import annotations

import pytest
from handrail_teleprinter.provider import TeleprinterProvider
from handrail_teleprinter.settings import TeleprinterSettings
from handrail_testkit import provider_context
from printer import Printer


@pytest.fixture
def printer():
    with Printer(pause=0.002) as teleprinter:
        yield teleprinter


@pytest.fixture
def make_provider(printer):
    """Make a provider as Handrail does."""

    def make(**settings):
        settings = {"port": printer.port, **settings}
        return TeleprinterProvider(
            TeleprinterSettings(**settings), provider_context("teleprinter", parameters=settings)
        )

    return make
