"""Certificates for the protocol server that clients must accept, or must refuse."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from handrail.errors import InvalidArgumentError

if TYPE_CHECKING:
    from pathlib import Path

    import trustme


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority of a test's own; nobody trusts it unless given `file`.

    Attributes:
        file: its certificate in PEM, for a client that is to trust it.
    """

    file: Path
    _authority: trustme.CA

    @classmethod
    def create(cls, folder: Path) -> Authority:
        """Make an authority and write its certificate into the folder."""
        import trustme

        InvalidArgumentError.unless(hasattr(folder, "joinpath"), "folder", folder, "a Path")
        authority = trustme.CA()
        file = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(file))
        return cls(file, authority)

    def serve(self, *names: str, expired: bool = False) -> ssl.SSLContext:
        """Return a server's context with a certificate for these names, by default the local ones."""
        names = names or ("localhost", "127.0.0.1")
        past = datetime(2020, 1, 1, tzinfo=UTC) if expired else None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._authority.issue_cert(*names, not_after=past).configure_cert(context)
        return context
