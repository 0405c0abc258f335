"""What is installed, looked up once for all tests of a session: a registry never changes."""

from __future__ import annotations

from functools import cache

from handrail import Registry


@cache
def installed() -> Registry:
    """Return the registry of everything that is installed."""
    return Registry.discover()
