"""Personal data: how it is written, and what makes it valid."""

from __future__ import annotations

import re

from handrail_patterns._checksums import iso7064_mod97, payment_card
from handrail_patterns._context import Words
from handrail_patterns._edges import LEFT, NEXT_LINE, NOT_A_FRACTION, RIGHT, WRITTEN_SPACE, without_written_spaces
from handrail_patterns._email import EMAIL
from handrail_patterns._ip import IP_ADDRESS, MAC_ADDRESS
from handrail_patterns._kind import Kind, Way
from handrail_patterns._national import NATIONAL_IDS
from handrail_patterns._phone import PHONE
from handrail_patterns._urls import URL_CREDENTIALS

_GAP = rf"(?:[ .\-_\u00b7\u2010-\u2015\u2212]{{0,3}}|\\[-_.]|\+|{WRITTEN_SPACE})"
_CARD_LEFT = r"(?<!\d)(?<!\d[,.A-Za-z])(?<![^A-Za-z]\.)"
_CARD_RIGHT = rf"(?![0-9A-Za-z])(?![,-]\d){NOT_A_FRACTION}"
_CARD_WORDS = Words(
    "card", "cards", "card number", "credit", "debit", "visa", "mastercard", "amex", "american express", "diners",
    "discover", "maestro", "unionpay", "jcb", "pan", "cc", "kreditkarte", "karte", "kartennummer", "carte", "carta",
    "tarjeta", "cartao", "kaart", "kort", "karta", "kart", "\u043a\u0430\u0440\u0442", "\u5361",
    "\u30ab\u30fc\u30c9", "\uce74\ub4dc", "\u0e1a\u0e31\u0e15\u0e23", "\u0628\u0637\u0627\u0642",
)  # fmt: skip

_IBAN_GAP = rf"(?:[ ._/-]{{0,2}}|{WRITTEN_SPACE})"
_IBAN_LENGTHS = {
    15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
}  # fmt: skip


def _iban() -> str:
    """Write the pattern country by country: only the country tells where an IBAN ends."""
    by_country = (
        f"(?i:(?<={codes.replace(' ', '|')}))(?:(?:{_IBAN_GAP}|{NEXT_LINE})[0-9A-Za-z]){{{length - 2}}}"
        for length, codes in _IBAN_LENGTHS.items()
    )
    return rf"{LEFT}(?:[A-Z](?=[A-Z]{_IBAN_GAP}\d\d)|[A-Za-z](?=[A-Za-z]\d\d))[A-Za-z](?:{'|'.join(by_country)}){RIGHT}"


_NO_DIGIT = re.compile("[^0-9]+")


def _issued(text: str) -> bool:
    """Check that a card's number is in a range that a network issues, and its check digit."""
    number = _NO_DIGIT.sub("", without_written_spaces(text))
    first = int(number[:6])
    lengths = next((lengths for low, high, lengths in _ISSUERS if low <= first <= high), ())
    return len(number) in lengths and payment_card(number)


_ISSUERS = (
    (222100, 272099, (16,)), (300000, 305999, (14, 16)), (309500, 309599, (14, 16)), (340000, 349999, (15,)),
    (352800, 358999, (16,)), (360000, 369999, (14,)), (370000, 379999, (15,)), (380000, 399999, (14, 16)),
    (400000, 499999, (13, 16, 19)), (500000, 509999, (16,)), (510000, 559999, (16,)), (560000, 589999, (16, 19)),
    (601100, 601199, (16, 19)), (620000, 629999, (16, 17, 18, 19)), (630000, 639999, (16, 19)),
    (644000, 659999, (16, 19)), (670000, 679999, (16, 19)), (810000, 817199, (16, 19)),
)  # fmt: skip


def _card(pattern: str, near: Words | None = None) -> Way:
    return Way(_CARD_LEFT + pattern + _CARD_RIGHT, check=_issued, near=near)


PAYMENT_CARD = Kind(
    "payment_card",
    "CARD",
    (
        _card(rf"[2-68]\d{{3}}(?:{_GAP}\d{{4}}){{3}}"),
        _card(rf"3[47]\d{{2}}{_GAP}(?:\d{{6}}{_GAP}\d{{5}}|\d{{4}}{_GAP}\d{{4}}{_GAP}\d{{3}})"),
        _card(rf"3[0689]\d{{2}}{_GAP}(?:\d{{6}}{_GAP}\d{{4}}|\d{{4}}{_GAP}\d{{4}}{_GAP}\d{{2}})"),
        _card(r"[4-68]\d{3}(?:[ .-]\d{4}){3}[ .-]\d{3}"),
        _card(r"62\d{4}[ .-]\d{13}"),
        _card(r"[3-68](?:[ \t_/.\u00b7-]{0,3}\d){12,18}", _CARD_WORDS),
        _card(rf"[2-68](?:[ .-]?\d){{2,16}}[ .-]?{NEXT_LINE}\d(?:[ .-]?\d){{1,15}}", _CARD_WORDS),
    ),
    summary="payment card number",
    form="16 digits in fours, 15 as 4-6-5 or 4-4-4-3, 14 as 4-6-4, 19 in fours, or without gaps; "
    "otherwise, and over two lines, after a word",
    checksum="Luhn, and the ranges of the networks",
)

IBAN = Kind(
    "iban",
    "IBAN",
    (Way(_iban(), check=lambda text: iso7064_mod97(without_written_spaces(text))),),
    summary="international bank account number",
    form="country, two check digits, and as many letters and digits as the country has, in groups or not, in any case",
    checksum="ISO 7064 mod 97,10",
)

PERSONAL_DATA: tuple[Kind, ...] = (
    EMAIL,
    PAYMENT_CARD,
    IBAN,
    IP_ADDRESS,
    MAC_ADDRESS,
    URL_CREDENTIALS,
    *NATIONAL_IDS,
    PHONE,
)
