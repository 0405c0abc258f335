"""Turns the events of one answer into Handrail's chunks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from handrail import Chunk, ToolCallDelta
from handrail_http import ErrorEvent, Halves, NotAnEventError, Repeated, clean, count_of, data_of, text_of
from msgspec import Raw

from handrail_openai._beside import REASONING, Beside, details_text
from handrail_openai._ends import broke_off, is_cut, reason_of, settled
from handrail_openai._parts import parts_of
from handrail_openai._tools import FUNCTION_CALL, ToolCalls
from handrail_openai._usage import usage_in, usage_of
from handrail_openai._wire import DONE, has_choices, plain, raise_error, whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handrail_openai._think import ThinkSplitter
    from handrail_openai._wire import Json, PlainDelta, PlainEvent

Said: TypeAlias = tuple[str, str, tuple[ToolCallDelta, ...]]
"""Text, reasoning and fragments of tool calls."""


class Answer:
    """One answer, event by event.

    Args:
        metadata: what is known before its first event.
        headers: those of the HTTP answer.
        think: takes reasoning out of the text.

    Attributes:
        finished: the model has said why it ended.
        closed: nothing follows, whatever the server sends.
    """

    def __init__(
        self, metadata: Mapping[str, Any], headers: Mapping[str, str], *, think: ThinkSplitter | None = None
    ) -> None:
        self.finished = False
        self.closed = False
        self._metadata = dict(metadata)
        self._beside = Beside(headers)
        self._think = think
        self._tools = ToolCalls()
        self._repeated = Repeated()
        self._text, self._thoughts = Halves(), Halves()
        self._index: int | None = None  # the choice that is read, once one has come
        self._thought: list[str] = []  # all reasoning; with tool calls, some models need it on the next turn
        self._filtered = Raw()  # what Azure's filter said last
        self._reasoning_name = ""  # as the server calls it, if it does
        self._streamed = False  # something came as a delta
        self._reason: str | None = None  # why it ended
        self._cut = False  # the answer may have ended within a tool call

    def read(self, block: bytes) -> Iterator[Chunk]:
        """Take events that came together, up to the one that says that nothing follows.

        Text that came together is one chunk: a chunk for each event would cost more than all else does.

        Raises:
            NotAnEventError: one is nothing of the protocol.
            ErrorEvent: one is an error.
        """
        if (text := self._repeated.text_of(block)) is not None:
            if text and self._repeated.field == "content":
                yield Chunk(text)
            elif text:
                self._thought.append(text)
                yield Chunk(reasoning=text)
            return
        for data in data_of(block):
            if data.startswith(DONE):
                self.closed = True
                return
            yield from self.chunks(data)

    def chunks(self, data: bytes) -> Sequence[Chunk]:
        """Take the data of one event.

        Raises:
            NotAnEventError: it is nothing of the protocol.
            ErrorEvent: it is an error.
        """
        self._repeated.forget()
        event = plain(data)
        if event is not None and self._is_usual(event):
            delta = event.choices[0].delta
            if delta.tool_calls is None:
                return self._more(delta, data)
            beside = delta.content or delta.reasoning_content or delta.reasoning
            if not beside and (calls := self._tools.more(delta.tool_calls)) is not None:
                return (Chunk(tool_calls=calls),) if calls else ()
        found = whole(data)
        return () if found is None else self._whole(found, len(data))

    def _more(self, delta: PlainDelta, data: bytes) -> Sequence[Chunk]:
        """Take text and reasoning."""
        text, reasoning = delta.content or "", delta.reasoning_content or delta.reasoning or ""
        if reasoning:
            self._reasoning_name = "reasoning_content" if delta.reasoning_content else "reasoning"
        if self._think is not None:
            text, reasoning = self._without_block(text, reasoning)
        elif bool(text) != bool(reasoning):
            self._repeated.compare_with(data, "content" if text else self._reasoning_name, text or reasoning)
        if reasoning:
            self._thought.append(reasoning)
        return (Chunk(text, reasoning),) if text or reasoning else ()

    def end(self) -> Sequence[Chunk]:
        """Return what was held back for the end, since no event follows.

        Raises:
            NotAnEventError: a tool call is incomplete.
        """
        text, reasoning, calls = self._last()
        if self._tools.made and self._reasoning_name:
            self._beside.next_turn({self._reasoning_name: "".join(self._thought)})
        wire = self._beside.everything()
        metadata = None if wire is None else {"wire": wire}
        return (Chunk(text, reasoning, calls, metadata=metadata),) if text or reasoning or calls or metadata else ()

    def _is_usual(self, event: PlainEvent) -> bool:
        """Return whether nothing but text and reasoning can be new in an event."""
        choices = event.choices
        return (
            len(choices) == 1
            and choices[0].index == self._index
            and self._is_filtered_alike(choices[0].content_filter_results)
            and not (self._text.held or self._thoughts.held)
            and self._beside.knows("system_fingerprint", event.system_fingerprint)
            and self._beside.knows("service_tier", event.service_tier)
        )

    def _is_filtered_alike(self, results: Raw) -> bool:
        """Return whether Azure's filter says the same as before."""
        if not results or results == self._filtered:
            return True
        self._filtered = results.copy()
        return False

    def _whole(self, event: Json, size: int) -> Sequence[Chunk]:
        raise_error(event)
        if not has_choices(event):
            return ()
        self._beside.head(event)
        self._beside.add("answer", event, size)
        choice = self._choice(event, size)
        reason = reason_of(choice.get("finish_reason"))
        if reason is not None and broke_off(reason):
            raise ErrorEvent(choice.get("error") or {"message": f"it ended with {reason!r}", "code": reason})
        message = self._message(choice)
        self._beside.add("message", message, size)
        said, refusal = self._said(message)
        if reason is not None:
            self.finished = True
            self._reason = reason = settled(self._reason, reason)
            self._cut = is_cut(reason)
            last = self._last()
            said = (said[0] + last[0], said[1] + last[1], said[2] + last[2])
        return self._told(event, said, refusal, reason)

    def _told(self, event: Json, said: Said, refusal: str, reason: str | None) -> Sequence[Chunk]:
        """Return chunks, metadata first, so that who passes text on knows what it belongs to."""
        found = []
        if metadata := self._news(event, refused=bool(refusal)):
            found.append(Chunk(metadata=metadata))
        text, reasoning, calls = said
        if reasoning:
            self._thought.append(reasoning)
        usage = usage_of(usage_in(event))
        if text or refusal or reasoning or calls or usage or reason:
            found.append(Chunk(text + refusal, reasoning, calls, usage, reason))
        return found

    def _news(self, event: Json, *, refused: bool) -> dict[str, Any]:
        metadata, self._metadata = self._metadata, {}
        if usage := usage_in(event):
            self._beside.put("usage", clean(usage))
        if (calls := self._tools.beside()) and not self._beside.knows("tool_calls", calls):
            self._beside.put("tool_calls", calls)
        if refused and not self._beside.knows("refusal", value=True):
            self._beside.put("refusal", value=True)
            metadata["refusal"] = True
        if (wire := self._beside.news()) is not None:
            metadata |= {name: wire[name] for name in ("id", "model") if name in wire}
            metadata["wire"] = wire
        return metadata

    def _choice(self, event: Json, size: int) -> Json:
        """Return the choice that is read: of several, the one that came first."""
        for choice in event.get("choices") or ():
            if not isinstance(choice, Mapping):
                raise NotAnEventError("a choice is not an object")
            index = count_of(choice.get("index")) or 0
            if self._index is None:
                self._index = index
            if index == self._index:
                self._beside.add("choice", choice, size)
                return choice
            self._beside.lose(f"choices[{index}]")
        return {}

    def _message(self, choice: Json) -> Json:
        """Return what a choice adds; a whole message at the end of a stream only repeats it."""
        if isinstance(text := choice.get("text"), str) and not choice.keys() & {"delta", "message"}:
            return {"content": text}  # in the form that OpenAI had before Chat Completions
        delta = choice.get("delta")
        if delta is None and not self._streamed:
            delta = choice.get("message")
        elif delta is not None:
            self._streamed = True
        if not delta:  # also the empty list that PHP makes of an empty object
            return {}
        if not isinstance(delta, Mapping):
            raise NotAnEventError("a delta is not an object")
        return delta

    def _said(self, message: Json) -> tuple[Said, str]:
        content = parts_of(message.get("content"))
        for part in content.others:
            self._beside.add("message", {"content_parts": [part]}, len(str(part)))
        reasoning = self._reasoning_of(message)
        text, reasoning = self._text.feed(content.text), self._thoughts.feed(reasoning + content.reasoning)
        if _is_thought(message):
            text, reasoning = "", reasoning + text
        text, reasoning = self._without_block(text, reasoning)
        fragments = message.get("tool_calls") or []
        if call := message.get("function_call"):
            fragments = [{"index": 0, "type": FUNCTION_CALL, "function": call}]
        refusal = content.refusal or self._text.feed(text_of(message.get("refusal"), "a refusal"))
        if (fragments or refusal) and self._think is not None:
            held_text, held_reasoning = self._think.interrupt()
            text, reasoning = text + held_text, reasoning + held_reasoning
        return (text, reasoning, self._tools.feed(fragments, self._beside.id)), refusal

    def _reasoning_of(self, message: Json) -> str:
        for name in REASONING:
            if text := _if_text(message.get(name)):
                self._reasoning_name = name
                return text
        return details_text(message.get("reasoning_details"))

    def _without_block(self, text: str, reasoning: str) -> tuple[str, str]:
        if self._think is None:
            return text, reasoning
        thought = ""
        if reasoning:  # the server tells reasoning apart itself
            _, thought = self._think.interrupt()
        if text:
            text, more = self._think.feed(text)
            thought += more
        return text, thought + reasoning

    def _last(self) -> Said:
        """Return what was held back until the answer's end was known."""
        text, reasoning = self._text.finish(), self._thoughts.finish()
        if self._think is not None:
            held_text, held_reasoning = self._think.finish()
            text, reasoning = text + held_text, reasoning + held_reasoning
        return text, reasoning, self._tools.finish(self._beside.id, cut=self._cut)


def _is_thought(message: Json) -> bool:
    """Return whether Gemini has marked the content of a delta as a thought."""
    return bool(_mapping(_mapping(message, "extra_content"), "google").get("thought"))


def _mapping(fields: Json, name: str) -> Json:
    return found if isinstance(found := fields.get(name), Mapping) else {}


def _if_text(value: object) -> str:
    return value if isinstance(value, str) else ""
