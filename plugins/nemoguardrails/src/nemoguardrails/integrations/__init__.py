"""Other libraries."""

from __future__ import annotations
