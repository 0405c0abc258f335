"""The HTTP server, as clients of the original know it."""

from __future__ import annotations
