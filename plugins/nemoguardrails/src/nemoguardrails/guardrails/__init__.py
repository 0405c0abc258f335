"""The newer home of `Guardrails`."""

from __future__ import annotations

from nemoguardrails.guardrails.guardrails import Guardrails as Guardrails

__all__ = ["Guardrails"]
