"""Rails that ask a language model whether a text is allowed.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handrail_self_check._rails import SelfCheckFacts as SelfCheckFacts
    from handrail_self_check._rails import SelfCheckInput as SelfCheckInput
    from handrail_self_check._rails import SelfCheckOutput as SelfCheckOutput
    from handrail_self_check._settings import SelfCheckSettings as SelfCheckSettings

_HOMES = {
    "_rails": ("SelfCheckFacts", "SelfCheckInput", "SelfCheckOutput"),
    "_settings": ("SelfCheckSettings",),
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names}

__version__ = "0.1.0"
__all__ = sorted([*_MODULES, "__version__"])  # noqa: PLE0605  # built from the one table above


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
