"""Which paths are open to everybody, and under which name each is counted. What is not named here asks for a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Scope

HEALTH = frozenset(("/healthz", "/readyz"))
PAGES = frozenset(("/", "/docs"))
STATIC = "/pages/"
MODEL = "/v1/models/"
CHECKS = "/v1/checks/"
ROUTES = frozenset(
    (
        *HEALTH,
        *PAGES,
        "/metrics",
        "/openapi.json",
        "/v1/chat/completions",
        "/v1/checks",
        "/v1/embeddings",
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/v1/models",
        "/v1/rails/configs",
        "/v1/responses",
    )
)


def local_path(scope: Scope, prefix: str) -> str | None:
    """Return the path below everything that the application is mounted under; None if it is outside of it.

    The router takes `root_path` off in the same way, so what is open here is what the router serves as open.
    """
    path: str = scope["path"]
    below: str = scope.get("root_path", "")
    if below and path.startswith(below) and path[len(below) : len(below) + 1] in ("", "/"):
        path = path[len(below) :]
    if prefix and not f"{path}/".startswith(f"{prefix}/"):
        return None
    return path.removeprefix(prefix) or "/"


def is_health(path: str | None) -> bool:
    """Return whether the path only says how the process is."""
    return path in HEALTH


def is_open(method: str, path: str | None) -> bool:
    """Return whether anybody may ask: for health, for the options of a path, and for the files of the pages."""
    if method == "OPTIONS":
        return True
    if method not in ("GET", "HEAD") or path is None:
        return False
    return path in HEALTH or path in PAGES or path.startswith(STATIC)


def route_of(path: str | None) -> str:
    """Return the name under which a request is counted: a few names, whatever clients ask for."""
    if path in ROUTES:
        return str(path)
    if path is not None and path.startswith(CHECKS):
        return f"{CHECKS}{{platform}}"
    return f"{MODEL}{{id}}" if path is not None and path.startswith(MODEL) else "other"
