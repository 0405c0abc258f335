"""What rails do to streams, measured on data: leaks, delay, false stops and cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_eval._engine import RowJudge as RowJudge
    from handrail_eval._engine import Settings as Settings
    from handrail_eval._engine import Write as Write
    from handrail_eval._engine import judge_rows as judge_rows
    from handrail_eval._figures import figures_of as figures_of
    from handrail_eval._reading import read_rows as read_rows
    from handrail_eval._rows import Row as Row

_HOMES = {
    "_engine": ("RowJudge", "Settings", "Write", "judge_rows"),
    "_figures": ("figures_of",),
    "_reading": ("read_rows",),
    "_rows": ("Row",),
}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
