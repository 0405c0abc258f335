"""The texts in a JSON value: what a reader could read in it, and how to put other texts in their place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_SEALED = frozenset(
    (
        *("call_id", "content_filter_offsets", "created", "created_at", "encrypted_content", "format", "id", "object"),
        *("native_finish_reason", "reasoning_opaque", "response_id", "role", "severity", "signature", "status"),
        *("thought_signature", "type"),
    )
)
_SEALED_DATA = frozenset(("reasoning.encrypted", "redacted_thinking"))
_UNREADABLE = frozenset(
    (
        *("audio", "bytes", "image", "images", "logprobs", "prompt_logprobs", "prompt_token_ids", "token_ids"),
        *("top_logprobs", "video", "videos"),
    )
)
_WITHOUT_WORDS = re.compile(r"[\w+/=.:-]*", re.ASCII)
_KEY = re.compile(r"[A-Za-z_][\w.:/-]{0,63}", re.ASCII)
_WORD = re.compile(r"[\x21-\x7e]{0,256}")
_LONGEST_WORD = 2000
_LARGE_NUMBER = 10**6  # could be somebody's: a card, an account, a telephone


def unreadable(name: str, value: object) -> bool:
    """Return whether a value has sounds, pictures or tokens in it, which no rail can read."""
    if name in _UNREADABLE:
        return True
    if isinstance(value, Mapping):
        return any(unreadable(str(key), item) for key, item in value.items())
    if isinstance(value, list):
        return any(unreadable("", item) for item in value)
    if not isinstance(value, str) or name in _SEALED:
        return False
    return value[:5].lower() == "data:" or (len(value) > _LONGEST_WORD and not any(map(str.isspace, value)))


def texts_of(value: object) -> Iterator[str]:
    """Yield all that a reader could read: texts, large numbers, and keys that are no names.

    Left out are values that are signed, encrypted or the protocol's own, as long as they look like it.
    """
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if abs(value) >= _LARGE_NUMBER:
            yield str(value)
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not _KEY.fullmatch(str(key)):
                yield str(key)
            if not _is_sealed(value, str(key), item):
                yield from texts_of(item)


def replaced(value: Any, new: Callable[[str], str]) -> Any:
    """Return a value with other texts; keys and numbers stay."""
    if isinstance(value, str):
        return new(value)
    if isinstance(value, list):
        return [replaced(item, new) for item in value]
    if isinstance(value, Mapping):
        return {key: item if _is_sealed(value, str(key), item) else replaced(item, new) for key, item in value.items()}
    return value


def words_only(value: Any) -> Any:
    """Return a value without its texts: what has a space or a character outside ASCII, and keys that are no names."""
    if isinstance(value, Mapping):
        kept = {key: item for key, item in value.items() if _KEY.fullmatch(key)}
        return {
            key: words_only(item) for key, item in kept.items() if not isinstance(item, str) or _WORD.fullmatch(item)
        }
    if isinstance(value, list):
        return [words_only(item) for item in value if not isinstance(item, str) or _WORD.fullmatch(item)]
    return value


def _is_sealed(fields: Mapping[Any, Any], key: str, item: object) -> bool:
    known = key in _SEALED or (key == "data" and fields.get("type") in _SEALED_DATA)
    if not known:
        return False
    if isinstance(item, str):
        return _WITHOUT_WORDS.fullmatch(item) is not None
    return isinstance(item, int | float)
