"""Actions that ask a model."""

from __future__ import annotations
