"""Rails of patterns: regular expressions, phrases, personal data and secrets, exact however a stream is cut.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

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
