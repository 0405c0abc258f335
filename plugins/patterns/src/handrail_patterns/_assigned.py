"""Secrets that nothing but the name of their field tells: passwords, keys and tokens that are written out."""

from __future__ import annotations

import re

from handrail_patterns._edges import LEFT
from handrail_patterns._kind import Kind, Way

_QUOTE = r"\\{0,3}[\"'`]"
_OPEN = rf"(?i:[bruf]{{0,2}}){_QUOTE}"
_SIGN = rf"(?:{_QUOTE})?\]?\s{{0,4}}(?::\s?[A-Za-z]{{1,12}}\s?=(?!=)|:=|=>|=(?!=)|:(?!:))\s{{0,4}}"
_QUOTED = rf"[^\s\"'`\\<>]{{6,256}}(?={_QUOTE})"
_BARE = r"[A-Za-z0-9!@#$%^*+/=_.~?-]{6,256}+(?![\w(\[{,);}<>])"
_VALUE = r"[^\s\"'`\\<>,;(){}\[\]&]{16,2048}+(?![(\[{<>])"
_ENDS = ".?:"
# Of JSON rails are shown keys and values, a line each; `value` is what lists of environment variables put between them.
_NEXT_LINE = r"\n(?:(?i:value)\n)?"
_LINE_ENDS = r"(?=[\r\n]|\Z)"
_ALONE = r"(?=[ \t]{0,8}(?:[\r\n]|\Z))"

# Where a word of a name begins: behind no letter, or with a capital behind a small one. Look-behinds stand after the
# letters that they are about: a common search passes over first letters most cheaply.
_HERE = "(?-i:(?<![a-z][a-z])(?<![A-Z][A-Z]))"
_PASSWORD_NAME = (
    rf"(?i:p(?:ass(?:word|wd|phrase|wort)|ass(?<![a-z]pass)|wd(?<![a-z]pwd))|c{_HERE}ontrase[n\u00f1]a"
    rf"|m{_HERE}ot_de_passe|s{_HERE}enha)"
)
_TOKEN_NAME = (
    rf"(?i:(?:a{_HERE}(?:pi|ccess|uth|pp|ccount)|b{_HERE}ot|c{_HERE}(?:lient|onsumer)|d{_HERE}eploy|e{_HERE}ncryption"
    rf"|m{_HERE}aster|p{_HERE}rivate|r{_HERE}efresh|s{_HERE}(?:ecret|ession|ecurity|ervice|igning)|w{_HERE}ebhook)"
    rf"[_-]?(?:key|token|secret)|s{_HERE}ecret|t{_HERE}oken(?<!page[_-]token)(?<!pagetoken)(?<!next[_-]token)"
    r"(?<!nexttoken)(?<!pad_token)(?<!eos_token)(?<!bos_token)(?<!synctoken)(?<!ationtoken))"
)
_ENOUGH = 200
"""So many characters tell what a value is; more are not looked at, whatever its length."""
_IDENTIFIER = re.compile(
    r"\.?[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)+|[a-z]+(?:_[a-z]+)*\d{0,2}|[A-Z]+(?:_[A-Z]+)*\d?"
)
_PLACEHOLDER = re.compile(
    r"(?i:your|my|the|some|enter|insert|replace|change|example|dummy|sample|fake|test|placeholder|redacted|secret"
    r"|password|token|api|key|here|this|me|value|todo|x|_|-|\.|\*)+\d{0,3}|.*(?:\$\{|\{\{|%\(|\$\().*|\$\w+|%\w+%|%[sd]"
    r"|(.)\1*"
)


def is_literal(text: str) -> bool:
    """Return whether a password is written out: it is no variable, call or placeholder, and has more than letters."""
    if _PLACEHOLDER.fullmatch(text) is not None or "://" in text or not any(map(str.isalpha, text)):
        return False
    has_digit = any(map(str.isdigit, text))
    has_sign = any(not char.isalnum() and char not in "_-.?,:; /" for char in text)
    return (has_digit or has_sign) and re.fullmatch(r"[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)+", text) is None


def is_bare_literal(text: str) -> bool:
    """Be stricter where there are no quotes: it is nothing that could be a name in a program."""
    return is_literal(text) and any(map(str.isdigit, text)) and _IDENTIFIER.fullmatch(text) is None


def is_random(text: str) -> bool:
    """Be stricter still where a program could stand: capitals, small letters and digits, or a sign among them."""
    classes = (str.isupper, str.islower, str.isdigit, lambda char: not char.isalnum() and char not in "_.")
    return is_bare_literal(text) and sum(any(map(one, text)) for one in classes) >= 3


def is_mixed(text: str) -> bool:
    """Return whether a value is random and no word: it has digits and letters, and ten different characters."""
    text = text[:_ENOUGH]
    return (
        any(map(str.isdigit, text))
        and any(map(str.isalpha, text))
        and len(set(text)) >= 10
        and _PLACEHOLDER.fullmatch(text) is None
        and re.fullmatch(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", text) is None
    )


def _is_credential(text: str) -> bool:
    varied = any(map(str.isdigit, text)) or (any(map(str.isupper, text)) and any(map(str.islower, text)))
    return varied and len(set(text)) >= 6 and _PLACEHOLDER.fullmatch(text) is None


PASSWORD = Kind(
    "password",
    "PASSWORD",
    (
        Way(_QUOTED, lead=_PASSWORD_NAME + _SIGN + _OPEN, check=is_literal),
        Way(rf"[^\s\"'`\\<>]{{6,256}}+{_LINE_ENDS}", lead=_PASSWORD_NAME + _NEXT_LINE, check=is_literal),
        Way(_BARE, lead=rf"{_PASSWORD_NAME}(?:=|(?:{_QUOTE})?: )", check=is_bare_literal, trim=_ENDS),
        Way(
            r"[A-Za-z0-9!@#$%^*+/=_.~?-]{6,256}+(?![\w(\[{<>])",
            lead=r"P(?:ASS(?:WORD|WD|PHRASE)|ASS(?<![A-Z]PASS)|WD(?<![A-Z]PWD))=",
            check=is_bare_literal,
            trim=_ENDS,
        ),
        Way(_BARE + _ALONE, lead=rf"{_PASSWORD_NAME}[ \t]{{1,8}}=[ \t]{{1,8}}", check=is_random, trim=_ENDS),
        Way(_BARE, lead=rf"--{_PASSWORD_NAME}[ =]", check=is_bare_literal, trim=_ENDS),
        Way(r"[^<>\s&]{6,128}(?=</)", lead=rf"<[A-Za-z_:-]{{0,20}}{_PASSWORD_NAME}>", check=is_literal),
    ),
    summary="password that is written out after its name",
    form='`password = "..."`, `PASSWORD=...`, `password: ...`, `--password ...`, `<password>...</`',
    checksum="digits or signs among letters; no variable, call, type or placeholder",
)

ASSIGNED = Kind(
    "assigned_secret",
    "SECRET",
    (
        Way(_VALUE, lead=rf"{_TOKEN_NAME}{_SIGN}(?:{_OPEN})?", check=is_mixed, trim=_ENDS),
        Way(_VALUE + _LINE_ENDS, lead=_TOKEN_NAME + _NEXT_LINE, check=is_mixed),
        Way(_VALUE, lead=rf"--{_TOKEN_NAME}[ =]", check=is_mixed, trim=_ENDS),
    ),
    summary="value that is assigned to a name such as api_key or token",
    form='`api_key: ...`, `"SessionToken": "..."`, `CLIENT_SECRET=...`',
    checksum="digits and letters, ten different characters; no variable, call or placeholder",
)

AUTHORIZATION = Kind(
    "authorization",
    "AUTHORIZATION",
    (
        Way(
            r"[A-Za-z0-9._~+/=:-]{8,2048}",
            lead=rf"(?i:authorization)(?:{_QUOTE})?(?:{_NEXT_LINE}|\s{{0,3}}[:=,]\s{{0,3}})(?:{_QUOTE}(?i:value){_QUOTE}\s{{0,3}}:\s{{0,3}})?"
            rf"(?:{_OPEN})?(?i:bearer|basic|token|digest|apikey|api-key|bot|negotiate)\s{{1,3}}",
            check=_is_credential,
        ),
        Way(r"[A-Za-z0-9._~+/-]{20,2048}={0,2}", lead=rf"{LEFT}(?i:bearer) {{1,2}}", check=is_mixed),
        Way(
            r"[^\s:\"'`$<>{}]{1,64}:[^\s\"'`$<>{}]{3,128}",
            lead=rf"{LEFT}curl(?=\s)[^\n]{{0,100}}?\s(?:-u|--user)[ =]?[\"']?",
            check=lambda text: "://" not in text,
        ),
    ),
    summary="credentials of an Authorization header",
    form="`Authorization: Bearer ...`, `Basic ...`, `token ...`; `Bearer ...`; `curl -u user:password`",
    checksum="no variable and no placeholder",
)

AWS_SECRET_KEY = Kind(
    "aws_secret_key",
    "AWS_SECRET_KEY",
    (
        Way(
            r"[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])",
            lead=rf"(?i:(?:aws_?)?secret_?access_?key|aws_?secret_?key)(?:{_NEXT_LINE}|{_SIGN}(?:{_OPEN})?)",
        ),
    ),
    summary="AWS secret access key, after its name",
    form="forty characters of Base64 after `aws_secret_access_key`, `SecretAccessKey` and the like",
)
