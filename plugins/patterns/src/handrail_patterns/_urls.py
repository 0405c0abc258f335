"""User names and passwords in URLs and connection strings; the rest of a URL stays."""

from __future__ import annotations

import re

from handrail_patterns._edges import ESCAPED
from handrail_patterns._kind import Kind, Way

_SLASHES = r":(?:\\?/){2}"
_USER = r"[^\s/?#@:\"'`<>\\(){}\[\],;]{0,128}"
_SECOND = r"[^\s/?#@\"'`<>\\]{1,256}"
_HOST = r"(?=@[\w.\[%-])"
_PLACEHOLDER = re.compile(
    r"[x*.]+|\$(?-i:[A-Z_][A-Z0-9_]*|[a-z_]+(?:[A-Z][a-z]+)*)|\$[{(].*|%.*%|%[sd]|.*[{}].*|\[.*\]|(?:your|my|the|some|user|db)?[_-]?(?:pass(?:word|wd)?|pwd|pw|secret|token)"
    r"|(?:example|placeholder|redacted)|your[_-].*",
    re.IGNORECASE,
)
SERVICE = (
    r"(?:amqps?|c(?:lickhouse|assandra)|ftps?|kafka|ldaps?|m(?:ysql|ariadb|ssql|ongodb(?:\+srv)?|qtts?)|nats|oracle|"
    r"postgres(?:ql)?|rediss?|s(?:qlserver|ftp|mtps?|nowflake))(?:\+\w{1,20})?"
)
LEFT = rf"(?<![0-9A-Za-z+]{ESCAPED})(?<!\\)"


def has_password(text: str) -> bool:
    """Return whether a password is written out, and no variable or placeholder of an example."""
    password = text.partition(":")[2]
    return _PLACEHOLDER.fullmatch(password) is None


def credentials(scheme: str) -> Way:
    """Make the way of a URL with credentials: only these are the value."""
    return Way(rf"{_USER}:{_SECOND}{_HOST}", lead=rf"{LEFT}{scheme}{_SLASHES}", check=has_password)


URL_CREDENTIALS = Kind(
    "url_credentials",
    "URL_CREDENTIALS",
    (credentials(r"[A-Za-z][A-Za-z0-9+.-]{1,20}+"),),
    summary="user name and password of a URL",
    form="`scheme://user:password@host`: what stands between `//` and `@`, slashes also as `\\/`",
    checksum="no variable and no placeholder for a password",
)
