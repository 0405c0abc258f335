"""Rails around a language model."""

from __future__ import annotations
