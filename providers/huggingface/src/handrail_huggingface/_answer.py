"""From the text of an answer to chunks: reasoning and tool calls apart, and an end at a stop string."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from handrail import Chunk, ToolCallDelta

from handrail_huggingface._markers import MarkerFinder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handrail_huggingface._dialect import Dialect, Tags


class Answer:
    """One answer as it comes.

    Attributes:
        calls: how many tool calls it has made.
        stopped: True once a stop string has come; nothing is given after it.
    """

    def __init__(self, dialect: Dialect, stop: Sequence[str]) -> None:
        self._dialect = dialect
        self._stop = stop
        self._inside: Tags | None = None
        self._tags = MarkerFinder()
        self._stops = MarkerFinder()
        self._call = ""
        self._trims = False
        self.calls = 0
        self.stopped = False

    def begin(self, prompt: str) -> None:
        """Look at the end of the prompt: a chat template may have opened the reasoning already."""
        reasoning = self._dialect.reasoning
        if reasoning is not None and prompt.rstrip().endswith(reasoning[0]):
            self._inside, self._trims = reasoning, True

    def feed(self, text: str) -> Iterator[Chunk]:
        """Take the next text; give what it completes."""
        marker: str | None = text
        while marker is not None and not self.stopped:
            inside = self._inside
            markers = [inside[1]] if inside else [tags[0] for tags in self._dialect.tags]
            before, marker = self._tags.feed(text, markers)
            yield from self._say(before)
            if marker is not None:
                yield from self._cross(marker)
            text = ""

    def finish(self) -> Iterator[Chunk]:
        """No more will come: give what was held back, a tool call that was never closed included."""
        if self.stopped:
            return
        yield from self._say(self._tags.finish())
        if self._call and self._inside is not None:
            yield self._tool_call(self._call) or Chunk(text=self._inside[0] + self._call)
        if not self.stopped and (rest := self._stops.finish()):
            yield Chunk(text=rest)

    def _cross(self, marker: str) -> Iterator[Chunk]:
        """Go into a part of the answer, or out of it."""
        left, self._trims = self._inside, True
        self._inside = None if left else next(tags for tags in self._dialect.tags if tags[0] == marker)
        if left is not None and left == self._dialect.tool_calls:
            body, self._call = self._call, ""
            yield self._tool_call(body) or Chunk(text=f"{left[0]}{body}{left[1]}")

    def _say(self, text: str) -> Iterator[Chunk]:
        if self._inside is not None and self._inside == self._dialect.tool_calls:
            self._call += text
            return
        if self._trims:
            text = text.lstrip()
            self._trims = not text
        if not text:
            return
        if self._inside is not None:
            yield Chunk(reasoning=text)
        elif before := self._until_stop(text):
            yield Chunk(text=before)

    def _until_stop(self, text: str) -> str:
        if not self._stop:
            return text
        before, marker = self._stops.feed(text, self._stop)
        self.stopped = marker is not None
        return before

    def _tool_call(self, body: str) -> Chunk | None:
        """Read a call as models write it: JSON with a name and arguments. None if it is not that."""
        try:
            call = json.loads(body)
            name, given = call["name"], call["arguments"] if "arguments" in call else call["parameters"]
        except (ValueError, KeyError, TypeError):
            return None
        arguments = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
        delta = ToolCallDelta(self.calls, id=f"call_{self.calls}", name=str(name), arguments=arguments)
        self.calls += 1
        return Chunk(tool_calls=(delta,))
