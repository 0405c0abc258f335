"""Turns the events of one answer of the Responses API into Handrail's chunks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from handrail import Chunk
from handrail_http import ErrorEvent, NotAnEventError, clean, count_of, data_of, word_of

from handrail_openai._beside import Beside
from handrail_openai._responses._calls import CallItems
from handrail_openai._responses._events import REFUSAL, SUMMARY, TEXT, THOUGHT, plain
from handrail_openai._responses._said import Texts, Thoughts
from handrail_openai._responses._tools import CALLS_OF_CLIENTS
from handrail_openai._usage import usage_of
from handrail_openai._wire import DONE, whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handrail import ToolCallDelta

    from handrail_openai._responses._events import PlainDelta
    from handrail_openai._responses._reasoning import Kind
    from handrail_openai._wire import Json

_ENDS = {"max_output_tokens": "length", "content_filter": "content_filter"}
_TERMINAL = frozenset(("completed", "incomplete", "failed", "cancelled"))
_CALLS = frozenset(("function_call", "custom_tool_call"))
_REASONING: Mapping[str, Kind] = {
    SUMMARY: "summary",
    THOUGHT: "content",
    "response.reasoning_summary_text.done": "summary",
    "response.reasoning_text.done": "content",
}
_ARGUMENTS = {
    "response.function_call_arguments.delta": "delta",
    "response.function_call_arguments.done": "arguments",
    "response.custom_tool_call_input.delta": "delta",
    "response.custom_tool_call_input.done": "input",
}


class ResponseAnswer:
    """One answer, event by event.

    Args:
        metadata: what is known before its first event.
        headers: those of the HTTP answer.

    Attributes:
        finished: the server has said why it ended.
        closed: nothing follows.
    """

    def __init__(self, metadata: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        self.finished = False
        self.closed = False
        self._metadata = dict(metadata)
        self._beside = Beside(headers)
        self._beside.put("api", "responses")
        self._texts = Texts()
        self._thoughts = Thoughts()
        self._calls = CallItems()
        self._phases: list[object] = []
        self._streamed: set[str | None] = set()  # types of the items that events have told of
        self._spoken: set[int] = set()  # of which items texts came piece by piece
        self._refused = False

    def read(self, block: bytes) -> Iterator[Chunk]:
        """Take events that came together, up to the one that says that nothing follows.

        Raises:
            NotAnEventError: one is nothing of the protocol.
            ErrorEvent: one is an error.
        """
        for data in data_of(block):
            if data.startswith(DONE):
                self.closed = True
            else:
                yield from self.chunks(data)
            if self.closed:
                return

    def chunks(self, data: bytes) -> Sequence[Chunk]:
        """Take the data of one event, or an answer in one piece.

        Raises:
            NotAnEventError: it is nothing of the protocol.
            ErrorEvent: it is an error.
        """
        delta = plain(data)
        if delta is not None and (found := self._more(delta)) is not None:
            return found
        event = whole(data)
        return () if event is None else self._whole(event, len(data))

    def end(self) -> Sequence[Chunk]:
        """Return what was held back for the end, since no event follows."""
        wire = self._beside.everything()
        return () if wire is None else (Chunk(metadata={"wire": wire}),)

    def _more(self, delta: PlainDelta) -> Sequence[Chunk] | None:
        """Take more of the part that is under way; None if it is another one."""
        if delta.type == TEXT:
            text = self._texts.more(delta.output_index, delta.content_index, delta.delta)
            return None if text is None else (Chunk(text),) if text else ()
        if delta.type in _REASONING:
            part = delta.summary_index if delta.type == SUMMARY else delta.content_index
            thought = self._thoughts.more(delta.output_index, _REASONING[delta.type], part, delta.delta)
            return None if thought is None else (Chunk(reasoning=thought),) if thought else ()
        calls = self._calls.more(delta.output_index, delta.delta)
        return None if calls is None else (Chunk(tool_calls=calls),) if calls else ()

    def _whole(self, event: Json, size: int) -> Sequence[Chunk]:
        kind = word_of(event.get("type"))
        if kind == "error" or (kind is None and event.get("error")):
            raise ErrorEvent(event.get("error") or {name: event.get(name) for name in ("message", "code")})
        if kind is None:
            return self._in_one_piece(event, size)
        at = count_of(event.get("output_index")) or 0
        if kind in (TEXT, REFUSAL, "response.output_text.done", "response.refusal.done"):
            return self._text(event, kind, at, size)
        if kind in _REASONING:
            return self._told(reasoning=self._thought(event, kind, at))
        if kind in _ARGUMENTS:
            field = _ARGUMENTS[kind]
            return self._told(calls=self._calls.add(at, event.get(field), self._beside.id, done=field != "delta"))
        if kind in ("response.output_item.added", "response.output_item.done"):
            return self._item(event.get("item"), at, size, done=kind.endswith("done"))
        if isinstance(response := event.get("response"), Mapping):
            return self._response(response, kind.rpartition(".")[2], size)
        return ()

    def _in_one_piece(self, response: Json, size: int) -> Sequence[Chunk]:
        if "choices" in response:
            raise NotAnEventError("it is of Chat Completions; set 'api: chat'")
        status = word_of(response.get("status"))
        if not isinstance(response.get("output"), list):
            raise NotAnEventError("a JSON object without 'type' or 'output'")
        if status not in _TERMINAL:
            raise NotAnEventError("a response that is not complete")
        return self._response(response, str(status), size)

    def _text(self, event: Json, kind: str, at: int, size: int) -> Sequence[Chunk]:
        part = count_of(event.get("content_index")) or 0
        if "output_index" not in event:  # then the whole answer cannot tell which of its items this was
            self._streamed.add("message")
        self._spoken.add(at)
        done = kind.endswith("done")
        refused = "refusal" in kind
        value = event.get("delta") if not done else event.get("refusal" if refused else "text")
        if logprobs := event.get("logprobs") if not done else None:
            self._beside.add("choice", {"logprobs": {"content": logprobs}}, size)
        return self._told(self._texts.add(at, part, value, done=done), refused=refused)

    def _thought(self, event: Json, kind: str, at: int) -> str:
        done = kind.endswith("done")
        name = _REASONING[kind]
        part = count_of(event.get(f"{name}_index")) or 0
        return self._thoughts.add(at, name, part, event.get("text" if done else "delta"), done=done)

    def _item(self, item: object, at: int, size: int, *, done: bool) -> Sequence[Chunk]:
        """Take an item of the output, as it begins or as a whole."""
        if not isinstance(item, Mapping):
            raise NotAnEventError("an item of the output is not an object")
        kind = word_of(item.get("type"))
        self._streamed.add(kind)
        if kind in CALLS_OF_CLIENTS:
            raise NotAnEventError(f"the model asks for a {kind!r}, which is not supported")
        if kind in _CALLS:
            self._thoughts.items.followed_by(self._calls.number(at))
            return self._told(calls=self._calls.item(at, item, self._beside.id, done=done))
        if kind == "reasoning":
            return self._told(reasoning=self._thoughts.item(at, item, done=done))
        if kind == "message":
            self._thoughts.items.followed_by(None)
            return self._message(item, at, size) if done else ()
        if done:
            self._beside.add("message", {"output_items": [item]}, size)
        return ()

    def _message(self, item: Json, at: int, size: int) -> Sequence[Chunk]:
        """Take a whole message: the texts of which nothing came before, and what comes beside them."""
        found: list[Chunk] = []
        self._phases.append(item.get("phase"))
        content = item.get("content")
        if isinstance(content, str):
            content = [{"type": "output_text", "text": content}]
        for number, part in enumerate(content if isinstance(content, list) else ()):
            if not isinstance(part, Mapping):
                raise NotAnEventError("a part of a content is not an object")
            if part.get("type") in ("output_text", "refusal", "text"):
                refused = part["type"] == "refusal"
                text = self._texts.add(at, number, part.get("refusal" if refused else "text"), done=True)
                found += self._told(text, refused=refused)
            else:
                self._beside.add("message", {"content_parts": [part]}, size)
            if isinstance(notes := part.get("annotations"), list) and notes:
                self._beside.add("message", {"annotations": [_annotation(note) for note in notes]}, size)
        return found

    def _response(self, response: Json, status: str, size: int) -> Sequence[Chunk]:
        """Take the answer as a whole: as it begins, or as it has ended."""
        self._beside.head({**response, "created": response.get("created_at")})
        # vLLM's event for an answer that was cut is "completed", too; its response tells.
        if status == "completed" and (told := word_of(response.get("status"))) in _TERMINAL:
            status = str(told)
        if status == "failed":
            raise ErrorEvent(response.get("error") or "it failed without a reason")
        if status == "cancelled":
            raise ErrorEvent({"message": "it was cancelled", "code": status})
        if status not in _TERMINAL or self.finished:
            return self._told()
        found: list[Chunk] = []
        output = response.get("output")
        items = output if isinstance(output, list) else []
        kinds = [word_of(item.get("type")) if isinstance(item, Mapping) else None for item in items]
        if any(at >= len(kinds) or kinds[at] != "message" for at in self._spoken):  # it counts its items otherwise
            self._streamed.add("message")
        streamed = frozenset(self._streamed)
        for at, item in enumerate(items):
            if kinds[at] not in streamed:
                found += self._item(item, at, size, done=True)
        return [*found, *self._last(response, status)]

    def _last(self, response: Json, status: str) -> Sequence[Chunk]:
        details = response.get("incomplete_details")
        said = word_of(details.get("reason")) if isinstance(details, Mapping) else None
        cut = status == "incomplete"
        calls = self._calls.finish(self._beside.id, cut=cut)
        reason = "tool_calls" if self._calls.made else "stop"
        if cut:
            self._beside.put("incomplete_details", clean(details) if details else {})
            reason = _ENDS.get(said or "", said or status)
        if isinstance(usage := response.get("usage"), Mapping) and usage:
            self._beside.put("usage", _usage(usage))
        self._keep_for_next_turn()
        self.finished = self.closed = True
        last = Chunk(self._texts.finish(), self._thoughts.finish(), calls, usage_of(response.get("usage")), reason)
        return [*self._told(), last]

    def _keep_for_next_turn(self) -> None:
        message: dict[str, Any] = {}
        if items := self._thoughts.items.all():
            message["reasoning_items"] = items
            if self._thoughts.text and self._calls.made:
                self._beside.next_turn({"reasoning_content": self._thoughts.text})
        if len(self._phases) == 1 and (phase := word_of(self._phases[0])):
            message["phase"] = phase
        self._beside.add("message", message, 0)

    def _told(
        self, text: str = "", reasoning: str = "", calls: tuple[ToolCallDelta, ...] = (), *, refused: bool = False
    ) -> Sequence[Chunk]:
        """Return chunks, metadata first, so that who passes text on knows what it belongs to."""
        found: list[Chunk] = []
        if metadata := self._news(refused=refused and bool(text)):
            found.append(Chunk(metadata=metadata))
        if text or reasoning or calls:
            found.append(Chunk(text, reasoning, calls))
        return found

    def _news(self, *, refused: bool) -> dict[str, Any]:
        metadata, self._metadata = self._metadata, {}
        if (calls := self._calls.beside()) and not self._beside.knows("tool_calls", calls):
            self._beside.put("tool_calls", calls)
        if refused and not self._refused:
            self._refused = True
            self._beside.put("refusal", value=True)
            metadata["refusal"] = True
        if (wire := self._beside.news()) is not None:
            metadata |= {name: wire[name] for name in ("id", "model") if name in wire}
            metadata["wire"] = wire
        return metadata


def _annotation(note: object) -> object:
    """Return an annotation as Chat Completions has it, where it has it."""
    if not isinstance(note, Mapping) or note.get("type") != "url_citation" or "url_citation" in note:
        return note
    return {"type": "url_citation", "url_citation": {name: value for name, value in note.items() if name != "type"}}


def _usage(usage: Json) -> dict[str, Any]:
    """Return what a call has cost by the names of Chat Completions, in which `wire` has it for every server."""
    names = {
        "input_tokens": "prompt_tokens",
        "output_tokens": "completion_tokens",
        "input_tokens_details": "prompt_tokens_details",
        "output_tokens_details": "completion_tokens_details",
    }
    return {names.get(name, name): clean(value) for name, value in usage.items() if value is not None}
