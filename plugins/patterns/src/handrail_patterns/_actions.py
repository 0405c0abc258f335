"""What happens to a match: block, redact, hash, mask or flag."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

ActionName: TypeAlias = Literal["block", "redact", "hash", "mask", "flag"]

STRICTEST_FIRST: tuple[ActionName, ...] = get_args(ActionName)
"""Where matches overlap, the strictest action is taken for all of the text that they cover."""

_DIGEST_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class Action:
    """What to do with a match.

    Attributes:
        name: which action.
        label: what stands in for the text, without brackets: `EMAIL` gives `[EMAIL]`, or `[EMAIL:1f0c...]` for a hash.
        replacement: for "redact": what stands in for the text instead of `[LABEL]`.
        keep: for "mask": how many letters and digits stay, counted from the end.
        key: for "hash": the key.
    """

    name: ActionName
    label: str
    replacement: str | None = None
    keep: int = 4
    key: bytes = field(default=b"", repr=False)

    @property
    def rank(self) -> int:
        """0 for the strictest."""
        return STRICTEST_FIRST.index(self.name)

    def apply(self, text: str) -> str:
        """Return what is delivered in place of this text; only for "redact", "hash" and "mask"."""
        if self.name == "mask":
            return _masked(text, self.keep)
        if self.name == "hash":
            digest = hmac.new(self.key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
            return f"[{self.label}:{digest[:_DIGEST_CHARACTERS]}]"
        return f"[{self.label}]" if self.replacement is None else self.replacement


def _masked(text: str, keep: int) -> str:
    """Put asterisks for letters and digits. Too short a text keeps nothing: what stays must be the smaller half."""
    total = sum(char.isalnum() for char in text)
    hidden = total if keep * 2 > total else total - keep
    masked = []
    for char in text:
        hide = char.isalnum() and hidden > 0
        hidden -= hide
        masked.append("*" if hide else char)
    return "".join(masked)
