"""Secrets that nothing but the name of their field tells: passwords, keys and tokens that are written out."""

from __future__ import annotations

import re
from base64 import b64decode

from handrail_patterns._edges import LEFT
from handrail_patterns._kind import Kind, Way
from handrail_patterns._names import FURTHER_NAMES, OTHER_KEYS, OTHER_NAMES, PASSWORD_NAME, TOKEN_NAME
from handrail_patterns._scripts import DENSE
from handrail_patterns._urls import has_password

_QUOTE = r"\\{0,3}[\"'`]"
_OPEN = rf"(?i:[bruf]{{0,2}})(?:\"\"\"|'''|{_QUOTE})"
_SIGN = rf"(?:(?:{_QUOTE})?\]?\s{{0,4}}(?::\s?[A-Za-z]{{1,12}}\s?=(?!=)|:=|=>|=(?!=)|:(?!:)))\s{{0,4}}"
# `**Password:** ...`, `**Password**: ...`, `<b>Password</b>: ...`, `| Password | ...`, and the `value` of an attribute
# or of a list; after each of which the value itself may be dressed.
_CLOSE = r"(?:[*_]{2}|</[a-z]{1,6}>)"
_DRESSED = (
    rf"(?:{_CLOSE}[ \t]?:|:{_CLOSE}|[ \t]{{1,8}}\||[\"',]{{0,2}}\s{{1,16}}[\"']?value[\"']?[:=])"
    r"\s{0,8}[*_\"'`]{0,2}"
)
_IS = r"(?: (?:is|was|ist|lautet|est|es|e)(?: now)?:? |(?:\u662f|\u306f|\uc740|\ub294|\u1102\u1173\u11ab) ?:? ?)"
"""What a sentence has between the name and the value."""

_SAID = rf"(?:[*_\"'`]{{0,2}}[ \t]{{0,3}}[:=|\n]{_CLOSE}?|{_IS})[ \t]{{0,4}}[*_\"'`]{{0,2}}"
# As HTML and URLs write a quote, a colon and an equals sign.
_WRITTEN_SIGN = r"(?:&quot;\s?:\s?&quot;|(?:%22)?%3[aAdD](?:%20)?(?:%22)?)"
_WRITTEN = r"[^\s\"'`\\<>&%,;]{6,256}"

_QUOTED = rf"[^\s\"'`\\<>]{{6,256}}(?={_QUOTE})"
_BARE = rf"[A-Za-z0-9!@#$%^*+/=_.~?-]{{6,256}}+(?![^\W{DENSE}]|[(\[{{,);}}<>])"
_PLAIN = r"[A-Za-z0-9!@#$%^*+/=_.~?&-]{6,256}+"
_VALUE = r"[^\s\"'`\\<>,;(){}\[\]&]{16,2048}+(?![(\[{<>])"
_ENDS = ".?:"
_DRESS_ENDS = ".?:*_"
# Of JSON rails are shown keys and values, a line each; `value` is what lists of environment variables put between them.
_NEXT_LINE = r"\n(?:(?i:value)\n)?"
# of YAML's blocks, and of mails: `password: |`, `Password:` and an empty line
_BLOCK = r"[ \t]?:[*_]{0,2}[ \t]?(?:[|>][+-]?)?\n{1,2}[ \t]{0,8}[*_`]{0,2}"
_THEN = r"(?:\s?\(\s?|\s{1,3})"
_NO_VERB = "(?<![pP][aA][sS][sS])"
_VERB = r"(?i:pass(?<![a-z]pass))"
# What is quoted after `pass` is an argument unless the line names a user before it, who does not pass it.
_NO_USER = (
    r"\A(?!(?s:.*)(?<![A-Za-z])(?i:user(?:[ _-]?name)?|login|benutzer|usuario)(?![A-Za-z])[^\n]*\Z)(?s:.*)"
    r"|(?<![A-Za-z])(?i:to|can|could|may|must|shall|should|will|would|not|or|then|always|just|also|simply|please|you|we)"
    r"\s{1,3}(?i:pass)\s{1,3}[^\s\w]{1,6}"
)
_LINE_ENDS = r"(?=[\r\n]|\Z)"
_ALONE = r"(?=[ \t]{0,8}(?:[\r\n]|\Z))"

_ENOUGH = 200
"""So many characters tell what a value is; more are not looked at, whatever its length."""
_IDENTIFIER = re.compile(
    r"\.?[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)+|[a-z]+(?:_[a-z]+)*\d{0,2}|[A-Z]+(?:_[A-Z]+)*\d?"
)
_METHOD = re.compile(r"(?i:sha|md|aes|base|utf|pbkdf|argon|bcrypt|scrypt|rfc|oauth|rsa|rot|pkcs|hs|rs|es)-?\d")
_PATH = re.compile(r"~?/(?:app|bin|build|data|dev|etc|home|mnt|opt|root|run|srv|tmp|Users|usr|var|work)(?:/.*)?")
_PLACEHOLDER = re.compile(
    r"(?i:your|my|the|some|enter|insert|replace|change|example|dummy|sample|fake|test|placeholder|redacted|secret"
    r"|password|token|api|key|here|this|me|value|todo|x|_|-|\.|\*)+\d{0,3}|.*(?:\$\{|\{\{|%\(|\$\().*|\$\w+|%\w+%|%[sd]"
    r"|(.)\1*"
)


def is_literal(text: str) -> bool:
    """Return whether a password is written out: it is no variable, call or placeholder, and has more than letters."""
    if _PLACEHOLDER.fullmatch(text) is not None or "://" in text or not any(map(str.isalpha, text)):
        return False
    if _PATH.fullmatch(text) is not None:
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


def is_said(text: str) -> bool:
    """Be strictest in a sentence: neither a name of a method, such as `SHA256-hashed`, nor words with hyphens."""
    return is_random(text.replace("-", "")) and _METHOD.match(text) is None


def is_passed(text: str) -> bool:
    """Look at what is quoted after `pass`, which is a verb, too: an argument, a term or a path is no password."""
    return is_random(text) and re.search(r"[=()/]|^[@?*-]", text) is None


def is_told(text: str) -> bool:
    """Look at a key in a sentence, which could be the address or the path of one, or words with hyphens."""
    return is_mixed(text) and "/" not in text and is_said(text[:_ENOUGH])


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


def is_basic(text: str) -> bool:
    """Return whether a value is Base64 of a user's name and a password, as in the configuration of a registry."""
    try:
        said = b64decode(text, validate=True).decode("ascii")
    except ValueError:
        return False
    return ":" in said[1:-1] and said.isprintable()


PASSWORD = Kind(
    "password",
    "PASSWORD",
    (
        Way(_QUOTED, lead=PASSWORD_NAME + _SIGN + _OPEN, check=is_literal),
        Way(rf"[^\s\"'`\\<>]{{6,256}}+{_LINE_ENDS}", lead=PASSWORD_NAME + _NEXT_LINE, check=is_literal),
        Way(_PLAIN, lead=PASSWORD_NAME + _BLOCK, check=is_random, trim=_DRESS_ENDS),
        Way(_WRITTEN, lead=PASSWORD_NAME + _WRITTEN_SIGN, check=is_bare_literal),
        Way(
            _BARE,
            lead=rf"{PASSWORD_NAME}(?:=|(?:{_QUOTE})? ?: |(?<=[^\x00-\x7f]):)",
            check=is_bare_literal,
            trim=_ENDS,
        ),
        Way(_BARE, lead=PASSWORD_NAME + r"(?::|\t)", check=is_random, trim=_ENDS),
        Way(_PLAIN, lead=PASSWORD_NAME + _DRESSED, check=is_bare_literal, trim=_DRESS_ENDS),
        Way(_BARE, lead=rf"{PASSWORD_NAME}{_IS}[*_]{{0,2}}", check=is_said, trim=_DRESS_ENDS),
        Way(_QUOTED, lead=PASSWORD_NAME + _IS + _OPEN, check=is_literal),
        Way(_QUOTED, lead=rf"{PASSWORD_NAME}{_NO_VERB}{_THEN}{_OPEN}", check=is_literal),
        Way(_QUOTED, lead=rf"{_VERB}\s{{1,3}}(?:\(\s?)?{_OPEN}", check=is_passed),
        Way(_QUOTED, lead=rf"{_VERB}(?:\(\s?|(?<=_[pP][aA][sS][sS]){_THEN}){_OPEN}", check=is_literal),
        Way(_QUOTED, lead=rf"{_VERB}{_THEN}{_OPEN}", check=is_literal, not_after=_NO_USER),
        Way(
            r"[A-Za-z0-9!@#$%^*+/=_.~?-]{6,256}+(?![\w(\[{<>])",
            lead=r"P(?:ASS(?:WORD|WD|PHRASE)|ASS(?<![A-Z]PASS)|WD(?<![A-Z]PWD))=",
            check=is_bare_literal,
            trim=_ENDS,
        ),
        Way(_BARE + _ALONE, lead=rf"{PASSWORD_NAME}[ \t]{{1,8}}=[ \t]{{1,8}}", check=is_random, trim=_ENDS),
        Way(_BARE, lead=rf"--{PASSWORD_NAME}[ =]", check=is_bare_literal, trim=_ENDS),
        Way(r"[^<>\s&]{6,128}(?=</)", lead=rf"<[A-Za-z_:-]{{0,20}}{PASSWORD_NAME}>", check=is_literal),
        *(
            Way(_PLAIN, lead=name + _SAID, check=is_bare_literal, trim=_DRESS_ENDS)
            for name in (FURTHER_NAMES, OTHER_NAMES)
        ),
    ),
    summary="password that is written out after its name",
    form='`password = "..."`, `PASSWORD=...`, `password: ...`, `the password is ...`, `--password ...`, '
    "`<password>...</`, `**Password:** ...`, also as HTML and URLs write it; the name in some twenty languages",
    checksum="digits or signs among letters; no variable, call, type or placeholder",
)

ASSIGNED = Kind(
    "assigned_secret",
    "SECRET",
    (
        Way(_VALUE, lead=rf"{TOKEN_NAME}{_SIGN}(?:{_OPEN})?", check=is_mixed, trim=_ENDS),
        Way(_VALUE + _LINE_ENDS, lead=TOKEN_NAME + _NEXT_LINE, check=is_mixed),
        Way(_VALUE, lead=rf"--{TOKEN_NAME}[ =]", check=is_mixed, trim=_ENDS),
        Way(rf"{_WRITTEN}(?<=.{{16}})", lead=TOKEN_NAME + _WRITTEN_SIGN, check=is_mixed),
        Way(r"[^<>\s&]{16,2048}(?=</)", lead=rf"<[A-Za-z_:-]{{0,20}}{TOKEN_NAME}>", check=is_mixed),
        Way(_VALUE, lead=TOKEN_NAME + _DRESSED, check=is_mixed, trim=_DRESS_ENDS),
        Way(_VALUE, lead=rf"{TOKEN_NAME} (?:is|ist|est|es):? [*_\"'`]{{0,2}}", check=is_told, trim=_DRESS_ENDS),
        Way(_VALUE, lead=OTHER_KEYS + _SAID, check=is_mixed, trim=_DRESS_ENDS),
    ),
    summary="value that is assigned to a name such as api_key or token",
    form='`api_key: ...`, `"SessionToken": "..."`, `CLIENT_SECRET=...`, `the API key is ...`',
    checksum="digits and letters, ten different characters; no variable, call or placeholder",
)

AUTHORIZATION = Kind(
    "authorization",
    "AUTHORIZATION",
    (
        Way(
            r"[A-Za-z0-9._~+/=:-]{8,2048}",
            lead=rf"(?i:authorization)(?:{_QUOTE})?(?:{_NEXT_LINE}|\s{{0,3}}[:=,]\s{{0,3}})(?:{_QUOTE}(?i:value){_QUOTE}\s{{0,3}}:\s{{0,3}})?"
            rf"(?:{_OPEN})?(?i:bearer|basic|token|digest|apikey|api-key|bot|negotiate|ssws)\s{{1,3}}",
            check=_is_credential,
        ),
        Way(r"[A-Za-z0-9._~+/-]{20,2048}={0,2}", lead=rf"{LEFT}(?i:bearer) {{1,2}}", check=is_mixed),
        Way(
            r"[A-Za-z0-9+/]{8,512}={0,2}",
            lead=rf"{LEFT}auth(?:{_NEXT_LINE}|{_QUOTE}\s{{0,3}}:\s{{0,3}}{_QUOTE})",
            check=is_basic,
        ),
        Way(
            r"[^\s:\"'`$<>{}]{1,64}:[^\s\"'`$<>{}]{3,128}",
            lead=rf"{LEFT}curl(?=\s)[^\n]{{0,100}}?\s(?:-u|--user)[ =]?[\"']?",
            check=lambda text: "://" not in text and has_password(text),
        ),
        Way(
            r"[^\s\"'`$<>{}]{6,128}",
            lead=rf"{LEFT}(?:sshpass -p ?|docker(?= login)[^\n]{{0,100}}?\s-p ?"
            r"|mysql[a-z]{0,8}(?=\s)[^\n]{0,100}?\s-p)[\"']?",
            check=is_literal,
        ),
        Way(r"[^\s\"'`<>]{6,128}", lead=rf"{LEFT}login\s[^\s]{{1,64}}\s{{1,8}}password\s", check=is_random),
    ),
    summary="credentials of an Authorization header",
    form="`Authorization: Bearer ...`, `Basic ...`, `token ...`; `Bearer ...`; `curl -u user:password`; "
    "`sshpass -p ...`, `docker login -p ...`, `mysql -p...`; `login ... password ...` of `.netrc`; "
    '`"auth": "..."` with a name and a password in Base64',
    checksum="no variable and no placeholder",
)

AWS_SECRET_KEY = Kind(
    "aws_secret_key",
    "AWS_SECRET_KEY",
    (
        Way(
            r"[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])",
            lead=rf"(?i:(?:aws_?)?secret_?access_?key|aws_?secret_?key)(?:{_NEXT_LINE}|{_SIGN}(?:{_OPEN})?|>)",
        ),
    ),
    summary="AWS secret access key, after its name",
    form="forty characters of Base64 after `aws_secret_access_key`, `SecretAccessKey` and the like",
)
