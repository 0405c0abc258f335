"""LangChain: rails as a part of a chain, and its models behind rails."""

from __future__ import annotations
