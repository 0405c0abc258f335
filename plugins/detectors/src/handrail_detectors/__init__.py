"""Classifiers as rails, batched over streams.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_detectors._findings import Engine as Engine
    from handrail_detectors._findings import Finding as Finding
    from handrail_detectors._findings import Findings as Findings
    from handrail_detectors._jailbreak import JailbreakModel as JailbreakModel
    from handrail_detectors._jailbreak import JailbreakSettings as JailbreakSettings
    from handrail_detectors._rail import Classifier as Classifier
    from handrail_detectors._settings import ClassifierSettings as ClassifierSettings
    from handrail_detectors._settings import ModerationSettings as ModerationSettings
    from handrail_detectors._settings import NamedSettings as NamedSettings
    from handrail_detectors._settings import TokenSettings as TokenSettings
    from handrail_detectors._token_rail import TokenClassifier as TokenClassifier

_HOMES = {
    "_findings": ("Engine", "Finding", "Findings"),
    "_jailbreak": ("JailbreakModel", "JailbreakSettings"),
    "_rail": ("Classifier",),
    "_settings": ("ClassifierSettings", "ModerationSettings", "NamedSettings", "TokenSettings"),
    "_token_rail": ("TokenClassifier",),
}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
