"""Which fields of a message reach the model: what rails read and what the protocol needs. The rest is refused.

Only messages of users and tools are looked at: they are the text of strangers. A client that may send the others
(`policy.roles`) speaks for the model or for the program, and its messages go on as they came.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

from handrail_server._errors import ApiError
from handrail_server._files import is_medium, readable_file

if TYPE_CHECKING:
    from handrail_server._settings import Policy

Part = Literal["text", "image_url", "input_audio", "file", "video_url"]

_FIELDS = {"user": ("role", "content"), "tool": ("role", "content", "tool_call_id", "is_error")}
_INSIDE: Mapping[str, tuple[str, ...]] = {
    "image_url": ("url", "detail"),
    "input_audio": ("data", "format"),
    "file": ("file_id", "file_data", "filename"),
    "video_url": ("url",),
    "cache_control": ("type", "ttl"),
}
_WORDS = {
    "detail": ("auto", "low", "high", "original"),
    "type": ("ephemeral",),
    "ttl": ("5m", "1h"),
    "format": ("wav", "mp3", "flac", "m4a", "mpeg", "mpga", "ogg", "opus", "pcm16", "webm"),
}
"""Fields that a model's server reads as one of a few words; what else they say would be text that nobody judges."""


_CALL_ID = re.compile(r"[\x21-\x7e]{0,512}")
_ADDRESS = re.compile(r"(?!data:)[^\s\x00-\x1f]{0,16384}", re.IGNORECASE)
_NAME = re.compile(r"[^\x00-\x1f\x7f\u2028\u2029]{0,255}")
_SHAPES: Mapping[str, Callable[[str], object]] = {
    "url": lambda word: _ADDRESS.fullmatch(word) or is_medium(word, "image", "video"),
    "data": lambda word: is_medium(word if word[:5].lower() == "data:" else f"data:audio/x;base64,{word}", "audio"),
    "file_id": _CALL_ID.fullmatch,
    "filename": _NAME.fullmatch,
}
"""What addresses, pictures, sounds and names of files are like; text in their place would be one that nobody judges."""


class Fields:
    """Looks at the messages of requests, by one operator's policy."""

    def __init__(self, policy: Policy) -> None:
        self._allowed = {role: frozenset((*fields, *policy.message_fields)) for role, fields in _FIELDS.items()}
        self._parts = frozenset(policy.parts)

    def passed(self, messages: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
        """Return the messages as they may go on; empty fields that say nothing are left out, files of text become text.

        Raises:
            ApiError: a message has a field, or a part, that no rail reads and the protocol does not need.
        """
        functions: set[str] = set()
        return tuple(self._message(index, message, functions) for index, message in enumerate(messages))

    def _message(self, index: int, message: Mapping[str, Any], functions: set[str]) -> Mapping[str, Any]:
        allowed = self._allowed.get(message["role"])
        if allowed is None:
            functions.update(_called(message))
            return message
        where = f"messages[{index}]"
        kept = {name: value for name, value in message.items() if name in allowed or value not in _EMPTY}
        for name in kept:
            if name not in allowed and not _repeats_a_call(message, name, functions):
                raise _refused(
                    f"{where}.{name}", f"no rail reads this field of a message of the role {message['role']}"
                )
        if not _CALL_ID.fullmatch(str(kept.get("tool_call_id", ""))):
            raise _refused(f"{where}.tool_call_id", "an id has at most 512 characters, all of ASCII, and no spaces")
        if not isinstance(kept.get("is_error", False), bool):
            raise _refused(f"{where}.is_error", "it must be true or false")
        if isinstance(content := kept.get("content"), list):
            return {**kept, "content": [*self._parted(f"{where}.content", content)]}
        return kept

    def _parted(self, where: str, parts: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        for index, part in enumerate(parts):
            place = f"{where}[{index}]"
            kind = part.get("type")
            if kind not in get_args(Part):
                raise _refused(f"{place}.type", f"the parts of a message are {', '.join(get_args(Part))}")
            _check_part(place, part, str(kind))
            readable = readable_file(part, place) if kind == "file" else (part,)
            if readable[-1]["type"] not in self._parts:
                raise _refused(f"{place}.type", f"this server takes no part {kind!r}", status=403)
            yield from readable


_EMPTY: tuple[object, ...] = (None, "", [], {})


def _check_part(where: str, part: Mapping[str, Any], kind: str) -> None:
    for name, value in part.items():
        if name == "type" or (name == kind == "text" and isinstance(value, str)):
            continue
        if name not in (kind, "cache_control") or name == "text" or not isinstance(value, Mapping):
            raise _refused(f"{where}.{name}", f"a part {kind!r} has no such field")
        for inner, word in value.items():
            known, shape = _WORDS.get(inner), _SHAPES.get(inner)
            is_sound = inner in _INSIDE[name] and isinstance(word, str) and (known is None or word in known)
            if not is_sound or (shape is not None and not shape(word)):
                raise _refused(f"{where}.{name}.{inner}", "this field, or its value, is not known")


def _repeats_a_call(message: Mapping[str, Any], name: str, functions: Iterable[str]) -> bool:
    """Return whether a tool's result only names the function that was called, as the older protocol does."""
    return message["role"] == "tool" and name == "name" and message[name] in functions


def _called(message: Mapping[str, Any]) -> Iterator[str]:
    for call in message.get("tool_calls") or ():
        function = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(function, Mapping) and isinstance(function.get("name"), str):
            yield function["name"]


def _refused(param: str, why: str, *, status: int = 400) -> ApiError:
    return ApiError(status, f"'{param}' cannot be passed on: {why}.", code="unsupported_field", param=param)
