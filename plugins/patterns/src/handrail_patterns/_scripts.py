"""What is to be known of scripts: which write no spaces, which marks belong to them, which letters look alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from string import ascii_lowercase

_SMALL_CAPITALS = (
    "\u1d00\u0299\u1d04\u1d05\u1d07\ua730\u0262\u029c\u026a\u1d0a\u1d0b\u029f\u1d0d\u0274\u1d0f\u1d18\ua7af\u0280\ua731"
    "\u1d1b\u1d1c\u1d20\u1d21x\u028f\u1d22"
)
_ENCLOSED_FIRST = (0x1F130, 0x1F150, 0x1F170, 0x1F1E6)  # squared, negative circled, negative squared, flags

ENCLOSED_AND_SMALL: dict[int, str] = {
    ord(letter): plain for letter, plain in zip(_SMALL_CAPITALS, ascii_lowercase, strict=True) if letter != plain
} | {first + place: letter for first in _ENCLOSED_FIRST for place, letter in enumerate(ascii_lowercase)}
"""Small capitals and letters in circles and squares, as far as no compatibility form says what they are."""

# Tibetan and Myanmar write no spaces between words either; Korean does, but joins particles to them.
DENSE = (
    "\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3040-\u318f"
    "\u31a0-\u31ff\u3400-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U0001b000-\U0003ffff"
)
"""The letters of scripts without spaces between words, as a set of a regular expression."""


_DENSE = re.compile(f"[{DENSE}]")
_BLOCKS_WITH_VOWEL_SIGNS = (
    (0x900, 0x10A0), (0x1700, 0x1800), (0x1900, 0x1AB0), (0x1B00, 0x1D00), (0x3099, 0x309B), (0xA800, 0xAC00),
    (0x11000, 0x12000),
)  # fmt: skip


def is_dense(char: str) -> bool:
    """Return whether a letter belongs to a script in which words stand side by side."""
    return char >= "\u0e00" and _DENSE.match(char) is not None


@lru_cache(maxsize=1)
def script_marks() -> re.Pattern[str]:
    """Compile the marks that are parts of a script, such as vowel signs, and not put on any letter."""
    return re.compile(f"[{''.join(_marks_of_scripts())}]")


def _marks_of_scripts() -> Iterator[str]:
    for first, end in _BLOCKS_WITH_VOWEL_SIGNS:
        for char in map(chr, range(first, end)):
            if unicodedata.category(char).startswith("M"):
                yield char


def continues(char: str) -> bool:
    """Return whether a character never begins a word: a mark, or a vowel or final consonant of Korean."""
    return "\u1160" <= char <= "\u11ff" or (not char.isascii() and unicodedata.category(char).startswith("M"))


def is_part_of_its_script(mark: str, base: str) -> bool:
    """Return whether a mark follows a letter of its own script, of which it is then a part, such as a vowel sign."""
    return base != "" and _script(mark) == _script(base)


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    """Return the first word of a character's name, which for letters and marks is the script's."""
    name = unicodedata.name(char, "").split(" ")[0]
    return "KANA" if name in ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "COMBINING", "HALFWIDTH") else name


@lru_cache(maxsize=1)
def homoglyphs() -> dict[int, str]:
    """Read the letters of other alphabets that look like Latin ones."""
    found: dict[int, str] = {}
    for line in files("handrail_patterns").joinpath("homoglyphs.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            letter, alike = line.split(" ")
            found |= {ord(char): letter for char in alike}
    return found
