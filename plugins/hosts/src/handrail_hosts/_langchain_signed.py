"""What a model wants back with its own answer: signatures of its thinking, and of its tool calls.

Claude's thinking comes as parts with a signature, or as parts that are encrypted; Gemini signs thoughts, texts and
calls. A part is kept at its place in the text. Its thinking is told as far as the rails have released it unchanged, and
is empty else, as it is where a provider shows no thinking: the signature alone has all that the provider needs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handrail_hosts._envelope import plain, plain_fields

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

CALLS = "__gemini_function_call_thought_signatures__"
"""The key under which LangChain keeps the signatures of Gemini's tool calls, by the id of the call."""
_SIGNATURES = ("signature", "thought_signature")
_THINKING = ("thinking", "reasoning")  # types of parts; the text is under the same name
_ENCRYPTED = "redacted_thinking"


@dataclass(frozen=True, slots=True)
class SignedPart:
    """A part of a content that its model wants back.

    Attributes:
        at: how many characters of the answer's text came before it.
        start: how many characters of thinking came before its own.
        thinking: its thinking, which is told only if rails released it.
        fields: the rest of it.
    """

    at: int
    start: int
    thinking: str
    fields: Mapping[str, Any]

    def told(self, released: str) -> dict[str, Any]:
        """Return the part, with its thinking if that is in what was released of all thinking."""
        kind = self.fields["type"]
        if kind not in _THINKING:
            return {**self.fields}
        is_told = released[self.start : self.start + len(self.thinking)] == self.thinking
        return {**self.fields, kind: self.thinking if is_told else ""}


class Signatures:
    """The signatures of one answer, as far as it has come.

    Attributes:
        parts: the parts that have one.
        thinks_in_parts: whether the model gives its thinking as parts of the content.
    """

    def __init__(self) -> None:
        self.parts: list[SignedPart] = []
        self.thinks_in_parts = False
        self._calls: dict[str, tuple[str, str]] = {}  # signature and arguments, by the id of the call
        self._text = self._thinking = 0  # characters
        self._begun: dict[object, tuple[int, list[str]]] = {}  # thinking, by the index of its part

    def read(self, message: BaseMessage) -> None:
        """Take the next piece of an answer, or the whole."""
        content = message.content
        if isinstance(content, str):
            self._text += len(content)
        else:
            for part in content:
                self._read_part(part if isinstance(part, Mapping) else {"text": part})
        if further := message.additional_kwargs:
            self._text += len(str(further.get("refusal") or ""))
            self._thinking += len(str(further.get("reasoning_content") or ""))
            self._read_calls(further.get(CALLS) or {}, message)

    def calls(self, arguments: Mapping[str, str]) -> dict[str, Any]:
        """Return the signatures of calls as LangChain keeps them beside a content.

        Args:
            arguments: what rails released of each call, by its id; a changed call has no signature any more.
        """
        found = {id_: signature for id_, (signature, given) in self._calls.items() if arguments.get(id_) == given}
        return {CALLS: found} if found else {}

    def content(self, text: str, thinking: str) -> str | list[str | dict[str, Any]]:
        """Return a whole content with the parts that are signed; just its text if none is."""
        if not self.parts:
            return text
        content, told = list[str | dict[str, Any]](), 0
        for part in self.parts:
            if text[told : part.at]:
                content.append(text_part(text[told : part.at]))
            told = max(told, part.at)
            content.append(part.told(thinking))
        return [*content, text_part(text[told:])] if text[told:] else content

    def _read_part(self, part: Mapping[str, Any]) -> None:
        kind = part.get("type", "text")
        if kind == "text":
            self._text += len(str(part.get("text") or ""))
            if signed := _signature(part):
                self._add({"type": "text", "text": "", **signed})
        elif kind in _THINKING:
            self._read_thinking(part)
        elif kind == _ENCRYPTED:
            self._add(plain_fields(part, ("type", "data")))

    def _read_thinking(self, part: Mapping[str, Any]) -> None:
        self.thinks_in_parts = True
        index = part.get("index")
        start, texts = (self._thinking, []) if index is None else self._begun.setdefault(index, (self._thinking, []))
        texts.append(next((str(part[name]) for name in _THINKING if part.get(name)), ""))
        self._thinking += len(texts[-1])
        if signed := _signature(part):
            self._add({"type": part["type"], **signed}, start, "".join(texts))

    def _read_calls(self, signatures: Mapping[str, Any], message: BaseMessage) -> None:
        made = getattr(message, "tool_call_chunks", None) or getattr(message, "tool_calls", None) or ()
        for call in made if signatures else ():
            if isinstance(signature := plain(signatures.get(call.get("id"))), str):
                self._calls[call["id"]] = signature, _encoded(call.get("args"))

    def _add(self, fields: Mapping[str, Any], start: int = 0, thinking: str = "") -> None:
        self.parts.append(SignedPart(self._text, start, thinking, fields))


class Placing:
    """Puts the signed parts of an answer between the texts of it that are released.

    Args:
        signatures: of the answer, as far as it has come.
    """

    def __init__(self, signatures: Signatures) -> None:
        self._signatures = signatures
        self._next = 0
        self._thinking = ""
        self.told = 0  # characters of text

    def think(self, text: str) -> None:
        """Take thinking that was released."""
        self._thinking += text

    def before(self, text: str) -> Iterator[str | dict[str, Any]]:
        """Yield a text that was released, with the signed parts that belong before it and within it."""
        parts = self._signatures.parts
        while self._next < len(parts) and parts[self._next].at < self.told + len(text):
            length = max(0, parts[self._next].at - self.told)
            if length:
                yield text[:length]
            text, self.told = text[length:], self.told + length
            yield self._part()
        self.told += len(text)
        yield text

    def rest(self) -> Iterator[dict[str, Any]]:
        """Yield the signed parts that are left at the end."""
        while self._next < len(self._signatures.parts):
            yield self._part()

    def _part(self) -> dict[str, Any]:
        self._next += 1
        return self._signatures.parts[self._next - 1].told(self._thinking)


def text_part(text: str, index: int | None = None) -> dict[str, Any]:
    """Return a text as a part of a content, in which LangChain passes over bare texts; those of one index join."""
    part = {"type": "text", "text": text}
    return part if index is None else {**part, "index": index}


def _signature(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with the signature of a part; none if it has none."""
    found = {name: value for name, value in plain_fields(part, _SIGNATURES).items() if value}
    extras = part.get("extras")
    beside = plain_fields(extras, ("signature",)) if isinstance(extras, Mapping) else {}
    return {**found, "extras": beside} if beside.get("signature") else found


def _encoded(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)
