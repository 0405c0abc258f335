"""Telephone numbers: how they are written in the world, and which could be dialled."""

from __future__ import annotations

import re

from handrail_patterns._context import Words
from handrail_patterns._edges import (
    ESCAPED,
    NEXT_LINE,
    NOT_A_FRACTION,
    NUMBER_LEFT,
    WRITTEN_SPACE,
    without_written_spaces,
)
from handrail_patterns._kind import Kind, Way

_NOT_WITHIN = r"(?<!\d[ ().\-/])(?<!\d[ ().\-/][ ().\-/])"
_RIGHT = rf"(?![0-9A-Za-z_]|[/-]\d){NOT_A_FRACTION}"
_NO_SIGN = r"(?<![+/-])(?<!\d:)"

# The least and the greatest length of numbers after the calling codes of ITU-T E.164 (fixed and mobile lines).
_LENGTHS: dict[tuple[int, int], str] = {
    (5, 7): "298 299 500",
    (6, 9): "32 36 40 41 46 47 51 61 352 354 355 376 385 386 387 389 508 590 594 595 596 597 598 599 672 674 676"
    " 677 678 681 682 685 687 688 689 690",
    (6, 12): "39 43 49 358 378 379",
    (7, 8): "248 252 257 266 372 507 975",
    (7, 9): "220 224 230 231 238 239 241 242 245 246 253 262 264 265 267 268 269 290 291 297 377 423 501 502 591"
    " 592 593 670 673 675 679 680 683 686 691 692 800 808 850 855 870 878 881 882 883 888 960 961 962 963"
    " 966 967 976 979",
    (7, 10): "353 856",
    (8, 8): "53 65 216 222 223 226 227 228 232 235 236 350 356 357 370 371 373 374 503 504 505 506 509 852 853"
    " 965 968 973 974 993",
    (8, 9): "45 56 93 213 243 249 254 258 263 381 382 383 886 970 971 972",
    (8, 10): "20 57 58 60 63 64 66 229 234 359 880 964 977",
    (8, 12): "62 82 95",
    (9, 9): "27 31 33 34 48 94 211 212 218 221 233 237 240 244 250 251 255 256 260 261 351 375 380 420 421 992"
    " 994 995 996 998",
    (9, 10): "44 81 84 91 92",
    (10, 10): "1 7 90 98 225",
    (10, 11): "52 54 55 86",
    (10, 12): "30",
}  # fmt: skip
_OF_CODE = {code: lengths for lengths, codes in _LENGTHS.items() for code in codes.split()}
_KEEPS_ZERO = frozenset(("39", "225", "229", "241", "242", "378"))

WORDS = Words(
    "tel", "mob", "telephone", "phone", "phone number",
    "cellphone", "mobile", "mobile number", "fax", "whatsapp", "sms",
    "hotline", "helpline", "landline", "voicemail", "telefon", "telefonnummer", "mobil", "handy", "rufnummer",
    "anrufen", "durchwahl", "festnetz", "telefono", "movil", "celular", "telefone", "fone", "telephonique",
    "telefoonnummer", "cellulare", "tlf", "dien thoai", "so dt", "telpon", "telepon", "nomor hp", "telefoon", "gsm",
    "puhelin", "telefonu", "komorka", "cep telefonu", "\u0111i\u1ec7n tho\u1ea1i", "\u0442\u0435\u043b",
    "\u0442\u0435\u043b\u0435\u0444\u043e\u043d", "\u0437\u0432\u043e\u043d",
    "\u043c\u043e\u0431\u0438\u043b\u044c\u043d", "\u0441\u043e\u0442\u043e\u0432", "\u7535\u8bdd", "\u96fb\u8a71",
    "\u624b\u673a", "\u624b\u6a5f", "\u8054\u7cfb", "\u806f\u7d61", "\u62e8\u6253", "\u64a5\u6253", "\u643a\u5e2f",
    "\u643a\u5e36", "\u9023\u7d61", "\u30d5\u30a1\u30c3\u30af\u30b9", "\u4f20\u771f", "\uc804\ud654",
    "\ud734\ub300\ud3f0", "\ud578\ub4dc\ud3f0", "\uc5f0\ub77d", "\u0e42\u0e17\u0e23",
    "\u0e40\u0e1a\u0e2d\u0e23\u0e4c", "\u0647\u0627\u062a\u0641", "\u062c\u0648\u0627\u0644",
    "\u0627\u062a\u0635\u0644", "\u092b\u094b\u0928", "\u092e\u094b\u092c\u093e\u0907\u0932",
    "\u05d8\u05dc\u05e4\u05d5\u05df", "\u03c4\u03b7\u03bb\u03b5\u03c6\u03c9\u03bd\u03bf",
)  # fmt: skip
CALLS = Words(
    *WORDS.words,
    "call",
    "call us",
    "calling",
    "dial",
    "ring",
    "reach",
    "cell",
    "contact",
    "text me",
    "rufen",
    "llame",
    "llamar",
    "llamenos",
    "ligue",
    "fale",
    "appelez",
    "appeler",
    "joindre",
    "portable",
    "chiama",
    "chiamare",
    "chiamate",
    "bel",
    "bellen",
    "zadzwon",
    "cep",
    "numara",
)
_NUMBER_WORDS = Words(
    "number", "numero", "nummer", "no", "nr", "\u53f7\u7801", "\u865f\u78bc", "\u756a\u53f7", reach=16
)
_OTHER_NUMBERS = Words(
    "order", "invoice", "account", "acct", "tracking", "ticket", "case", "serial", "part", "product", "item", "sku",
    "id", "ref", "reference", "transaction", "batch", "lot", "version", "isbn", "issn", "ean", "upc", "gtin", "zip",
    "postcode", "population", "revenue", "policy", "claim", "customer", "member", "\u8ba2\u5355", "\u8a02\u55ae",
    "\u6ce8\u6587", reach=32,
)  # fmt: skip


def _digits(text: str) -> str:
    return "".join(char for char in text if char in "0123456789")


def _international(text: str) -> bool:
    """Check the calling code, and the length of what follows it."""
    number = _digits(re.sub(r"\(0\)", "", without_written_spaces(text)))
    number = number.removeprefix("00")
    for size in (1, 2, 3):
        lengths = _OF_CODE.get(number[:size])
        if lengths is not None:
            rest = number[size:]
            begins_well = rest[:1] != "0" or number[:size] in _KEEPS_ZERO
            return begins_well and lengths[0] <= len(rest) <= lengths[1]
    return False


def _separated_international(text: str) -> bool:
    return not text.isdigit() and _international(text)


def _dialled(text: str) -> bool:
    """Check the length of a number as it is dialled within a country, and that it is no date."""
    return 7 <= len(_digits(text)) <= 13 and re.match(r"\d{1,4}[./-]\d{1,2}[./-](?:19|20)?\d\d(?!\d)", text) is None


def _national(text: str) -> bool:
    return 9 <= len(_digits(text)) <= 11 and _dialled(text)


def _in_brackets(text: str) -> bool:
    return re.match(r"\((?:19|20)\d\d\)", text) is None and _national(text)


PHONE = Kind(
    "phone",
    "PHONE",
    (
        Way(
            rf"(?<![0-9A-Za-z_+]{ESCAPED})\+\d{{1,3}}"
            rf"(?:(?:[ ().\-/\u2010-\u2015]{{0,3}}|{WRITTEN_SPACE})\d){{5,14}}"
            r"(?![0-9A-Za-z_])",
            check=_international,
        ),
        Way(
            rf"{NUMBER_LEFT}{_NO_SIGN}(?<!\.)00[1-9](?:[ ().\-/]{{0,3}}\d){{7,14}}{_RIGHT}",
            check=_separated_international,
        ),
        # with the exit code of North America or Japan, which a word or a separator tells from other numbers
        Way(
            rf"{NUMBER_LEFT}{_NO_SIGN}(?:011|010)[ -][1-9](?:[ ().\-/]{{0,3}}\d){{7,14}}{_RIGHT}",
            check=lambda text: _international(text[3:]),
            near=CALLS,
            unless=_OTHER_NUMBERS,
        ),
        # North America
        Way(rf"{NUMBER_LEFT}{_NO_SIGN}(?:1[ .-])?[2-9]\d\d(?:-[2-9]\d\d-|\.[2-9]\d\d\.)\d{{4}}{_RIGHT}"),
        Way(r"(?<![0-9A-Za-z_)])(?:1[ .-]?)?\([2-9]\d\d\) ?[2-9]\d\d[ .-]\d{4}" + _RIGHT),
        # an area in brackets, as in Germany, Brazil, Turkey and Russia
        Way(
            rf"(?<![0-9A-Za-z_)])\(0?\d{{2,4}}\) ?\d{{2,5}}(?:[ -]?\d{{2,5}}){{1,3}}{_RIGHT}",
            check=lambda text: ("-" in text or text.startswith("(0")) and _in_brackets(text),
        ),
        Way(
            rf"{NUMBER_LEFT}[078] ?\(\d{{3,4}}\) ?\d{{2,4}}(?:[ -]?\d{{2,3}}){{1,3}}{_RIGHT}",
            check=lambda text: len(_digits(text)) in (10, 11),
        ),
        # with a leading zero and hyphens, dots or a slash
        Way(rf"{NUMBER_LEFT}{_NO_SIGN}0\d{{1,4}}-\d{{2,4}}-\d{{3,4}}{_RIGHT}", check=_national),
        Way(rf"{NUMBER_LEFT}{_NO_SIGN}0[1-9]\d{{0,3}}[/-] ?\d{{6,8}}{_RIGHT}", check=_national),
        Way(rf"{NUMBER_LEFT}{_NO_SIGN}0[1-9](?:(?:\.\d\d){{4}}|(?:-\d\d){{4}}){_RIGHT}"),
        Way(rf"{NUMBER_LEFT}{_NO_SIGN}1[3-9]\d-\d{{4}}-\d{{4}}{_RIGHT}"),
        # digits alone, after their name
        Way(
            rf"{NUMBER_LEFT}{_NO_SIGN}{_NOT_WITHIN}\d(?:[ ().\-/]{{0,2}}\d){{6,12}}{_RIGHT}",
            check=_dialled,
            near=WORDS,
            unless=_OTHER_NUMBERS,
        ),
        Way(
            rf"{NUMBER_LEFT}{_NO_SIGN}"
            r"(?:[2-9]\d\d \d{3} \d{4}|1[38]00 \d{3} \d{3}|0[1-9](?: ?\d){8,9}|[2-9]\d{9})"
            rf"(?! ?\d){_RIGHT}",
            near=CALLS,
            unless=_OTHER_NUMBERS,
        ),
        # over two lines
        Way(
            rf"(?<![0-9A-Za-z_)+/-])(?:\+(?=\d)|\((?=\d{{2,4}}\)))?\d(?:[ ().\-/]{{0,2}}\d){{1,10}}[ ().\-/]{{0,2}}"
            rf"{NEXT_LINE}\(?\d(?:[ ().\-/]{{0,2}}\d){{2,10}}{_RIGHT}",
            check=lambda text: _international(text) if text.startswith("+") else _national(text),
            near=CALLS,
            unless=_OTHER_NUMBERS,
        ),
        Way(rf"{NUMBER_LEFT}1[3-9]\d{{9}}{_RIGHT}", near=_NUMBER_WORDS, unless=_OTHER_NUMBERS),
    ),
    summary="telephone number",
    form="`+` and a calling code of ITU-T E.164; `(area) number`; North American `NPA-NXX-XXXX`; with a leading zero "
    "and hyphens; digits or groups of them after a word",
    checksum="calling code, length and first digit; no date",
)
