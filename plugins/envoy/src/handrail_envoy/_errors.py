"""What is wrong with how Envoy asks."""

from __future__ import annotations

from handrail import HandrailError


class EnvoyError(HandrailError):
    """Envoy is set up so that nothing can be guarded, or says what it must not; the words hold nothing of a message."""
