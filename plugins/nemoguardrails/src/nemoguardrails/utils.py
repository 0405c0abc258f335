"""Small things that custom actions use."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4


def new_uuid() -> str:
    """Return a new random identifier."""
    return str(uuid4())


def new_event_dict(event_type: str, **payload: Any) -> dict[str, Any]:
    """Return an event with its type, an identifier and the time."""
    now = datetime.now(UTC).isoformat()
    return {"type": event_type, "uid": new_uuid(), "event_created_at": now, "source_uid": "handrail", **payload}
