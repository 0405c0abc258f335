"""Where one configured model is reached, and what must appear in no message about it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from handrail.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from handrail import ProviderContext

_TOKEN = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*|\bya29\.[\w.-]+")
"""What services of identity issue: JSON web tokens, and Google's."""
_SHORTEST_SECRET = 6
"""Shorter ones, such as "none" for a server on this machine, also occur in messages as words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One model at one server.

    Attributes:
        engine: as the configuration names it.
        model: the model's name.
        base_url: where the server is; None if the SDK's client knows it.
        ca_file: a certificate authority to trust.
        key_variable: the environment variable that holds the key, or would; for messages.
        key: the key; None if the server needs none.
        secrets: what must appear in no message, as `secrets_of` returns it.
    """

    engine: str
    model: str
    base_url: str | None
    ca_file: Path | None = None
    key_variable: str | None = None
    key: str | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def scrubbed(self, text: str) -> str:
        """Return the text without any secret that a server has repeated in it."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return _TOKEN.sub("***", text)


def secrets_of(*values: object) -> tuple[str, ...]:
    """Return those values that are secrets, also as an address has them, the longest first."""
    told = {value for value in values if isinstance(value, str) and len(value) >= _SHORTEST_SECRET}
    written = told | {quote(value, safe="") for value in told} | {quote_plus(value) for value in told}
    return tuple(sorted(written, key=lambda value: (-len(value), value)))


def ca_file_of(name: str | None, context: ProviderContext, label: str) -> Path | None:
    """Return the file of a certificate authority, which is relative to the configuration's folder.

    Raises:
        ConfigurationError: it is not a file.
    """
    found = context.base_path / name if name else None
    if found is not None and not found.is_file():
        raise ConfigurationError(f"{label}: 'ca_file' is {str(found)!r}, which is not a file")
    return found
