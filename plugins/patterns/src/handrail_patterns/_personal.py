"""Personal data: how it is written, and what makes it valid."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address

from handrail_patterns._checksums import iso7064_mod97, payment_card
from handrail_patterns._kind import Kind
from handrail_patterns._national import NATIONAL_IDS

_GAP = r"[ .\-\u2010-\u2015\u2212]{0,2}"
_PHONE_GAP = r"[ ().\-/\u2010-\u2015]{0,3}"
_NUMBER_LEFT = r"(?<!\d)(?<!\d[.,])"
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = rf"(?:{_OCTET}\.){{3}}{_OCTET}"
_HEX = "[0-9A-Fa-f]"

_IBAN_LENGTHS = {
    15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
}  # fmt: skip


def _iban() -> str:
    """Write the pattern country by country: only the country tells where an IBAN ends."""
    by_country = (
        f"(?<={codes.replace(' ', '|')})(?:[ -]{{0,2}}[0-9A-Z]){{{length - 2}}}"
        for length, codes in _IBAN_LENGTHS.items()
    )
    return rf"(?<![0-9A-Za-z])[A-Z](?=[A-Z][ -]{{0,2}}\d\d)[A-Z](?:{'|'.join(by_country)})(?![0-9A-Z])"


def _ip(text: str) -> bool:
    if ":" not in text:
        return True
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return any(char.isdigit() for char in text)


def _not_a_date(text: str) -> bool:
    return re.match(r"0\d[./-][01]\d[./-](?:19|20)\d\d(?!\d)", text) is None


PERSONAL_DATA: tuple[Kind, ...] = (
    Kind(
        "email",
        "EMAIL",
        r"(?<![0-9A-Za-z])\w(?=[\w.%+'&-]{0,255}@)[\w.%+'&-]{0,255}@(?:[\w-]{1,63}\.){1,8}(?:xn--[\w-]{2,59}|[^\W\d_]{2,63})",
        summary="e-mail address",
    ),
    Kind(
        "payment_card",
        "CARD",
        rf"{_NUMBER_LEFT}[2-68]\d{{3}}(?:{_GAP}\d{{4}}){{3}}(?!\d)",
        payment_card,
        "payment card number, with Luhn's check digit",
        more=(
            rf"{_NUMBER_LEFT}3[47]\d{{2}}{_GAP}\d{{6}}{_GAP}\d{{5}}(?!\d)",
            rf"{_NUMBER_LEFT}3[068]\d{{2}}{_GAP}\d{{6}}{_GAP}\d{{4}}(?!\d)",
            rf"{_NUMBER_LEFT}[4-68]\d{{3}}(?:{_GAP}\d{{4}}){{3}}{_GAP}\d{{3}}(?!\d)",
            rf"{_NUMBER_LEFT}[3-6](?:{_GAP}\d){{15}}(?!\d)",
        ),
    ),
    Kind("iban", "IBAN", _iban(), iso7064_mod97, "international bank account number, with its check digits"),
    Kind(
        "ip_address",
        "IP",
        rf"(?<![\w.]){_IPV4}(?!\w|\.\d)",
        _ip,
        "IP address, version 4 or 6",
        more=(
            rf"(?<![\w:.])(?:{_HEX}{{1,4}}:|:(?=:))(?:{_HEX}{{0,4}}:){{1,6}}(?:{_IPV4}|{_HEX}{{1,4}}|(?<=::))(?![\w:])",
        ),
    ),
    Kind(
        "mac_address",
        "MAC",
        rf"(?<![\w:-]){_HEX}{{2}}(?:[:-]{_HEX}{{2}}){{5}}(?:(?:[:-]{_HEX}{{2}}){{2}})?(?!\w|[:-]{_HEX})",
        summary="hardware address of a network interface",
        more=(rf"(?<![\w.]){_HEX}{{4}}\.{_HEX}{{4}}\.{_HEX}{{4}}(?!\w|\.\w)",),
    ),
    Kind(
        "url_credentials",
        "URL_CREDENTIALS",
        r"(?<![0-9A-Za-z])[A-Za-z](?=[A-Za-z0-9+.-]{1,20}:)[A-Za-z0-9+.-]{1,20}://[^\s/?#@:]{0,128}:[^\s/?#@]{1,256}@[\w.:%\[\]-]{0,254}[\w\]]",
        summary="URL with a user name and a password, up to the end of its host",
    ),
    *NATIONAL_IDS,
    Kind(
        "phone",
        "PHONE",
        rf"(?<![\w+])\+\d(?:{_PHONE_GAP}\d){{7,14}}(?!\d)",
        summary="telephone number: international, North American, or national with a leading zero",
        more=(
            rf"{_NUMBER_LEFT}(?<![\w+-])(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])[2-9]\d\d[ .-]\d{{4}}(?!\d)",
            rf"{_NUMBER_LEFT}(?<![\w:/+-])(?:0[1-9]|00[1-9]|\(0[1-9])(?:{_PHONE_GAP}\d){{7,11}}(?!\d)",
        ),
        check=_not_a_date,
    ),
)  # fmt: skip
