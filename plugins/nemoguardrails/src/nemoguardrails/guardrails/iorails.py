"""The engine for rails alone under the name of NVIDIA's; here one engine runs everything."""

from __future__ import annotations

from nemoguardrails.guardrails.guardrails import Guardrails as IORails

__all__ = ["IORails"]
