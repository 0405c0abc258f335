"""JSON-RPC messages as they are read and written: strictly, so that no two readers can read one message differently."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

Message: TypeAlias = dict[str, Any]
"""One JSON-RPC message."""

_WORD = re.compile(r"[\x21-\x7e]{0,512}")
_DEPTH = 100  # of values within values, far below where an interpreter's stack ends

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
INTERNAL_ERROR = -32603
REFUSED = -32010
"""What a rail refused; in the range that the protocol leaves to implementations."""


class NotAMessageError(ValueError):
    """What came is not a JSON-RPC message; `code` is what JSON-RPC says of that."""

    def __init__(self, words: str, code: int = INVALID_REQUEST) -> None:
        super().__init__(words)
        self.code = code


def parse(text: str | bytes) -> Message:
    """Return a message.

    Raises:
        NotAMessageError: it is not valid JSON, has a key twice, a number that is none, or is nested too deeply; or it
            is JSON but not one message. Its words hold nothing of the text.
    """
    value = parse_value(text)
    if isinstance(value, list):
        raise NotAMessageError("batches of messages are not supported")
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
        raise NotAMessageError("the message is not a JSON-RPC 2.0 message")
    _check_shape(value)
    return value


def parse_value(text: str | bytes) -> Any:
    """Return a value.

    Raises:
        NotAMessageError: as `parse` does.
    """
    try:
        text = text.decode() if isinstance(text, bytes) else text
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_number, parse_float=_finite)
    except NotAMessageError:
        raise
    except (ValueError, RecursionError) as exc:
        raise NotAMessageError("the message is not valid JSON", PARSE_ERROR) from exc
    _check_depth(value, _DEPTH)
    return value


def written(message: Mapping[str, Any]) -> bytes:
    """Return a message as one line, without its end."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode()


def error_of(message_id: object, code: int, words: str) -> Message:
    """Return the answer to a request that failed."""
    return {"jsonrpc": "2.0", "id": message_id, "error": {"code": code, "message": words}}


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotAMessageError("the message has a key twice")
    return found


def _no_number(_text: str) -> float:
    raise NotAMessageError("the message has a number that is not valid JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise NotAMessageError("the message has a number that is too large")
    return value


def _check_depth(value: object, left: int) -> None:
    if left == 0:
        raise NotAMessageError("the message is nested too deeply")
    for below in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_depth(below, left - 1)


def _check_shape(message: Message) -> None:
    """Raise unless it is a request, a notification or an answer, and only one of them."""
    kinds = [name for name in ("method", "result", "error") if name in message]
    if len(kinds) != 1 or message.keys() - {"jsonrpc", "id", "params", *kinds}:
        raise NotAMessageError("the message is neither a request nor an answer")
    is_answer = kinds != ["method"]
    if is_answer and ("id" not in message or "params" in message):
        raise NotAMessageError("the message is not an answer, for it has no id or has params")
    inside = message.get(kinds[0] if is_answer else "params", {})
    named = is_answer or isinstance(message["method"], str)
    message_id = message.get("id")
    if isinstance(message_id, bool) or not isinstance(message_id, str | int | None):
        raise NotAMessageError("the message has an id that is neither a text nor a whole number")
    words = [word for word in (message_id, message.get("method")) if isinstance(word, str)]
    if not all(map(_WORD.fullmatch, words)):
        raise NotAMessageError("the message has an id or a method that is not one word of ASCII")
    if not named or not isinstance(inside, dict):
        raise NotAMessageError("the message has a field of a wrong type")
