"""The texts of one answer of the Responses API: which part each piece belongs to, and what has come of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from handrail_http import Halves, NotAnEventError, text_of, word_of

from handrail_openai._responses._reasoning import ReasoningItems

if TYPE_CHECKING:
    from handrail_openai._responses._reasoning import Kind
    from handrail_openai._wire import Json

Place: TypeAlias = tuple[int, int]
"""Of a part of a message: the item's place in the output, and the part's within the item."""


class Texts:
    """What the messages of one answer say. Two messages are two paragraphs; parts of one are one text."""

    def __init__(self) -> None:
        self._item = self._part = -1  # of the part under way
        self._begun: set[Place] = set()
        self._halves = Halves()

    def more(self, item: int, part: int, text: str) -> str | None:
        """Take more of the part that is under way; None, and nothing is taken, if it is another one."""
        if item != self._item or part != self._part or self._halves.held:
            return None
        return text

    def add(self, item: int, part: int, text: object, *, done: bool) -> str:
        """Take a piece of a part, or all of it, which counts where no piece of it has come.

        Raises:
            NotAnEventError: it is not a text.
        """
        text = text_of(text, "a text")
        if not text or (done and (item, part) in self._begun):
            return ""
        before = ""
        if (item, part) not in self._begun:
            before = self._halves.finish()
            before += "\n\n" if self._begun and item not in {known for known, _ in self._begun} else ""
            self._begun.add((item, part))
        self._item, self._part = item, part
        return before + self._halves.feed(text)

    def finish(self) -> str:
        """Return what was held back, since the answer has ended."""
        return self._halves.finish()


class Thoughts:
    """What the reasoning items of one answer say.

    Attributes:
        items: what the next turn needs of them.
    """

    def __init__(self) -> None:
        self.items = ReasoningItems()
        self._begun: set[tuple[int, Kind, int]] = set()
        self._at: tuple[int, Kind, int] | None = None  # the part under way
        self._halves = Halves()
        self._pieces: list[str] = []

    @property
    def text(self) -> str:
        """All of it so far."""
        return "".join(self._pieces)

    def more(self, item: int, kind: Kind, part: int, text: str) -> str | None:
        """Take more of the part that is under way; None, and nothing is taken, if it is another one."""
        if (item, kind, part) != self._at or self._halves.held:
            return None
        self.items.add(item, kind, len(text))
        self._pieces.append(text)
        return text

    def add(self, item: int, kind: Kind, part: int, text: object, *, done: bool) -> str:
        """Take a piece of a part, or all of it, which counts where no piece of it has come.

        Raises:
            NotAnEventError: it is not a text.
        """
        text = text_of(text, "reasoning")
        place = (item, kind, part)
        if not text or (done and place in self._begun):
            return ""
        before = ""
        if place not in self._begun:
            before = self.finish() + self.items.begin_part(item, kind)
            self._begun.add(place)
        self._at = place
        said = self._halves.feed(text)
        self.items.add(item, kind, len(said))
        self._pieces.append(before + said)
        return before + said

    def item(self, at: int, item: Json, *, done: bool) -> str:
        """Take a reasoning item, as it begins or as a whole."""
        self.items.begin(at, word_of(item.get("id")) or "")
        if not done:
            return ""
        found = ""
        for kind in _KINDS:
            parts = item.get(kind)
            for number, part in enumerate(parts if isinstance(parts, list) else ()):
                if not isinstance(part, Mapping):
                    raise NotAnEventError("a part of the reasoning is not an object")
                found += self.add(at, kind, number, part.get("text"), done=True)
        self.items.seal(at, item.get("encrypted_content"))
        return found

    def finish(self) -> str:
        """Return what was held back, since a part has ended."""
        if (held := self._halves.finish()) and self._at is not None:
            self.items.add(*self._at[:2], len(held))
            self._pieces.append(held)
        return held


_KINDS: tuple[Kind, ...] = ("content", "summary")
