"""How the fields of secrets are called, as folded text has it: without accents.

Each expression has few beginnings, so that a common search can look for its first characters.
"""

from __future__ import annotations

from handrail_patterns._edges import LEFT

# Where a Latin word of a name begins: behind no letter, or with a capital behind a small one. Look-behinds stand after
# the letters that they are about: a common search passes over first letters most cheaply.
_HERE = "(?-i:(?<![a-z][a-z])(?<![A-Z][A-Z]))"

PASSWORD_NAME = (
    rf"(?i:p(?:ass(?:word|wd|phrase|wort)|ass(?<![a-z]pass)|wd(?<![a-z]pwd))|c{_HERE}ontrase[n\u00f1]a"
    rf"|m{_HERE}ot[_ ]de[_ ]passe|s{_HERE}enha)"
)
TOKEN_NAME = (
    rf"(?i:(?:a{_HERE}(?:pi|ccess|uth|pp|ccount)|b{_HERE}ot|c{_HERE}(?:lient|onsumer)|d{_HERE}eploy|e{_HERE}ncryption"
    rf"|m{_HERE}aster|p{_HERE}rivate|r{_HERE}efresh|s{_HERE}(?:ecret|ession|ecurity|ervice|igning)|w{_HERE}ebhook)"
    rf"[ _-]?(?:key|token|secret|schlussel|\u30ad\u30fc|\u043a\u043b\u044e\u0447)"
    rf"|c{_HERE}(?:lave|le|hiave|have)(?: d[ea]| d')? ?api|s{_HERE}ecret"
    rf"|t{_HERE}oken(?<!page[_-]token)(?<!pagetoken)(?<!next[_-]token)"
    r"(?<!nexttoken)(?<!pad_token)(?<!eos_token)(?<!bos_token)(?<!synctoken)(?<!ationtoken))"
)
FURTHER_NAMES = rf"{LEFT}(?i:[hklmsw](?:ennwort|achtwoord|osenord|as[l\u0142]o|eslo|at khau|ifre|alasana))"
"""Passwords in German, Dutch, Swedish, Polish, Czech, Vietnamese, Turkish and Finnish. A common search has one branch
for all, as for those below, and does not mind first letters that belong to another name."""

OTHER_NAMES = (
    "[\u043f\u041f\u5bc6\u30d1\u30cf\ube44\u1107\u05e1\u0643\u0e23](?:\u0430\u0440\u043e\u043b[\u044c\u044f\u0435]|[\u7801\u78bc]"
    "|\u309a?\u30b9\u30ef\u30fc(?:\u30c9|\u30c8\u3099)|\ubc00\ubc88\ud638"
    "|\u1175\u1106\u1175\u11af\u1107\u1165\u11ab\u1112\u1169|\u05d9\u05e1\u05de[\u05d4\u05ea]"
    "|\u0644\u0645\u0629 (?:\u0627\u0644\u0645\u0631\u0648\u0631|\u0627\u0644\u0633\u0631)"
    "|\u0e2b\u0e31\u0e2a\u0e1c\u0e48\u0e32\u0e19)"
)
"""Passwords in Russian, Chinese, Japanese, Korean, Hebrew, Arabic and Thai."""

OTHER_KEYS = "[\u5bc6\u4ee4\u043a\u041a](?:[\u94a5\u9470]|\u724c|\u043b\u044e\u0447 API)"
"""Keys in Chinese and Russian."""
