"""Checks of what goes into the first lines of a request: addresses, keys, values of headers. None is ever shown."""

from __future__ import annotations

from urllib.parse import urlsplit


def checked_address(url: str, *, example: str, paths: tuple[str, ...] = ()) -> str:
    """Return the address of a server without white space around it.

    Args:
        url: as it was written.
        example: how to write it, for the error.
        paths: what is added for each request, and must not be at its end.

    Raises:
        ValueError: it is not the address of a server; the text says why, and shows no password.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        named = parts.username is not None or parts.password is not None
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError(f"it is not the address of a server; write it like {example!r}") from None
    if named:
        raise ValueError("it must not contain a user or password; put them into 'headers'")
    if parts.query or parts.fragment:
        raise ValueError("it must not contain '?' or '#'; put the query into 'query'")
    if not valid or any(character.isspace() for character in url):
        raise ValueError(f"{url!r} is not the address of a server; write it like {example!r}")
    for path in paths:
        if parts.path.rstrip("/").endswith(path):
            raise ValueError(f"leave out {path!r} at its end, which is added for each request")
    return url


def checked_header_value(value: str, what: str) -> str:
    """Return the value without white space around it.

    Raises:
        ValueError: it cannot be sent in a header; the text does not show it.
    """
    value = value.strip()
    if not (value.isascii() and value.isprintable()):
        raise ValueError(f"{what} has characters that cannot be sent; it must be printable ASCII in one line")
    return value
