"""Check digits of published numbers. Each function takes the text as it matched, separators and all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_VERHOEFF_PRODUCT = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 2, 3, 4, 0, 6, 7, 8, 9, 5),
    (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7),
    (4, 0, 1, 2, 3, 9, 5, 6, 7, 8),
    (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2),
    (7, 6, 5, 9, 8, 2, 1, 0, 4, 3),
    (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)
_VERHOEFF_TURN = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)  # of each digit, the sum of the digits of its double


def digits(text: str) -> list[int]:
    """Return the digits of a text."""
    return [int(char) for char in text if char in "0123456789"]


def weighted(values: Iterable[int], weights: Sequence[int]) -> int:
    """Add values up, each multiplied by its weight."""
    return sum(value * weight for value, weight in zip(values, weights, strict=False))


def luhn(text: str) -> bool:
    """Check the last digit by Luhn's formula (ISO/IEC 7812-1)."""
    numbers = digits(text)[::-1]
    return (sum(numbers[::2]) + sum([_DOUBLED[number] for number in numbers[1::2]])) % 10 == 0


def payment_card(text: str) -> bool:
    """Check a card number: Luhn's formula, and not all digits the same."""
    return luhn(text) and len(set(digits(text))) > 1


def verhoeff(text: str) -> bool:
    """Check the last digit by Verhoeff's formula."""
    state = 0
    for place, number in enumerate(reversed(digits(text))):
        turned = number
        for _ in range(place % 8):
            turned = _VERHOEFF_TURN[turned]
        state = _VERHOEFF_PRODUCT[state][turned]
    return state == 0


def iso7064_mod97(text: str) -> bool:
    """Check an IBAN (ISO 13616): country and check digits go to the end, letters become numbers, mod 97 is 1."""
    plain = "".join(char for char in text if char.isalnum()).upper()
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def iso7064_mod11_10(numbers: Sequence[int]) -> bool:
    """Check the last digit by ISO 7064, MOD 11,10."""
    state = 10
    for number in numbers[:-1]:
        state = (state + number) % 10 or 10
        state = state * 2 % 11
    return (11 - state) % 10 == numbers[-1]


def is_date(year: int, month: int, day: int) -> bool:
    """Return whether there is such a day; a year of two digits may be of any century."""
    lengths = (31, 29 if year % 4 == 0 else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return 1 <= month <= 12 and 1 <= day <= lengths[month - 1]


def date_of(numbers: Sequence[int]) -> tuple[int, int, int]:
    """Read six digits as three numbers of two."""
    return (numbers[0] * 10 + numbers[1], numbers[2] * 10 + numbers[3], numbers[4] * 10 + numbers[5])
