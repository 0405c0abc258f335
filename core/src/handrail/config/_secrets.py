"""What must not be shown: values of keys that name a secret, and values that look like one."""

from __future__ import annotations

import re

_HIDDEN = "***"
_KEY = re.compile(
    r"""
    api[_-]?key | secret | token | passw | passphrase | credential | authoriz | bearer | cookie
    | (^|[_-])(key|auth|pwd)$
    """,
    re.IGNORECASE | re.VERBOSE,
)
_HARMLESS_KEY = re.compile(
    r"tokens(_per_[a-z]+)?$|^first_token_delay$|_env(_var)?$|tokeni[sz]er|^config_key$", re.IGNORECASE
)
_VALUE = re.compile(
    r"""
    \b(?:sk|pk|rk|gsk|ghp|gho|hf|nvapi|xai|xox[abp])[_-][\w-]{8,}
    | \bAIza[\w-]{20,}
    | \bBearer\s+\S{8,}
    | ://[^/\s:@]*:[^/\s@]+@
    """,
    re.VERBOSE,
)


def is_secret_key(key: object) -> bool:
    """Return whether a key looks as if its value must not be shown."""
    return isinstance(key, str) and bool(_KEY.search(key)) and not _HARMLESS_KEY.search(key)


def is_secret_value(text: str) -> bool:
    """Return whether a text looks like a key of a known service, or has a password in a URL."""
    return bool(_VALUE.search(text))


def hidden(value: object) -> object:
    """Return a copy of a value in which whatever looks like a secret is replaced by asterisks."""
    if isinstance(value, dict):
        return {key: _HIDDEN if is_secret_key(key) and below else hidden(below) for key, below in value.items()}
    if isinstance(value, list):
        return [hidden(below) for below in value]
    if isinstance(value, tuple):
        return tuple(hidden(below) for below in value)
    return _HIDDEN if isinstance(value, str) and is_secret_value(value) else value
