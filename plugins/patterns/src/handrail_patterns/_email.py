"""E-mail addresses, in ASCII and internationalised."""

from __future__ import annotations

import unicodedata

from handrail_patterns._edges import ESCAPED, NOT_ESCAPED
from handrail_patterns._kind import Kind, Way
from handrail_patterns._scripts import DENSE

_AT = r"(?:@|\\(?:u00|x)40|%40|&#(?:64|[xX]40);|&commat;)"
_SPACED = rf"[^\x00-\x7f\W\d{DENSE}]"
"""A letter outside ASCII, of a script with spaces between words."""

_LOCAL = r"[A-Za-z0-9._+'-]"
_TOP = rf"(?:xn--[A-Za-z0-9-]{{2,59}}|[A-Za-z]{{2,63}}|{_SPACED}{{2,63}})"
_DENSE_TOPS = (
    "\u4e2d\u56fd", "\u4e2d\u570b", "\u516c\u53f8", "\u7f51\u7edc", "\u7db2\u7d61", "\u7f51\u5740", "\u9999\u6e2f",
    "\u53f0\u6e7e", "\u53f0\u7063", "\u6fb3\u9580", "\u5546\u57ce", "\u96c6\u56e2", "\u5728\u7ebf", "\u653f\u52a1",
    "\u7f51\u5e97", "\u6e38\u620f", "\u4f01\u4e1a", "\u4fe1\u606f", "\u79fb\u52a8", "\u624b\u673a",
    "\u4e16\u754c", "\u307f\u3093\u306a", "\u30b3\u30e0", "\ud55c\uad6d", "\ub2f7\ucef4", "\ub2f7\ub137",
    "\u0e44\u0e17\u0e22", "\u0e84\u0e9c", "\u0ea5\u0eb2\u0ea7",
)  # fmt: skip


def _dense_tops() -> str:
    """Write them as they are and with their syllables taken apart, as folded text has them."""
    return "|".join(dict.fromkeys(form for top in _DENSE_TOPS for form in (top, unicodedata.normalize("NFKD", top))))


_DOMAIN = rf"(?:(?:[A-Za-z0-9_-]|{_SPACED}){{1,63}}\.){{1,8}}{_TOP}"
_DENSE_DOMAIN = rf"(?:[A-Za-z0-9{DENSE}-]{{1,30}}\.){{1,3}}(?:{_dense_tops()})"
_PLAIN_DOMAIN = r"(?:[A-Za-z0-9_-]{1,63}\.){1,8}(?:xn--[A-Za-z0-9-]{2,59}|[A-Za-z]{2,63})"


_NO_ESCAPE = r"(?!(?<=%)[0-9A-Fa-f]{2}|(?<=%[0-9A-Fa-f])[0-9A-Fa-f])"
"""What begins here is not what `%22` ends with."""

_IN_URL = r"://[^\s/?#@:\"'`<>\\(){}\[\],;]{0,60}:[^\s/?#@\"'`<>\\]{0,60}"
"""The password of a URL and its host look like an address."""


_OBSCURED = (
    r"[\[(]\s?(?i:at)\s?[\])]\s?"
    r"[A-Za-z0-9-]{1,63}(?:\s?[\[(]\s?(?i:dot)\s?[\])]\s?[A-Za-z0-9-]{1,63}){1,4}(?![A-Za-z0-9-])"
)

_NO_DOMAINS = (
    *(".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".css", ".js"),
    *(
        ".transpose",
        ".permute",
        ".reshape",
        ".view",
        ".flatten",
        ".squeeze",
        ".unsqueeze",
        ".conj",
        ".astype",
        ".T",
        ".mT",
    ),
    ".UTF",
)
"""What an `@` and a dot have behind them in the names of files and of locales, and in programs with matrices."""


def _is_a_persons(text: str) -> bool:
    """Return whether it is an address, rather than the user of `git@host:path`, the name of a picture or `a@b.T`."""
    local, _, domain = text.partition("@")
    return not (local == "git" or domain.endswith(_NO_DOMAINS))


EMAIL = Kind(
    "email",
    "EMAIL",
    (
        Way(
            rf"(?<![A-Za-z0-9_]{ESCAPED}){_NO_ESCAPE}[A-Za-z0-9_]{NOT_ESCAPED}{_LOCAL}{{0,254}}+"
            rf"{_AT}(?:{_DOMAIN}|{_DENSE_DOMAIN})",
            check=_is_a_persons,
            not_after=_IN_URL,
        ),
        # atoms with other signs (RFC 5322, RFC 3696); `name=value` is a field and its value
        Way(
            r"(?<![A-Za-z0-9!#$%&'*+/=?^_`{|}~.@\\-])"
            rf"(?:[A-Za-z0-9_](?!(?<=[A-Za-z_])[\w.-]{{0,40}}=){_LOCAL}{{0,40}}+(?:[!#$%&^~]|/{_LOCAL}{{1,40}}+=)|[!#$%^~])"
            rf"[A-Za-z0-9!#$%&/=^~._+'-]{{0,64}}+{_AT}{_PLAIN_DOMAIN}",
            check=_is_a_persons,
            not_after=_IN_URL,
        ),
        # written so that machines pass over it; before a space a name without a dot stays, or each last word would wait
        Way(
            rf"(?:(?<![A-Za-z0-9_]{ESCAPED})[A-Za-z0-9_]{NOT_ESCAPED}"
            rf"(?:{_LOCAL}{{0,63}}+|[A-Za-z0-9_'-]{{0,40}}+[._+][A-Za-z0-9]{_LOCAL}{{0,40}}+\s)"
            rf"|(?<=[A-Za-z0-9_]\s)){_OBSCURED}"
        ),
        Way(rf"\"[A-Za-z0-9](?:[\w .+'-]{{0,61}}[\w.])?\"@{_PLAIN_DOMAIN}"),
        # a local part with letters of another script with spaces, or such as have no plain form
        Way(
            rf"(?<![A-Za-z0-9_]{ESCAPED})(?<!\\)(?<!{_SPACED})(?:[A-Za-z0-9_]{_LOCAL}{{0,63}}+)?{_SPACED}"
            rf"[\w.%+'-]{{0,63}}+(?:@|\\u0040){_DOMAIN}",
            not_after=_IN_URL,
        ),
        # and of a script without: how much of what stands before the sign belongs to it cannot be known
        Way(rf"(?<!\w)[{DENSE}]{{1,12}}@(?:{_PLAIN_DOMAIN}|{_DENSE_DOMAIN})"),
    ),
    summary="e-mail address",
    form="`local@domain.tld`: atoms of RFC 5322, a quoted local part, letters of other scripts; "
    "the sign also as `%40`, `&#64;`, `(at)` and the like",
    checksum="no file name, no `git@`",
)
