"""Rails written in Colang 1.0, and what their custom actions are made of.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handrail_colang._asking import llm_call as llm_call
    from handrail_colang._outcomes import ActionResult as ActionResult
    from handrail_colang._outcomes import RailDecision as RailDecision
    from handrail_colang._outcomes import RailOutcome as RailOutcome
    from handrail_colang._outcomes import TransformSpec as TransformSpec
    from handrail_colang._outcomes import TransformTarget as TransformTarget
    from handrail_colang._outcomes import action as action

_HOMES = {
    "_asking": ("llm_call",),
    "_outcomes": ("ActionResult", "RailDecision", "RailOutcome", "TransformSpec", "TransformTarget", "action"),
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names}

__version__ = "0.1.0"
__all__ = sorted([*_MODULES, "__version__"])  # noqa: PLE0605


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
