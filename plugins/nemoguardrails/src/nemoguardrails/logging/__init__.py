"""What a call has asked of models."""

from __future__ import annotations
