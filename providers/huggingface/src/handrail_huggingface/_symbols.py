"""Special tokens in text: each that has a meaning here is one character, which no text of the model can contain."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CHARACTERS = (*map(chr, chain(range(0xFDD0, 0xFDF0), range(0x10FF00, 0x10FFFE))),)
"""Unicode's non-characters, which are for such use inside a program, and the end of the last private plane."""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class Symbols:
    """The special tokens that occur in some strings, as characters.

    So a tag or a stop string that is a special token is found where the model wrote that token, and not where it spelt
    its name.

    Attributes:
        of_token: the character of each token.
    """

    def __init__(self, special: Mapping[str, int], strings: Iterable[str]) -> None:
        """`special` has the ids of all special tokens by their text."""
        joined = "\0".join(strings)
        names = [name for name in special if name and name in joined]
        self._of_name = dict(zip(sorted(names, key=len, reverse=True), _CHARACTERS, strict=False))
        self._names = re.compile("|".join(map(re.escape, self._of_name)) or r"(?!)")
        self._characters = re.compile(f"[{''.join(self._of_name.values())}]" if self._of_name else r"(?!)")
        self.of_token = {special[name]: character for name, character in self._of_name.items()}

    def encode(self, string: str) -> str:
        """Return the string with its special tokens as characters."""
        return self._names.sub(lambda match: self._of_name[match[0]], string)

    def clean(self, text: str) -> str:
        """Return what the model wrote as text without characters that stand for a token."""
        return self._characters.sub(REPLACEMENT, text) if self._of_name else text

    def visible(self, text: str, *, but: str = "") -> str:
        """Return the text without special tokens, apart from some."""
        if not self._of_name:
            return text
        return self._characters.sub(lambda match: match[0] if match[0] in but else "", text)
