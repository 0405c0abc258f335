"""Private keys in PEM and PGP armour, from the header to the footer, whatever joins their lines."""

from __future__ import annotations

from handrail_patterns._edges import NEXT_LINE
from handrail_patterns._kind import Kind, Way

_SPACE = rf"(?:[ +]|%20|{NEXT_LINE})"
_NAME = rf"{_SPACE}(?:[A-Z0-9]{{1,12}}{_SPACE}){{0,4}}PRIVATE{_SPACE}KEY(?:{_SPACE}BLOCK)?"
_HEADER = rf"-{{4,5}} ?BEGIN{_NAME} ?-{{4,5}}"
_FOOTER = rf"-{{4,5}} ?END{_NAME} ?-{{4,5}}"
_BODY = r"(?:[^-]++|-(?!-{3,4} ?(?:BEGIN|END)))*+"

# Base64 of a key has digits and letters of both cases within a few characters, which prose about a key has not.
_BASE64 = (
    r"(?<![A-Za-z0-9+/])(?=[A-Za-z0-9+/]{16})"
    r"(?=[A-Za-z+/]{0,39}\d)(?=[a-z0-9+/]{0,39}[A-Z])(?=[A-Z0-9+/]{0,39}[a-z])"
)
# Lines that are too short for that: four in a row, each of nothing but Base64.
_BREAK = r"[^\w\n\\]{0,12}(?:\\{1,4}[rn]|\r?\n|<br>){1,2}[^\w\n\\]{0,12}"
_SHORT_LINES = rf"(?:{_BREAK}[A-Za-z0-9+/=]{{4,15}}){{4}}(?![A-Za-z0-9+/=]| [a-z])"
_NEARBY = "(?:[^-]|-(?!--))"
_ARMOUR = "(?:Proc-Type|DEK-Info|Version|Comment|Charset|Hash|MessageID|Subject)"
_KEY_FOLLOWS = (
    rf"(?:(?={_NEARBY}{{0,120}}?{_BASE64})"
    rf"|(?={_NEARBY}{{0,40}}?{_ARMOUR}: {_NEARBY}{{0,500}}?{_BASE64})"
    rf"|(?={_SHORT_LINES}))"
)

# Base64 of a PEM header, as Kubernetes keeps it: PRIVATE KEY alone, or with RSA, EC, DSA, ENCRYPTED or OPENSSH before.
_ENCODED_HEADER = (
    r"LS0tLS1CRUdJTi(?:BQUklWQVRF|B(?:SU0|EU0)EgUFJJVkFUR|BFQyBQUklWQVRF|BFTkNSWVBURUQgUFJJVkFUR"
    r"|BPUEVOU1NIIFBSSVZBVEUg)"
)
_PUTTY_LINES = r"(?:[A-Za-z0-9+/=]{4,64}(?:\r?\n|\\{1,4}[rn]){1,2}){1,100}(?=Private-MAC)"

LIMIT = 65_536

PRIVATE_KEY = Kind(
    "private_key",
    "PRIVATE_KEY",
    (
        Way(rf"{_HEADER}{_KEY_FOLLOWS}{_BODY}(?:{_FOOTER})?", limit=LIMIT, closing=rf"{_FOOTER}\Z"),
        Way(_ENCODED_HEADER + r"[A-Za-z0-9+/]{100,16384}+={0,2}"),
        Way(r"[A-Za-z0-9+/]{40,2048}={0,2}(?=</)", lead=r"<(?:D[PQ]?|P|Q|InverseQ)>"),
        Way(_PUTTY_LINES, lead=r"Private-Lines: \d{1,3}(?:\r?\n|\\{1,4}n)"),
    ),
    summary="private key in PEM or PGP armour, in a file of PuTTY, or in XML",
    form="from the header to the footer over anything between; without a footer to the next header, or to the end; "
    "the lines after `Private-Lines: `; a header in Base64; the numbers of `<RSAKeyValue>`",
    checksum="text of a key within a few characters after the header",
)
