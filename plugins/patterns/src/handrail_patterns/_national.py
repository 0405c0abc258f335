"""National identification numbers: how they are written, and what makes one valid."""

from __future__ import annotations

from collections.abc import Callable

from handrail_patterns._checksums import date_of, digits, is_date, iso7064_mod11_10, luhn, verhoeff, weighted
from handrail_patterns._context import Words
from handrail_patterns._edges import NUMBER_LEFT, NUMBER_RIGHT
from handrail_patterns._kind import Kind, Way

_SPANISH_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_FINNISH_CHARACTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_CHINESE_CHARACTERS = "10X98765432"
_ITALIAN_DIGITS = str.maketrans("LMNPQRSTUV", "0123456789")
_ITALIAN_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def _us_ssn(text: str) -> bool:
    number = "".join(map(str, digits(text)))
    return number[:3] not in ("000", "666") and number[3:5] != "00" and number[5:] != "0000"


def _us_itin(text: str) -> bool:
    group = int("".join(map(str, digits(text)))[3:5])
    return 50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99


def _uk_nhs(text: str) -> bool:
    numbers = digits(text)
    return (11 - weighted(numbers, range(10, 1, -1)) % 11) % 11 == numbers[9]


def _uk_nino(text: str) -> bool:
    return text[:2].upper() not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")


def _de_tax_id(text: str) -> bool:
    numbers = digits(text)
    most = max(numbers[:10].count(number) for number in set(numbers[:10]))
    return most in (2, 3) and iso7064_mod11_10(numbers)


def _fr_nir(text: str) -> bool:
    plain = "".join(char for char in text if char.isalnum()).upper()
    if not (1 <= int(plain[3:5]) <= 12 or int(plain[3:5]) >= 20):
        return False
    number = int(plain[:13].replace("2A", "19").replace("2B", "18"))
    return 97 - number % 97 == int(plain[13:])


def _es_nif(text: str) -> bool:
    plain = "".join(char for char in text if char.isalnum()).upper()
    number = int(plain[:-1].translate(str.maketrans("XYZ", "012")))
    return _SPANISH_LETTERS[number % 23] == plain[-1]


def _it_fiscal_code(text: str) -> bool:
    plain = text.upper()
    day = int(plain[9:11].translate(_ITALIAN_DIGITS))
    values = [int(char, 36) - (10 if char.isalpha() else 0) for char in plain]
    odd = sum(_ITALIAN_ODD[value] for value in values[:15:2])
    return (1 <= day <= 31 or 41 <= day <= 71) and (odd + sum(values[1:15:2])) % 26 == values[15]


def _nl_bsn(text: str) -> bool:
    numbers = digits(text)
    return any(numbers) and weighted(numbers, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def _be_national(text: str) -> bool:
    number = "".join(map(str, digits(text)))
    check = int(number[9:])
    return any(97 - int(century + number[:9]) % 97 == check for century in ("", "2"))


def _pl_pesel(text: str) -> bool:
    numbers = digits(text)
    year, month, day = date_of(numbers)
    return is_date(year, month % 20, day) and weighted(numbers, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def _fi_hetu(text: str) -> bool:
    numbers = digits(text[:6] + text[7:10])
    day, month, year = date_of(numbers)
    number = int("".join(map(str, numbers)))
    return is_date(year, month, day) and _FINNISH_CHARACTERS[number % 31] == text[-1].upper()


def _se_personnummer(text: str) -> bool:
    numbers = digits(text)[-10:]
    year, month, day = date_of(numbers)
    return is_date(year, month, day % 60) and luhn("".join(map(str, numbers)))


def _ch_ahv(text: str) -> bool:
    return weighted(digits(text), (1, 3) * 6 + (1,)) % 10 == 0


def _br_cpf(text: str) -> bool:
    numbers = digits(text)
    if len(set(numbers)) == 1:
        return False
    first = weighted(numbers[:9], range(10, 1, -1)) * 10 % 11 % 10
    second = weighted(numbers[:10], range(11, 1, -1)) * 10 % 11 % 10
    return [first, second] == numbers[9:]


def _cn_resident_id(text: str) -> bool:
    numbers = digits(text[:17])
    total = weighted(numbers, [2**place % 11 for place in range(17, 0, -1)])
    return is_date(*_long_date(numbers[6:14])) and _CHINESE_CHARACTERS[total % 11] == text[-1].upper()


def _long_date(numbers: list[int]) -> tuple[int, int, int]:
    return date_of(numbers[2:])


def _kr_rrn(text: str) -> bool:
    return is_date(*date_of(digits(text)))


def _sg_nric(text: str) -> bool:
    plain = text.upper()
    total = weighted(digits(plain), (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(plain[0], 0)
    letters = {"S": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "M": "XWUTRQPNJLK"}
    place = total % 11
    table = letters[{"T": "S", "G": "F"}.get(plain[0], plain[0])]
    return table[10 - place if plain[0] == "M" else place] == plain[-1]


def _au_tfn(text: str) -> bool:
    return weighted(digits(text), (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def _tr_identity(text: str) -> bool:
    numbers = digits(text)
    tenth = (7 * sum(numbers[0:9:2]) - sum(numbers[1:8:2])) % 10
    return [tenth, sum(numbers[:10]) % 10] == numbers[9:]


def _za_id(text: str) -> bool:
    return is_date(*date_of(digits(text))) and luhn(text)


_SSN = Words("ssn", "social security", "social security number", "soc sec", "social", "itin", "taxpayer id", "tin")
_NHS = Words("nhs", "nhs number", "health service")
_NINO = Words("nino", "ni number", "national insurance", "nin", "insurance number")
_DE_TAX = Words(
    "steuer-id", "steuerid", "steuer id", "steueridentifikationsnummer", "steuernummer", "idnr",
    "identifikationsnummer", "tax id", "tin",
)  # fmt: skip
_FR_NIR = Words("nir", "securite sociale", "secu", "insee", "carte vitale", "assure social")
_NL_BSN = Words("bsn", "burgerservicenummer", "sofinummer", "sofi", "citizen service number")
_BE = Words("rijksregister", "rijksregisternummer", "registre national", "numero national", "insz", "niss", "nrn")
_PESEL = Words("pesel")
_SE = Words("personnummer", "pnr", "samordningsnummer", "personal number", "fodelsenummer", "personnr")
_AHV = Words("ahv", "avs", "ahv-nr", "ahvn13", "sozialversicherungsnummer", "numero avs", "navs13")
_CPF = Words("cpf", "cadastro de pessoa")
_AADHAAR = Words("aadhaar", "aadhar", "uidai", "uid", "adhaar", "\u0906\u0927\u093e\u0930")
_KR = Words(
    "\uc8fc\ubbfc\ub4f1\ub85d\ubc88\ud638", "\uc8fc\ubbfc\ubc88\ud638", "\uc8fc\ubbfc", "rrn", "resident registration"
)
_TFN = Words("tfn", "tax file number", "tax file", "ato")
_SIN = Words("sin", "social insurance", "nas", "assurance sociale")
_TR = Words("tc kimlik", "tckn", "t.c. kimlik", "kimlik no", "kimlik numarasi", "kimlik", "tc no")
_ZA = Words("sa id", "south african id", "rsa id", "id number", "identity number", "id no")
_SPACED_NINO = "".join(rf" {part}" for part in (r"\d{2}", r"\d{2}", r"\d{2}"))
_ITALIAN_NUMERAL = "[0-9LMNP-Vlmnp-v]"


def _way(
    pattern: str, check: Callable[[str], bool] | None = None, near: Words | None = None, *, left: str = NUMBER_LEFT
) -> Way:
    return Way(left + pattern + NUMBER_RIGHT, check=check, near=near)


def _id(name: str, summary: str, form: str, checksum: str, *ways: Way) -> Kind:
    return Kind(name, name.upper(), ways, summary, form, checksum)


NATIONAL_IDS: tuple[Kind, ...] = (
    _id(
        "us_ssn", "US social security number", "`AAA-GG-SSSS`; with other separators or none after a word",
        "areas, groups and serials that are issued",
        _way(r"[0-8]\d{2}-\d{2}-\d{4}", _us_ssn),
        _way(r"[0-8]\d{2}[ .]?\d{2}[ .]?\d{4}", _us_ssn, _SSN),
        _way(r"9\d{2}[ .-]?\d{2}[ .-]?\d{4}", _us_itin, _SSN),
    ),
    _id(
        "uk_nhs", "UK NHS number", "ten digits, or groups of 3, 3 and 4, after a word", "mod 11",
        _way(r"\d{3}[- ]?\d{3}[- ]?\d{4}", _uk_nhs, _NHS),
    ),
    _id(
        "uk_nino", "UK national insurance number", "`AB123456C` or `AB 12 34 56 C` in capitals; otherwise after a word",
        "prefixes that are issued",
        _way(rf"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?:\d{{6}}|{_SPACED_NINO} )[A-D]", _uk_nino),
        _way(
            r"[A-CEGHJ-PR-TW-Za-ceghj-pr-tw-z][A-CEGHJ-NPR-TW-Za-ceghj-npr-tw-z](?: ?\d){6} ?[A-Da-d]", _uk_nino, _NINO
        ),
    ),
    _id(
        "de_tax_id", "German tax id", "eleven digits after a word",
        "ISO 7064 mod 11,10, and its rule on repeated digits",
        _way(r"[1-9]\d ?\d{3} ?\d{3} ?\d{3}", _de_tax_id, _DE_TAX),
    ),
    _id(
        "fr_nir", "French social security number",
        "groups of 1, 2, 2, 2, 3, 3 and 2 with spaces, or a Corsican `2A` or `2B`; digits alone after a word",
        "mod 97, month",
        _way(r"[1-478] \d{2} \d{2} (?:\d{2}|2[ABab]) \d{3} \d{3} \d{2}", _fr_nir),
        _way(r"[1-478]\d{4}2[ABab]\d{8}", _fr_nir),
        _way(r"[1-478] ?\d{2} ?\d{2} ?\d{2} ?\d{3} ?\d{3} ?\d{2}", _fr_nir, _FR_NIR),
    ),
    _id(
        "es_nif", "Spanish NIF and NIE", "eight digits and a letter; `X`, `Y` or `Z`, seven digits and a letter",
        "mod 23",
        _way(r"(?:\d{8}|[XYZxyz]-?\d{7})-?[A-HJ-NP-TV-Za-hj-np-tv-z]", _es_nif),
    ),
    _id(
        "it_fiscal_code", "Italian fiscal code", "`AAABBB00C00D000E`, digits also as the letters of an omocodia",
        "check letter, day",
        _way(
            rf"[A-Za-z]{{6}}{_ITALIAN_NUMERAL}{{2}}[A-EHLMPRSTa-ehlmprst]{_ITALIAN_NUMERAL}{{2}}[A-Za-z]"
            rf"{_ITALIAN_NUMERAL}{{3}}[A-Za-z]",
            _it_fiscal_code,
        ),
    ),
    _id(
        "nl_bsn", "Dutch citizen service number", "`0000.00.000`; nine digits after a word", "mod 11",
        _way(r"\d{4}\.\d{2}\.\d{3}", _nl_bsn, left=r"(?<![0-9A-Za-z./-])"),
        _way(r"\d{9}", _nl_bsn, _NL_BSN),
    ),
    _id(
        "be_national", "Belgian national number", "`00.00.00-000.00`; eleven digits after a word", "mod 97",
        _way(r"\d{2}\.\d{2}\.\d{2}-\d{3}[. ]\d{2}", _be_national),
        _way(r"\d{11}", _be_national, _BE),
    ),
    _id("pl_pesel", "Polish PESEL", "eleven digits after a word", "date, mod 10", _way(r"\d{11}", _pl_pesel, _PESEL)),
    _id(
        "fi_hetu", "Finnish personal identity code", "`DDMMYY`, a sign of the century, three digits, a check sign",
        "date, mod 31", _way(r"\d{6}[-+A-FU-Ya-fu-y]\d{3}[0-9A-Ya-y]", _fi_hetu),
    ),
    _id(
        "se_personnummer", "Swedish personal number", "`YYMMDD-NNNN`, also with the century; digits alone after a word",
        "date, Luhn",
        _way(r"(?:19|20)?\d{6}[-+]\d{4}", _se_personnummer),
        _way(r"(?:19|20)?\d{10}", _se_personnummer, _SE),
    ),
    _id(
        "ch_ahv", "Swiss AHV number", "`756.0000.0000.00`; thirteen digits after a word", "mod 10",
        _way(r"756\.\d{4}\.\d{4}\.\d{2}", _ch_ahv),
        _way(r"756[ ]?\d{4}[ ]?\d{4}[ ]?\d{2}", _ch_ahv, _AHV),
    ),
    _id(
        "br_cpf", "Brazilian CPF", "`000.000.000-00`; eleven digits after a word", "two check digits mod 11",
        _way(r"\d{3}\.\d{3}\.\d{3}-\d{2}", _br_cpf),
        _way(r"\d{3}[. ]?\d{3}[. ]?\d{3}[- ]?\d{2}", _br_cpf, _CPF),
    ),
    _id(
        "in_aadhaar", "Indian Aadhaar", "twelve digits, or groups of four, after a word", "Verhoeff",
        _way(r"[2-9]\d{3}[- ]?\d{4}[- ]?\d{4}", verhoeff, _AADHAAR),
    ),
    _id(
        "cn_resident_id", "Chinese resident identity number", "region, date of birth, three digits and a check sign",
        "date, ISO 7064 mod 11,2", _way(r"[1-8]\d{5}(?:19|20)\d{9}[0-9Xx]", _cn_resident_id),
    ),
    _id(
        "kr_rrn", "Korean resident number", "`YYMMDD-NNNNNNN`; thirteen digits after a word", "date",
        _way(r"\d{6}-[1-8]\d{6}", _kr_rrn),
        _way(r"\d{6}[1-8]\d{6}", _kr_rrn, _KR),
    ),
    _id(
        "sg_nric", "Singaporean NRIC and FIN", "a letter, seven digits and a letter", "check letter",
        _way(r"[STFGMstfgm]\d{7}[A-Za-z]", _sg_nric),
    ),
    _id(
        "au_tfn", "Australian tax file number", "nine digits, or groups of three, after a word", "mod 11",
        _way(r"\d{3}[- ]?\d{3}[- ]?\d{3}", _au_tfn, _TFN),
    ),
    _id(
        "ca_sin", "Canadian SIN", "nine digits, or groups of three, after a word", "Luhn",
        _way(r"[1-79]\d{2}[- ]?\d{3}[- ]?\d{3}", luhn, _SIN),
    ),
    _id(
        "tr_identity", "Turkish identity number", "eleven digits after a word", "two check digits mod 10",
        _way(r"[1-9]\d{10}", _tr_identity, _TR),
    ),
    _id(
        "za_id", "South African identity number", "thirteen digits, or groups of 6, 4 and 3, after a word",
        "date, Luhn",
        _way(r"\d{6} ?\d{4} ?[01]\d{2}", _za_id, _ZA),
    ),
)  # fmt: skip
