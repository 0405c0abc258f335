"""Turns what a model of LangChain yields into chunks: texts, message chunks, and whole messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from handrail import Chunk, ProviderError, Usage

from handrail_langchain._calls import ToolCalls

_REASONING = ("reasoning", "thinking")  # the types of parts, and the keys under which their text may stand
_HEAD = ("id", "model", "model_name", "created", "system_fingerprint", "service_tier", "request_id", "model_provider")
_READ_PARTS = frozenset(
    ("input_json_delta", "refusal", "text", "tool_call", "tool_call_chunk", "tool_use", *_REASONING)
)
_READ_KWARGS = frozenset(("reasoning_content", "refusal", "tool_calls"))
_BROKEN_OFF = frozenset(
    ("abort", "cancelled", "error", "failed", "insufficient_system_resource", "malformed_function_call")
)


class Pieces:
    """The pieces of one answer.

    Args:
        name: the model's, for errors.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._usage = Usage()
        self._cut = False  # the answer may have ended within a tool call
        self._calls = ToolCalls("langchain")
        self._wire: dict[str, Any] = {}
        self._unguarded: dict[str, dict[str, Any]] = {}

    def chunks(self, piece: Any) -> Iterable[Chunk]:
        """Take one piece.

        Raises:
            ProviderError: the model says that it failed.
        """
        if isinstance(piece, str):
            return (Chunk(piece),)
        content, further = getattr(piece, "content", ""), getattr(piece, "additional_kwargs", None) or {}
        said = getattr(piece, "response_metadata", None) or {}
        if type(content) is str and not (further or said or _fragments(piece) or _tokens(piece)):  # as nearly always
            return (Chunk(content),)
        refusal = str(further.get("refusal") or "") + "".join(_texts(content, ("refusal",)))
        chunk = Chunk(
            text=(content if isinstance(content, str) else "".join(_texts(content, ("text",)))) + refusal,
            reasoning=str(further.get("reasoning_content") or "") + "".join(_texts(content, _REASONING)),
            tool_calls=self._calls.feed(_fragments(piece)),
            usage=self._with_usage(_tokens(piece)),
            finish_reason=self._reason(said),
        )
        self._keep(content, further, said)
        metadata = self._news(said, refused=bool(refusal))
        return (Chunk(metadata=metadata), chunk) if metadata else (chunk,)

    def end(self) -> Iterable[Chunk]:
        """Return what was held back, and what rails have not seen, since no piece follows."""
        calls = self._calls.finish(cut=self._cut)
        metadata = {"wire": {**self._wire, "unguarded": self._unguarded}} if self._unguarded else None
        return (Chunk(tool_calls=calls, metadata=metadata),) if calls or metadata else ()

    def _with_usage(self, told: Mapping[str, Any] | None) -> Usage | None:
        if not told:
            return None
        prompt, completion = (told.get(name) or {} for name in ("input_token_details", "output_token_details"))
        self._usage += Usage(
            told.get("input_tokens") or 0,
            told.get("output_tokens") or 0,
            cached_tokens=prompt.get("cache_read") or 0,
            reasoning_tokens=completion.get("reasoning") or 0,
        )
        return self._usage

    def _reason(self, said: Mapping[str, Any]) -> str | None:
        reason = str(said.get("finish_reason") or said.get("stop_reason") or said.get("done_reason") or "")
        if reason.lower() in ("", "null"):  # as servers say that an answer goes on
            return None
        if reason.lower() in _BROKEN_OFF:
            raise ProviderError(f"{self._name}: it broke off its answer ({reason})", engine="langchain", code=reason)
        self._cut = reason.lower() in ("length", "max_tokens")
        return reason

    def _keep(self, content: object, further: Mapping[str, Any], said: Mapping[str, Any]) -> None:
        """Keep what may be text of the model apart, because no rail has seen it."""
        parts = content if isinstance(content, list | tuple) else ()
        others = [part for part in parts if isinstance(part, Mapping) and part.get("type", "text") not in _READ_PARTS]
        message = {name: value for name, value in further.items() if name not in _READ_KWARGS and value}
        if others:
            message["content_parts"] = [*self._unguarded.get("message", {}).get("content_parts", ()), *others]
        reasons = ("finish_reason", "stop_reason", "done_reason")
        answer = {name: value for name, value in said.items() if name not in (*_HEAD, *reasons) and value}
        for place, fields in (("message", message), ("answer", answer)):
            if fields:
                self._unguarded.setdefault(place, {}).update(fields)

    def _news(self, said: Mapping[str, Any], *, refused: bool) -> dict[str, Any] | None:
        head = {name: said[name] for name in _HEAD if said.get(name)}
        structure = dict(head)
        if model := structure.pop("model_name", None):
            structure.setdefault("model", model)
        if refused:
            structure["refusal"] = True
        if all(self._wire.get(name) == value for name, value in structure.items()):
            return None
        self._wire = {**self._wire, **structure}
        return {**head, **({"refusal": True} if refused else {}), "wire": self._wire}


def _fragments(piece: Any) -> Sequence[Mapping[str, Any]]:
    """Return fragments of tool calls, or the calls of a message that is whole."""
    return getattr(piece, "tool_call_chunks", None) or getattr(piece, "tool_calls", None) or ()


def _tokens(piece: Any) -> Mapping[str, Any] | None:
    """Return what a piece says of tokens."""
    told: Mapping[str, Any] | None = getattr(piece, "usage_metadata", None)
    return told


def _texts(content: object, types: Sequence[str]) -> Iterable[str]:
    """Yield the text of a content's parts of these types; a part that is a text itself is of the type `text`."""
    for part in content if isinstance(content, list | tuple) else ():
        if isinstance(part, str):
            yield part if "text" in types else ""
        elif part.get("type", "text") in types:
            yield next((str(part[key]) for key in types if part.get(key)), "")
