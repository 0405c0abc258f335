"""What an action may say of a text."""

from __future__ import annotations

from handrail_colang import RailDecision as RailDecision
from handrail_colang import RailOutcome as RailOutcome
from handrail_colang import TransformSpec as TransformSpec
from handrail_colang import TransformTarget as TransformTarget

__all__ = ["RailDecision", "RailOutcome", "TransformSpec", "TransformTarget"]
