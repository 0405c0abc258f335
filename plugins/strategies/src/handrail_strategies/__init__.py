"""Streaming strategies: check an answer by the sentence, by the paragraph, or whole.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handrail_strategies._settings import ParagraphSettings as ParagraphSettings
    from handrail_strategies._settings import SentenceSettings as SentenceSettings
    from handrail_strategies._settings import WholeSettings as WholeSettings
    from handrail_strategies._units import Paragraph as Paragraph
    from handrail_strategies._units import Sentence as Sentence
    from handrail_strategies._whole import Whole as Whole

_HOMES = {
    "_settings": ("ParagraphSettings", "SentenceSettings", "WholeSettings"),
    "_units": ("Paragraph", "Sentence"),
    "_whole": ("Whole",),
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
