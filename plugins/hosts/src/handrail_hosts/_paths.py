"""Which protocol is spoken at a path, however a client writes the path."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import parse_qsl, unquote

from handrail import ConfigurationError
from handrail.errors import message_of

from handrail_hosts._dialects import Dialect

_DECODINGS = 8  # a path that is encoded more often is not decoded by anyone
_PLACE = re.compile(r"\\{[^/]*\\}")  # as `re.escape` has it
_NO_TEXT = re.compile(r"[\d.,:_-]*|true|false")
_WORD = re.compile(r"[\x21-\x7e]{0,512}")


class Paths:
    """Finds the protocol of a path.

    A path counts as one that is written in another way: with other slashes or cases, encoded, or with what another
    server would take out of it; and wherever the application is mounted.

    Args:
        dialects: by path; `{name}` in a path stands for one segment.

    Raises:
        ConfigurationError: what is given for a path makes no dialect, or one that cannot read requests.
    """

    def __init__(self, dialects: Mapping[str, Callable[[], Dialect]]) -> None:
        for path, make in dialects.items():
            if not made(make, f"the path {path!r}").knows_requests:
                raise ConfigurationError(
                    f"the dialect of the path {path!r} cannot read requests, so each would be refused; guard the "
                    "response of the route by ResponseGuard, or override 'messages' and 'put_back' in a subclass"
                )
        self._dialects = [(_pattern(path), make) for path, make in dialects.items()]

    def dialect_at(self, path: str) -> Callable[[], Dialect] | None:
        """Return what reads the protocol of a path; None for a path that is not guarded."""
        plain = _normal(path)
        return next((make for pattern, make in self._dialects if pattern.search(plain)), None)


def made(make: object, place: str) -> Dialect:
    """Return a dialect, made now to find out early whether it can be.

    Args:
        make: what is called for each request.
        place: for what it was given, which the error says.

    Raises:
        ConfigurationError: it cannot be called without arguments, or returns something else.
    """
    fix = "pass a class such as ChatDialect, or a function without parameters that returns a dialect"
    if not callable(make):
        raise ConfigurationError(f"{place} has a {type(make).__name__}, which cannot be called; {fix}")
    try:
        dialect = make()
    except TypeError as exc:
        raise ConfigurationError(f"what makes the dialect of {place} failed: {message_of(exc)}; {fix}") from exc
    if not isinstance(dialect, Dialect):
        raise ConfigurationError(f"what makes the dialect of {place} returned a {type(dialect).__name__}; {fix}")
    return dialect


def _pattern(path: str) -> re.Pattern[str]:
    plain = _normal(path)
    start = "^" if plain == "/" else ""
    return re.compile(start + _PLACE.sub("[^/]+", re.escape(plain)) + "$")


def _normal(path: str) -> str:
    for _ in range(_DECODINGS):
        if (decoded := unquote(path)) == path:
            break
        path = decoded
    segments = list[str]()
    for segment in path.replace("\\", "/").split("/"):
        plain = segment.partition(";")[0].strip().casefold()
        if plain == "..":
            del segments[-1:]
        elif plain not in ("", "."):
            segments.append(plain)
    return "/" + "/".join(segments)


def texts_of_query(query: bytes, *, is_all: bool) -> Iterator[str]:
    """Yield what a query may say to a model.

    Args:
        query: the query, encoded.
        is_all: whether the request has nothing else to say it, so that single words count, too.
    """
    known = _NO_TEXT if is_all else _WORD
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if not _WORD.fullmatch(name):
            yield name
        if not known.fullmatch(value):
            yield value
