"""Streaming strategies: check an answer by the sentence, by the paragraph, or whole.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

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

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
