"""The text of messages: what a model reads of them, what rails judge of it, and the way back into their parts."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from handrail._content._characters import whole_characters
from handrail._content._dividing import divide
from handrail._content._json import AutoContent, may_be_json
from handrail._content._protocol import Piece, pieces_of
from handrail._types import Edit, Message
from handrail.errors import InvalidArgumentError


def message_text(message: Message) -> str:
    """Return the text of a message as a model reads it.

    Text parts that follow one another are one text. What stands on both sides of another part, such as an image, is
    two texts, a line each. A message without text has an empty one.
    """
    try:
        content = message.get("content")
    except AttributeError:
        found = type(message).__name__
        raise InvalidArgumentError(f"message takes a mapping with 'role' and 'content', not {found}") from None
    if isinstance(content, str):  # as nearly all are, of which a conversation may have a thousand
        return whole_characters(content)
    return "\n".join(run.text for run in _runs(message, 0))


class MessageTexts:
    """The texts of messages, one a line, and the way back for their edits.

    Each text is read for itself: one that is JSON says its keys and leaves, whatever stands before it.

    Attributes:
        content: what they say. Edits are of this text.
    """

    __slots__ = ("_messages", "_runs", "_said", "content")

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = tuple(messages)
        self._runs = [run for index, message in enumerate(messages) for run in _runs(message, index)]
        self._said = ["".join(_read(run, AutoContent())) for run in self._runs]
        self.content = "\n".join(self._said)

    def edited(self, edits: Sequence[Edit]) -> tuple[Message, ...]:
        """Return the messages after edits, which must be sorted and apart.

        Parts keep their order and whatever else they carry. An edit is written into the part in which it begins, and
        what it covers of later parts is taken out of them. A message that no edit reaches is the same object.

        Raises:
            ContentError: a text is to be put into JSON that has no key and no value.
        """
        texts: dict[int, list[tuple[_Run, list[str]]]] = {}
        for run, pieces in zip(self._runs, self._shared_out(edits), strict=True):
            if any(replacement is not None for _, _, replacement in pieces):
                texts.setdefault(run.message, []).append((run, _written(run, pieces)))
        return tuple(
            _with_texts(message, texts[index]) if index in texts else message
            for index, message in enumerate(self._messages)
        )

    def _shared_out(self, edits: Sequence[Edit]) -> Iterator[list[Piece]]:
        """Yield for each text the pieces of its content; an edit of several texts is divided among them."""
        shares: list[list[Edit]] = [[] for _ in self._said]
        starts = [0]
        for said in self._said:
            starts.append(starts[-1] + len(said) + 1)
        for edit in edits:
            inside = range(bisect_right(starts, edit.start) - 1, min(bisect_right(starts, edit.end), len(shares)))
            cuts = [starts[n] - 1 - edit.start for n in inside[1:]]
            covered = self.content[edit.start : edit.end]
            if not inside:
                raise ValueError(f"there is no text at {edit.start} to edit")
            for n, text in zip(inside, divide(covered, cuts, whole_characters(edit.replacement)), strict=True):
                start, end = max(edit.start, starts[n]), min(edit.end, starts[n + 1] - 1)
                if end > start or text:
                    shares[n].append(Edit(start - starts[n], end - starts[n], text))
        for said, share in zip(self._said, shares, strict=True):
            yield list(pieces_of(0, len(said), share))


@dataclass(frozen=True, slots=True)
class _Run:
    """Text parts that follow one another.

    Attributes:
        message: which message they belong to.
        parts: which parts of its content they are; none if its content is a text itself.
        texts: the text of each.
        text: all of it.
    """

    message: int
    parts: tuple[int, ...]
    texts: tuple[str, ...]
    text: str


def _runs(message: Message, index: int) -> Iterator[_Run]:
    content = message.get("content")
    if isinstance(content, str):
        text = whole_characters(content)
        yield _Run(index, (), (text,), text)
    elif isinstance(content, list | tuple):
        parts: list[int] = []
        for number, part in enumerate((*content, None)):
            if _text_of(part) is not None:
                parts.append(number)
            elif parts:
                yield _run(index, parts, content)
                parts = []


def _run(index: int, parts: list[int], content: Sequence[object]) -> _Run:
    texts = [_text_of(content[number]) or "" for number in parts]
    for n, text in enumerate(texts[:-1]):
        if text and "\ud800" <= text[-1] <= "\udbff" and "\udc00" <= texts[n + 1][:1] <= "\udfff":
            texts[n], texts[n + 1] = text[:-1], text[-1] + texts[n + 1]
    whole = tuple(map(whole_characters, texts))
    return _Run(index, tuple(parts), whole, "".join(whole))


def _read(run: _Run, reader: AutoContent) -> Iterator[str]:
    """Yield what each part says; it is JSON of the text as a whole."""
    if not may_be_json(run.text):
        yield from run.texts
        return
    for text in run.texts[:-1]:
        yield reader.feed(text)
    yield reader.feed(run.texts[-1]) + reader.finish()


def _written(run: _Run, pieces: Sequence[Piece]) -> list[str]:
    """Return the text of each part after the pieces of their content."""
    reader = AutoContent()
    parts = _parted(pieces, list(accumulate(map(len, _read(run, reader)))))
    if not may_be_json(run.text):
        text = run.text
        return ["".join(text[start:end] if new is None else new for start, end, new in part) for part in parts]
    written = [reader.encode(part) for part in parts]
    written[-1] += reader.rest()
    return written


def _text_of(part: object) -> str | None:
    if isinstance(part, str):
        return part
    text = part.get("text") if isinstance(part, Mapping) else None
    return text if isinstance(text, str) else None


def _parted(pieces: Sequence[Piece], ends: Sequence[int]) -> Iterator[list[Piece]]:
    """Yield the pieces of each part; one that reaches into further parts replaces what is in the first of them."""
    left = deque(pieces)
    for number, limit in enumerate(ends):
        part: list[Piece] = []
        last = number == len(ends) - 1
        while left and (left[0][0] < limit or last or left[0][1] == left[0][0] == limit):
            start, end, new = left.popleft()
            if end > limit:
                left.appendleft((limit, end, None if new is None else ""))
                end = limit
            part.append((start, end, new))
        yield part


def _with_texts(message: Message, written: Sequence[tuple[_Run, list[str]]]) -> Message:
    run, texts = written[0]
    if not run.parts:
        return {**message, "content": texts[0]}
    parts: list[Any] = list(message["content"])
    for run, texts in written:
        for number, text in zip(run.parts, texts, strict=True):
            parts[number] = text if isinstance(parts[number], str) else {**parts[number], "text": text}
    return {**message, "content": parts}
