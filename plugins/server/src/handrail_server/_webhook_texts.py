"""Where the requests and answers that platforms send have texts: what can be rewritten, and what can only be judged."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from handrail_server._errors import ApiError
from handrail_server._files import texts_in_files
from handrail_server._leaves import texts_of, unreadable

Path: TypeAlias = tuple[str | int, ...]
Side: TypeAlias = Literal["request", "response"]

_WRITTEN = (
    "messages",
    "prompt",
    "suffix",
    "input",
    "instructions",
    "system",
    "contents",
    "systemInstruction",
    "system_instruction",
)
"""Members of a request that are a conversation, in any of the protocols; the others are parameters of a model."""
_SAYS_NOTHING = frozenset(
    (
        *("finish_reason", "finishReason", "model", "modelVersion", "native_finish_reason", "provider", "responseId"),
        *("service_tier", "stop_reason", "system_fingerprint", "tool_call_id", "tool_use_id", "usage"),
    )
)
_NAME = re.compile(r"[\w.:/-]{0,64}", re.ASCII)


def wrong(where: str) -> ApiError:
    """Return the error for a body that the platform does not document."""
    return ApiError(400, f"'{where}' is missing or not what the platform documents.", code="invalid_value", param=where)


def places_of(value: Mapping[str, Any], side: Side) -> list[tuple[Path, str]]:
    """Return where a request or a response has text that can be rewritten: messages, or what older protocols have.

    Raises:
        ApiError: a content is neither a text nor a list of parts.
    """
    if side == "request" and "messages" not in value:
        older = next((name for name in ("prompt", "input") if isinstance(value.get(name), str)), None)
        return [] if older is None else [((older,), value[older])]
    name = "messages" if side == "request" else "choices"
    entries = value.get(name) or ()
    if not isinstance(entries, list | tuple):
        raise wrong(name)
    found: list[tuple[Path, str]] = []
    for n, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            raise wrong(name)
        if side == "response" and isinstance(entry.get("text"), str) and "message" not in entry:
            found.append(((name, n, "text"), entry["text"]))
            continue
        message = entry if side == "request" else entry.get("message")
        if not isinstance(message, Mapping):
            raise wrong(name)
        path: Path = (name, n) if side == "request" else (name, n, "message")
        found += _content_places(message.get("content"), (*path, "content"))
    return found


def parts_going_on(places: Sequence[tuple[Path, str]]) -> frozenset[int]:
    """Return which texts go on from the one before: text parts that follow one another are read as one text."""
    return frozenset(
        index
        for index in range(1, len(places))
        if len(path := places[index][0]) > 1
        and path[-1] == "text"
        and isinstance(at := path[-2], int)
        and places[index - 1][0] == (*path[:-2], at - 1, "text")
        and "content" in path
    )


def rest_of(value: Mapping[str, Any], places: Sequence[tuple[Path, str]], side: Side) -> list[str]:
    """Return what else somebody may have written, in whatever protocol: blocks, files, names, reasoning, arguments.

    Nothing of it can be rewritten. Texts that could be JSON stand apart, so that rails read what they say.
    """
    left = put(value, [path for path, _ in places], [""] * len(places))
    if side == "request":
        left = {name: left[name] for name in _WRITTEN if name in left}
    texts = [text for text in (*texts_of(_readable(left)), *texts_in_files(left)) if text.strip()]
    apart = [text for text in texts if text.lstrip()[0] in "{["]
    together = "\n".join(text for text in texts if text.lstrip()[0] not in "{[")
    return [together, *apart] if together else apart


def beside_texts(messages: object) -> dict[str, Any]:
    """Return of messages in OpenAI's form whatever is not the text of a part or of a content, as messages.

    Calls of tools stay out: they are judged as such where the assistant makes them.

    Raises:
        ApiError: these are no messages.
    """
    if not isinstance(messages, list) or not all(isinstance(message, Mapping) for message in messages):
        raise wrong("structured_messages")
    parts = [part for message in messages for part in _mappings(message.get("content"))]
    return {
        "messages": [_without(message, "role", "content", "tool_calls") for message in messages]
        + [_without(part, "text") if part.get("type") == "text" else part for part in parts]
    }


def _without(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def calls_of(value: Mapping[str, Any]) -> Iterator[object]:
    """Yield the tool calls of each choice of a response."""
    for choice in value.get("choices") or ():
        message = choice.get("message")
        if isinstance(message, Mapping):
            yield message.get("tool_calls")


def put(value: Any, paths: Sequence[Path], texts: Sequence[str]) -> Any:
    """Return a copy of a value with other texts in some places."""
    made = json.loads(json.dumps(value))
    for path, text in zip(paths, texts, strict=True):
        at = made
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = text
    return made


def rewritten(value: Any, paths: Sequence[Path], texts: Sequence[str]) -> Any:
    """Return a copy with other texts, and without log probabilities, whose tokens are the old ones."""
    made = put(value, paths, texts)
    for choice in made.get("choices") or ():
        if choice.get("logprobs") is not None:
            choice["logprobs"] = None
    return made


def _readable(value: Any) -> Any:
    """Return a value without pictures, sounds and tokens, and without what protocols say in one word of their own."""
    if isinstance(value, Mapping):
        return {
            key: _readable(item)
            for key, item in value.items()
            if not (key in _SAYS_NOTHING and isinstance(item, str) and _NAME.fullmatch(item))
            and not (unreadable(str(key), item) and not isinstance(item, Mapping | list))
            and str(key) != "logprobs"
        }
    return [_readable(item) for item in value] if isinstance(value, list) else value


def _content_places(content: object, path: Path) -> list[tuple[Path, str]]:
    if isinstance(content, str):
        return [(path, content)]
    if content is None:
        return []
    if not isinstance(content, list) or not all(isinstance(part, Mapping) for part in content):
        raise wrong(".".join(map(str, path)))
    texts = [(n, part.get("text")) for n, part in enumerate(content) if "text" in part]
    if not all(isinstance(text, str) for _, text in texts):
        raise wrong(".".join(map(str, path)))
    return [((*path, n, "text"), str(text)) for n, text in texts]
