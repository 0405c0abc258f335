"""National identification numbers: how they are written, and what makes one valid."""

from __future__ import annotations

from handrail_patterns._checksums import date_of, digits, is_date, iso7064_mod11_10, luhn, verhoeff, weighted
from handrail_patterns._kind import Kind

_LEFT = r"(?<![0-9A-Za-z])(?<!\d[.,/-])"
_RIGHT = r"(?![0-9A-Za-z])"
_SPANISH_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_FINNISH_CHARACTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_CHINESE_CHARACTERS = "10X98765432"
_ITALIAN_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def _us_ssn(text: str) -> bool:
    number = "".join(map(str, digits(text)))
    return number[:3] not in ("000", "666") and number[3:5] != "00" and number[5:] != "0000"


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
    number = int(plain[:13].replace("2A", "19").replace("2B", "18"))
    return 97 - number % 97 == int(plain[13:])


def _es_nif(text: str) -> bool:
    plain = "".join(char for char in text if char.isalnum()).upper()
    number = int(plain[:-1].translate(str.maketrans("XYZ", "012")))
    return _SPANISH_LETTERS[number % 23] == plain[-1]


def _it_fiscal_code(text: str) -> bool:
    values = [int(char, 36) - (10 if char.isalpha() else 0) for char in text.upper()]
    odd = sum(_ITALIAN_ODD[value] for value in values[:15:2])
    return (odd + sum(values[1:15:2])) % 26 == values[15]


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


NATIONAL_IDS: tuple[Kind, ...] = (
    Kind("us_ssn", "US_SSN", rf"{_LEFT}[0-8]\d{{2}}[- ]\d{{2}}[- ]\d{{4}}{_RIGHT}", _us_ssn, "US social security"),
    Kind("uk_nhs", "UK_NHS", rf"{_LEFT}\d{{3}}[- ]\d{{3}}[- ]\d{{4}}{_RIGHT}", _uk_nhs, "UK NHS number"),
    Kind(
        "uk_nino",
        "UK_NINO",
        rf"{_LEFT}[A-CEGHJ-PR-TW-Za-ceghj-pr-tw-z][A-CEGHJ-NPR-TW-Za-ceghj-npr-tw-z]"
        rf" ?\d{{2}} ?\d{{2}} ?\d{{2}} ?[A-Da-d]{_RIGHT}",
        _uk_nino,
        "UK national insurance number",
    ),
    Kind("de_tax_id", "DE_TAX_ID", rf"{_LEFT}[1-9]\d ?\d{{3}} ?\d{{3}} ?\d{{3}}{_RIGHT}", _de_tax_id, "German tax id"),
    Kind(
        "fr_nir",
        "FR_NIR",
        rf"{_LEFT}[1-478] ?\d{{2}} ?\d{{2}} ?(?:\d{{2}}|2[ABab]) ?\d{{3}} ?\d{{3}} ?\d{{2}}{_RIGHT}",
        _fr_nir,
        "French social security number",
    ),
    Kind(
        "es_nif",
        "ES_NIF",
        rf"{_LEFT}(?:\d{{8}}|[XYZxyz]-?\d{{7}})-?[A-HJ-NP-TV-Za-hj-np-tv-z]{_RIGHT}",
        _es_nif,
        "Spanish NIF and NIE",
    ),
    Kind(
        "it_fiscal_code",
        "IT_FISCAL_CODE",
        rf"{_LEFT}[A-Za-z]{{6}}\d{{2}}[A-EHLMPRSTa-ehlmprst]\d{{2}}[A-Za-z]\d{{3}}[A-Za-z]{_RIGHT}",
        _it_fiscal_code,
        "Italian fiscal code",
    ),
    Kind(
        "nl_bsn",
        "NL_BSN",
        rf"{_LEFT}\d{{4}}\.\d{{2}}\.\d{{3}}{_RIGHT}",
        _nl_bsn,
        "Dutch citizen service number, with dots or after the word BSN",
        more=tuple(rf"(?<={word})\d{{9}}{_RIGHT}" for word in ("BSN ", "BSN: ", "bsn ", "bsn: ")),
    ),
    Kind(
        "be_national",
        "BE_NATIONAL",
        rf"{_LEFT}\d{{2}}\.\d{{2}}\.\d{{2}}-\d{{3}}[. ]\d{{2}}{_RIGHT}",
        _be_national,
        "Belgian national number",
    ),
    Kind("pl_pesel", "PL_PESEL", rf"{_LEFT}\d{{11}}{_RIGHT}", _pl_pesel, "Polish PESEL"),
    Kind("fi_hetu", "FI_HETU", rf"{_LEFT}\d{{6}}[-+A-FU-Ya-fu-y]\d{{3}}[0-9A-Ya-y]{_RIGHT}", _fi_hetu, "Finnish code"),
    Kind(
        "se_personnummer",
        "SE_PERSONNUMMER",
        rf"{_LEFT}(?:19|20)?\d{{6}}[-+]\d{{4}}{_RIGHT}",
        _se_personnummer,
        "Swedish personal number",
    ),
    Kind("ch_ahv", "CH_AHV", rf"{_LEFT}756[. ]?\d{{4}}[. ]?\d{{4}}[. ]?\d{{2}}{_RIGHT}", _ch_ahv, "Swiss AHV number"),
    Kind("br_cpf", "BR_CPF", rf"{_LEFT}\d{{3}}\.?\d{{3}}\.?\d{{3}}-?\d{{2}}{_RIGHT}", _br_cpf, "Brazilian CPF"),
    Kind(
        "in_aadhaar", "IN_AADHAAR", rf"{_LEFT}[2-9]\d{{3}}[- ]?\d{{4}}[- ]?\d{{4}}{_RIGHT}", verhoeff, "Indian Aadhaar"
    ),
    Kind(
        "cn_resident_id",
        "CN_RESIDENT_ID",
        rf"{_LEFT}[1-8]\d{{5}}(?:19|20)\d{{9}}[0-9Xx]{_RIGHT}",
        _cn_resident_id,
        "Chinese resident identity number",
    ),
    Kind("kr_rrn", "KR_RRN", rf"{_LEFT}\d{{6}}-[1-8]\d{{6}}{_RIGHT}", _kr_rrn, "Korean resident number"),
    Kind("sg_nric", "SG_NRIC", rf"{_LEFT}[STFGMstfgm]\d{{7}}[A-Za-z]{_RIGHT}", _sg_nric, "Singaporean NRIC and FIN"),
    Kind("au_tfn", "AU_TFN", rf"{_LEFT}\d{{3}}[- ]\d{{3}}[- ]\d{{3}}{_RIGHT}", _au_tfn, "Australian tax file number"),
    Kind("ca_sin", "CA_SIN", rf"{_LEFT}[1-79]\d{{2}}[- ]\d{{3}}[- ]\d{{3}}{_RIGHT}", luhn, "Canadian SIN"),
    Kind("tr_identity", "TR_IDENTITY", rf"{_LEFT}[1-9]\d{{10}}{_RIGHT}", _tr_identity, "Turkish identity number"),
    Kind("za_id", "ZA_ID", rf"{_LEFT}\d{{6}} ?\d{{4}} ?[01]\d{{2}}{_RIGHT}", _za_id, "South African identity number"),
)
