"""From tokens to chunks: whole characters, stop strings, reasoning and tool calls."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from handrail import Chunk, ToolCallDelta
from tokenizers.decoders import DecodeStream

from handrail_tiny._prompt import CALL, END_CALL, END_THINK, THINK

if TYPE_CHECKING:
    from handrail_tiny._model import Model


class Answer:
    """One answer as it comes, token by token."""

    def __init__(self, model: Model, stop: list[str], *, thinking: bool, tools: bool) -> None:
        self._tokenizer = model.tokenizer
        marks = (THINK, END_THINK, CALL, END_CALL) if tools else (THINK, END_THINK)
        self._marks = {model.control[token]: token for token in marks}
        self._stop = stop
        self._held = ""
        self._decoder = DecodeStream()
        self._channel = "reasoning" if thinking else "text"
        self._call = ""
        self.calls = 0
        self.stopped = False

    def add(self, token: int) -> Chunk | None:
        """Take the next token; return what it completes. After a stop string, `stopped` is True."""
        if (mark := self._marks.get(token)) is not None:
            return self._turn(mark)
        return self._say(self._decoder.step(self._tokenizer, token) or "")

    def finish(self) -> Chunk | None:
        """No more will come: give what is still held, a tool call that was never closed included."""
        text, self._held = self._held + self._call, ""
        return Chunk(text=text) if text and not self.stopped else None

    def _say(self, text: str) -> Chunk | None:
        if not text:
            return None
        if self._channel == "reasoning":
            return Chunk(reasoning=text)
        if self._channel == "call":
            self._call += text
            return None
        text = self._until_stop(text) if self._stop else text
        return Chunk(text=text) if text else None

    def _turn(self, mark: str) -> Chunk | None:
        self._decoder = DecodeStream()
        self._channel = {THINK: "reasoning", CALL: "call"}.get(mark, "text")
        if mark != END_CALL:
            return None
        body, self._call = self._call, ""
        try:
            call = json.loads(body)
            name, arguments = str(call["name"]), json.dumps(call["arguments"], ensure_ascii=False)
        except (ValueError, KeyError, TypeError, RecursionError):
            return self._say(body)
        self.calls += 1
        index = self.calls - 1
        return Chunk(tool_calls=(ToolCallDelta(index, id=f"call_{index}", name=name, arguments=arguments),))

    def _until_stop(self, text: str) -> str:
        """Hold back what may become a stop string."""
        text = self._held + text
        ends = [at for stop in self._stop if (at := text.find(stop)) >= 0]
        if ends:
            self._held, self.stopped = "", True
            return text[: min(ends)]
        longest = max(len(stop) for stop in self._stop) - 1
        start = max(0, len(text) - longest)
        while start < len(text) and not any(stop.startswith(text[start:]) for stop in self._stop):
            start += 1
        self._held = text[start:]
        return text[:start]
