"""Small things that custom actions use."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from nemoguardrails._missing import names_of


def new_uuid() -> str:
    """Return a new random identifier."""
    return str(uuid4())


def new_event_dict(event_type: str, **payload: Any) -> dict[str, Any]:
    """Return an event with its type, an identifier and the time."""
    now = datetime.now(UTC).isoformat()
    return {"type": event_type, "uid": new_uuid(), "event_created_at": now, "source_uid": "handrail", **payload}


if not TYPE_CHECKING:  # a type checker must still find a misspelt name
    __getattr__ = names_of(__name__)
