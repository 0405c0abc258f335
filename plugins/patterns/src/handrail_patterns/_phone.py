"""Telephone numbers: how they are written in the world, and which could be dialled."""

from __future__ import annotations

import re

from handrail_patterns._context import Words
from handrail_patterns._edges import ESCAPED, NUMBER_LEFT
from handrail_patterns._kind import Kind, Way

_NOT_WITHIN = r"(?<!\d[ ().\-/])(?<!\d[ ().\-/][ ().\-/])"
_RIGHT = r"(?![0-9A-Za-z_]|[./-]\d)"
_NO_SIGN = r"(?<![+/-])(?<!\d:)"

# The least and the greatest length of numbers after the calling codes of ITU-T E.164 (fixed and mobile lines).
_LENGTHS: dict[tuple[int, int], str] = {
    (10, 10): "1 7 52 58 57 234", (8, 10): "20 60 62 66 84 880 964", (9, 9): "27 31 33 34 48 94 211 212 213 218 221"
    " 233 237 240 243 244 249 250 251 254 255 256 258 260 261 263 351 380 420 971 972 992 994 995 996 998",
    (10, 12): "30", (6, 9): "32 36 40 41 46 47 51 61 63 64 354 355 385 386 387 389 674 676 677 678 682 685 687 689",
    (6, 12): "39 43 49", (9, 10): "44 55 91 92 56", (8, 8): "45 65 216 222 223 226 227 228 229 232 235 236 248 252"
    " 257 266 350 356 357 370 371 373 374 375 500 503 504 505 506 507 509 852 853 965 968 970 973 974 975 993",
    (8, 12): "53 54 81 82 86 95 98 358 372 886", (9, 11): "93 353 359 381 382 383 421",
    (7, 9): "220 224 225 230 231 238 239 241 242 245 246 253 262 264 265 267 268 269 290 291 297 298 299 352 376 377"
    " 501 502 508 590 591 592 593 594 595 596 597 598 599 670 672 673 675 679 680 681 683 688 690 691 692 850 855 856"
    " 960 961 962 963 966 967 976 977 800 808 870 878 881 882 883",
}  # fmt: skip
_OF_CODE = {code: lengths for lengths, codes in _LENGTHS.items() for code in codes.split()} | {
    "90": (10, 10), "375": (9, 9), "225": (10, 10), "229": (8, 10), "55": (10, 11), "84": (9, 10), "62": (8, 12),
}  # fmt: skip
_KEEPS_ZERO = frozenset(("39", "225", "229", "241", "242", "378"))

WORDS = Words(
    "tel", "telephone", "phone", "phone number", "cellphone", "mobile", "mobile number", "fax", "whatsapp", "sms",
    "hotline", "helpline", "landline", "voicemail", "telefon", "telefonnummer", "mobil", "handy", "rufnummer",
    "anrufen", "durchwahl", "festnetz", "telefono", "movil", "celular", "telefone", "fone", "telephonique",
    "telefoonnummer", "cellulare", "telefoon", "gsm", "puhelin", "telefonu", "komorka", "cep telefonu",
    "\u0442\u0435\u043b", "\u0442\u0435\u043b\u0435\u0444\u043e\u043d", "\u0437\u0432\u043e\u043d",
    "\u043c\u043e\u0431\u0438\u043b\u044c\u043d", "\u0441\u043e\u0442\u043e\u0432",
    "\u7535\u8bdd", "\u96fb\u8a71", "\u624b\u673a", "\u624b\u6a5f", "\u8054\u7cfb", "\u806f\u7d61", "\u62e8\u6253",
    "\u64a5\u6253", "\u643a\u5e2f", "\u643a\u5e36", "\u9023\u7d61", "\u30d5\u30a1\u30c3\u30af\u30b9",
    "\u4f20\u771f", "\uc804\ud654", "\ud734\ub300\ud3f0", "\ud578\ub4dc\ud3f0", "\uc5f0\ub77d", "\u0e42\u0e17\u0e23",
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
    number = _digits(re.sub(r"\(0\)", "", text))
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
            rf"(?<![0-9A-Za-z_+]{ESCAPED})\+\d{{1,3}}(?:[ ().\-/\u2010-\u2015]{{0,3}}\d){{5,14}}(?![0-9A-Za-z_])",
            check=_international,
        ),
        Way(
            rf"{NUMBER_LEFT}{_NO_SIGN}(?<!\.)00[1-9](?:[ ().\-/]{{0,3}}\d){{7,14}}{_RIGHT}",
            check=_separated_international,
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
        Way(rf"{NUMBER_LEFT}{_NO_SIGN}0[1-9](?:\.\d\d){{4}}{_RIGHT}"),
        Way(rf"{NUMBER_LEFT}{_NO_SIGN}1[3-9]\d-\d{{4}}-\d{{4}}{_RIGHT}"),
        # digits alone, after their name
        Way(
            rf"{NUMBER_LEFT}{_NO_SIGN}{_NOT_WITHIN}\d(?:[ ().\-/]{{0,2}}\d){{6,12}}{_RIGHT}",
            check=_dialled,
            near=WORDS,
            unless=_OTHER_NUMBERS,
        ),
        Way(
            rf"{NUMBER_LEFT}{_NO_SIGN}(?:[2-9]\d\d \d{{3}} \d{{4}}|0[1-9](?: ?\d){{8,9}}|[2-9]\d{{9}})(?! ?\d){_RIGHT}",
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
