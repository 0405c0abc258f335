"""From the text of an answer to chunks: reasoning and tool calls apart, and an end at a stop string."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail import Chunk, ToolCallDelta

from handrail_huggingface._harmony import TOKENS, HarmonyReader
from handrail_huggingface._markers import MarkerFinder
from handrail_huggingface._parts import Call, PartReader, Text, Thought
from handrail_huggingface._symbols import Symbols
from handrail_huggingface._tags import TagReader

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from handrail_huggingface._dialect import Dialect


class Answer:
    """One answer as it comes.

    A stop string with a special token in it ends the answer wherever that is written; others end it in the text that
    the user reads. The tokens of the model's own format are read as such, and never as stop strings.

    Args:
        dialect: how the model marks the parts.
        stop: strings that end the answer.
        special: ids of the tokenizer's special tokens, by their text.
        functions: names of the functions that the model may call.

    Attributes:
        symbols: the form that special tokens have in the text.
        calls: how many tool calls it has made.
        stopped: True once a stop string has come, or the model has ended its turn; nothing is given after it.
    """

    def __init__(
        self,
        dialect: Dialect,
        stop: Sequence[str],
        special: Mapping[str, int] | None = None,
        functions: Collection[str] = (),
    ) -> None:
        marks = [*TOKENS] if dialect.channels else [tag for tags in dialect.tags for tag in tags]
        stop = [string for string in stop if string not in marks]
        self.symbols = Symbols(special or {}, (*marks, *stop))
        encode = self.symbols.encode
        self._marks = "".join(map(encode, marks))
        self._reader: PartReader = HarmonyReader(encode, functions) if dialect.channels else TagReader(dialect, encode)
        self._raw_stop = [encode(string) for string in stop if encode(string) != string]
        self._stop = [string for string in stop if encode(string) == string]
        self._raw_stops = MarkerFinder()
        self._stops = MarkerFinder()
        self._is_cut = False
        self.calls = 0

    @property
    def stopped(self) -> bool:
        """Whether the answer has ended by itself."""
        return self._is_cut or self._reader.is_over

    def begin(self, prompt: str) -> None:
        """Look at the end of the prompt: a chat template may have opened a part already."""
        self._reader.begin(prompt)

    def feed(self, text: str) -> Iterator[Chunk]:
        """Take the next text; return what it completes."""
        if self.stopped:
            return
        before, marker = self._raw_stops.feed(text, self._raw_stop) if self._raw_stop else (text, None)
        for part in self._reader.feed(self.symbols.visible(before, but=self._marks)):
            yield from self._say(part)
        if marker is not None and not self.stopped:
            yield from self._end()

    def finish(self) -> Iterator[Chunk]:
        """No more will come: give what was held back, a tool call that was never closed included."""
        if not self._is_cut:
            for part in self._reader.feed(self.symbols.visible(self._raw_stops.finish(), but=self._marks)):
                yield from self._say(part)
            yield from self._end(cuts=False)

    def _end(self, *, cuts: bool = True) -> Iterator[Chunk]:
        for part in self._reader.finish():
            yield from self._say(part)
        if not self._is_cut and (rest := self._stops.finish()):
            yield Chunk(text=rest)
        self._is_cut = self._is_cut or cuts

    def _say(self, part: Text | Thought | Call) -> Iterator[Chunk]:
        if self._is_cut:
            return
        if isinstance(part, Call):
            delta = ToolCallDelta(self.calls, id=f"call_{self.calls}", name=part.name, arguments=part.arguments)
            self.calls += 1
            yield Chunk(tool_calls=(delta,))
        elif text := self.symbols.visible(part.text):
            if isinstance(part, Thought):
                yield Chunk(reasoning=text)
            elif before := self._until_stop(text):
                yield Chunk(text=before)

    def _until_stop(self, text: str) -> str:
        if not self._stop:
            return text
        before, marker = self._stops.feed(text, self._stop)
        self._is_cut = marker is not None
        return before
