"""Checks of what goes into the first lines of a request: addresses, keys, values of headers. None is ever shown."""

from __future__ import annotations

from urllib.parse import urlsplit

_PATHS = ("/chat/completions", "/responses")


def checked_base_url(url: str) -> str:
    """Give the address without white space around it.

    Raises:
        ValueError: it is no address of a server; the text says why, and shows no password.
    """
    url = url.strip()
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise ValueError("it must not contain a user or password; put them into 'headers'")
    try:
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or any(character.isspace() for character in url):
        raise ValueError(f"{url!r} is no address of a server; write it like 'http://localhost:8000/v1'")
    if parts.query or parts.fragment:
        raise ValueError("it must not contain '?' or '#'; put the query into 'query'")
    for path in _PATHS:
        if parts.path.rstrip("/").endswith(path):
            raise ValueError(f"leave out {path!r} at its end, which is added for each request")
    return url


def checked_header_value(value: str, what: str) -> str:
    """Give the value without white space around it.

    Raises:
        ValueError: it cannot be sent in a header; the text does not show it.
    """
    value = value.strip()
    if not (value.isascii() and value.isprintable()):
        raise ValueError(f"{what} has characters that cannot be sent; it must be printable ASCII in one line")
    return value
