"""Pseudonyms: where a user writes an address, the model reads `person-104233@pseudonym.invalid`.

The two sides of the rail, its input and its output, meet in `turn.state`, a mapping that the rail has for each call.
A pseudonym follows from its address: one that was hidden in an earlier call, and is in the history since, is the same.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from handrail import Edit, Ruling, Verdict

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from handrail import RailContext, Turn, Window

    from handrail_conversations.settings import PseudonymsSettings

_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PSEUDONYM = re.compile(r"person-[0-9]{6}@pseudonym\.invalid")
_END = "@pseudonym.invalid"
_LONGEST = len("person-") + 6 + len(_END)


def pseudonyms(settings: PseudonymsSettings, context: RailContext) -> Hiding | Pseudonyms:
    """Make the rail of one side: a window rail for a message, and a stream rail for an answer."""
    return Hiding(settings.salt) if context.direction == "input" else Pseudonyms()


class Hiding:
    """Puts a pseudonym in the place of each address; one that is there twice has one."""

    def __init__(self, salt: str) -> None:
        self._salt = salt

    def check(self, window: Window, turn: Turn) -> Verdict:
        """Judge a message."""
        found = list(_ADDRESS.finditer(window.text))
        edits = [
            Edit(*window.span(*match.span()), _pseudonym(match.group(), self._salt, turn.state)) for match in found
        ]
        return Verdict.rewrite(edits) if edits else Verdict.allow()


class Pseudonyms:
    """Puts addresses back into an answer."""

    def open(self, turn: Turn) -> Restoring:
        """Start an answer."""
        return Restoring(turn.state)


class Restoring:
    """Holds what may be the beginning of a pseudonym, and nothing else."""

    def __init__(self, names: MutableMapping[str, str]) -> None:
        self._names = names
        self._held = ""

    def feed(self, text: str) -> Ruling:
        """Take more, and give what is certain."""
        text = self._held + text
        kept = _held_from(text)
        self._held = text[kept:]
        return Ruling(self._restored(text[:kept]))

    def finish(self) -> Ruling:
        """Return the rest."""
        return Ruling(self._restored(self._held))

    def _restored(self, text: str) -> str:
        return _PSEUDONYM.sub(lambda found: self._names.get(found.group(), found.group()), text)


def _pseudonym(address: str, salt: str, names: MutableMapping[str, str]) -> str:
    digest = hashlib.blake2b(address.encode(errors="replace"), key=salt.encode(), digest_size=8).digest()
    number = int.from_bytes(digest) % 1_000_000
    while names.setdefault(pseudonym := f"person-{number:06}{_END}", address) != address:  # another one has it
        number = (number + 1) % 1_000_000
    return pseudonym


def _held_from(text: str) -> int:
    """Return where the end of a text begins that may be the beginning of a pseudonym."""
    for start in range(max(0, len(text) - _LONGEST + 1), len(text)):
        if _may_begin(text[start:]):
            return start
    return len(text)


def _may_begin(text: str) -> bool:
    word = "person-"
    if len(text) <= len(word):
        return word.startswith(text)
    number, end = text[len(word) : len(word) + 6], text[len(word) + 6 :]
    return number.isascii() and number.isdigit() and _END.startswith(end) and end != _END
