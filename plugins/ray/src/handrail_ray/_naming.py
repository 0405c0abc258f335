"""Names of deployments: readable, and one for each rail of a configuration."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handrail import Direction

_OTHER = re.compile(r"[^a-z0-9]+")
_LONGEST = 40


def deployment_name(direction: Direction, flow: str) -> str:
    """Return the name of a rail's deployment, such as `output-classifier-4b1d2c90`."""
    told = f"{direction} {flow}"
    readable = _OTHER.sub("-", told.lower()).strip("-")[:_LONGEST].rstrip("-")
    return f"{readable}-{sha256(told.encode()).hexdigest()[:8]}"
