"""Rails that ask a language model whether a text is allowed.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_self_check._rails import SelfCheckFacts as SelfCheckFacts
    from handrail_self_check._rails import SelfCheckInput as SelfCheckInput
    from handrail_self_check._rails import SelfCheckOutput as SelfCheckOutput
    from handrail_self_check._settings import SelfCheckSettings as SelfCheckSettings

_HOMES = {
    "_rails": ("SelfCheckFacts", "SelfCheckInput", "SelfCheckOutput"),
    "_settings": ("SelfCheckSettings",),
}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
