"""The server as an ASGI application, with the defaults that clients of the original rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handrail_server import Policy, ServerSettings, server_command
from handrail_server import create_app as handrail_app

from nemoguardrails._missing import names_of
from nemoguardrails.server._protocol import NemoProtocol

if TYPE_CHECKING:
    from handrail import Registry

POLICY = {"rails": True, "log": ("activated_rails", "internal_events", "colang_history"), "context": True}
"""What clients may ask for unless the operator says otherwise. The log of requests to models stays inside: it has the
text of answers that were blocked."""


_LARGEST = 2**20  # more would keep other requests waiting while it is read


def settings(**given: Any) -> ServerSettings:
    """Return the server's settings, with this package's policy where none is given."""
    return ServerSettings(**{"policy": Policy(**POLICY), **given})


def create_app(chosen: ServerSettings, *, registry: Registry | None = None) -> NemoProtocol:
    """Return the server as an ASGI application.

    Args:
        chosen: what the operator decides; `settings()` has the defaults of this package.
        registry: what is installed; by default whatever is found.

    Raises:
        ConfigurationError: there is no configuration, or one that is needed is broken.
    """
    return wrap(handrail_app(chosen, registry=registry), chosen)


def wrap(app: Any, chosen: ServerSettings) -> NemoProtocol:
    """Return an application of Handrail's server as clients of the original know it."""
    return NemoProtocol(app, largest=min(chosen.limits.body_bytes, _LARGEST))


command = server_command(wrap="nemoguardrails.server.api:wrap", defaults={"policy": POLICY})
"""`nemoguardrails server`."""

if not TYPE_CHECKING:  # a type checker must still find a misspelt name
    __getattr__ = names_of(__name__)
