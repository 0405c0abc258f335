"""A record of what rails decided: one line for each decision, chained by hashes, and never any text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_audit._chain import Chain as Chain
    from handrail_audit._chain import verify as verify
    from handrail_audit._observer import Audit as Audit
    from handrail_audit._observer import AuditSettings as AuditSettings

__version__ = "0.2.0"

_HOMES = {"_chain": ("Chain", "verify"), "_observer": ("Audit", "AuditSettings")}

__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
