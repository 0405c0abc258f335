"""Rails of patterns: regular expressions, phrases, personal data and secrets, exact however a stream is cut.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_patterns._compat import DetectSensitiveData as DetectSensitiveData
    from handrail_patterns._compat import MaskSensitiveData as MaskSensitiveData
    from handrail_patterns._compat import RegexDetection as RegexDetection
    from handrail_patterns._compat import RegexDetectionSettings as RegexDetectionSettings
    from handrail_patterns._compat import SensitiveDataSettings as SensitiveDataSettings
    from handrail_patterns._rails import PersonalDataCheck as PersonalDataCheck
    from handrail_patterns._rails import PhraseCheck as PhraseCheck
    from handrail_patterns._rails import RegexCheck as RegexCheck
    from handrail_patterns._rails import SecretCheck as SecretCheck
    from handrail_patterns._settings import KindsSettings as KindsSettings
    from handrail_patterns._settings import PhraseCheckSettings as PhraseCheckSettings
    from handrail_patterns._settings import RegexCheckSettings as RegexCheckSettings

_HOMES = {
    "_compat": (
        "DetectSensitiveData",
        "MaskSensitiveData",
        "RegexDetection",
        "RegexDetectionSettings",
        "SensitiveDataSettings",
    ),
    "_rails": ("PersonalDataCheck", "PhraseCheck", "RegexCheck", "SecretCheck"),
    "_settings": ("KindsSettings", "PhraseCheckSettings", "RegexCheckSettings"),
}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
