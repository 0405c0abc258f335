"""The older home of the same names."""

from __future__ import annotations

from handrail_colang import ActionResult as ActionResult
from handrail_colang import action as action

__all__ = ["ActionResult", "action"]
