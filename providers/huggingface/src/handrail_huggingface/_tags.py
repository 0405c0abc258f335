"""Answers whose reasoning and tool calls stand between tags."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from handrail_huggingface._dialect import NAMED
from handrail_huggingface._markers import MarkerFinder
from handrail_huggingface._parts import Call, Text, Thought

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handrail_huggingface._dialect import Dialect, Tags

_LONGEST_NAME = 32
"""Characters of the name of a channel."""


class TagReader:
    """Reads an answer with tags; `encode` gives the form that they have in the text."""

    def __init__(self, dialect: Dialect, encode: Callable[[str], str] = str) -> None:
        def encoded(tags: Tags) -> Tags:
            return encode(tags[0]), encode(tags[1])

        self.is_over = False
        self._reasoning = [encoded(tags) for tags in dialect.reasoning]
        self._wrappers = [encoded(tags) for tags in dialect.answer]
        self._call_tags = encoded(dialect.tool_calls) if dialect.tool_calls else None
        self._call_names = dialect.tool_calls or ("", "")
        self._named = [encoded(tags) for tags in NAMED]
        self._openings = {tags[0]: tags for tags in (*self._reasoning, *filter(None, [self._call_tags]))}
        self._finder = MarkerFinder()
        self._inside: Tags | None = None
        self._wrapper: Tags | None = None
        self._may_wrap = True
        self._body = ""
        self._trims = False
        self._name: str | None = None

    def begin(self, prompt: str) -> None:
        """Look at the end of the prompt: a chat template may have opened the reasoning already."""
        for tags in self._reasoning:
            _, opened, rest = prompt.rpartition(tags[0])
            if opened and (not rest.strip() or (tags in self._named and rest.rstrip().isalpha())):
                self._inside, self._trims = tags, True

    def feed(self, text: str) -> Iterator[Text | Thought | Call]:
        """Take the next text; yield what it completes."""
        marker: str | None = text
        while marker is not None:
            before, marker = self._finder.feed(text, self._markers())
            yield from self._say(before)
            if marker is not None:
                yield from self._cross(marker)
            text = ""

    def finish(self) -> Iterator[Text | Thought | Call]:
        """Yield what was held back, a tool call that was never closed included."""
        yield from self._say(self._finder.finish())
        if self._name:
            yield Thought(self._name)
        if self._body:
            yield _read_call(self._body) or Text(self._call_names[0] + self._body)

    def _markers(self) -> list[str]:
        if self._inside is not None:
            return [self._inside[1]]
        if self._wrapper is not None:
            return [*self._openings, self._wrapper[1]]
        return [*self._openings, *(tags[0] for tags in self._wrappers if self._may_wrap)]

    def _cross(self, marker: str) -> Iterator[Text | Thought | Call]:
        """Go into a part of the answer, or out of it."""
        left, wrapper = self._inside, self._wrapper
        if left is None and marker not in self._openings:
            yield from self._cross_wrapper(marker)
            return
        self._trims, self._may_wrap = True, left is not None and left != self._call_tags
        self._inside = None if left else self._openings[marker]
        self._wrapper = wrapper
        self._name = "" if self._inside in self._named else None
        if left is not None and left == self._call_tags:
            body, self._body = self._body, ""
            yield _read_call(body) or Text(f"{self._call_names[0]}{body}{self._call_names[1]}")

    def _cross_wrapper(self, marker: str) -> Iterator[Text]:
        """Go into the answer or out of it; a tag that does not follow the reasoning at once is text."""
        if self._wrapper is not None:
            self._wrapper = None
        elif self._may_wrap:
            self._wrapper = next(tags for tags in self._wrappers if tags[0] == marker)
            self._trims = True
        else:
            yield Text(marker)
        self._may_wrap = False

    def _say(self, text: str) -> Iterator[Text | Thought]:
        if self._inside is not None and self._inside == self._call_tags:
            self._body += text
            return
        if self._name is not None:
            text = self._without_name(text)
        if self._trims:
            text = text.lstrip()
            self._trims = not text
        if not text:
            return
        if self._inside is not None:
            yield Thought(text)
        else:
            self._may_wrap = False
            yield Text(text)

    def _without_name(self, text: str) -> str:
        """Leave out the first line of a channel, which is its name, unless it is too long for one."""
        head = (self._name or "") + text
        name, newline, rest = head.partition("\n")
        if not newline and len(name) < _LONGEST_NAME:
            self._name = head
            return ""
        self._name = None
        return rest if len(name) < _LONGEST_NAME else head


def _read_call(body: str) -> Call | None:
    """Read a call as models write it: JSON with a name and arguments. None if it is not that."""
    try:
        call = json.loads(body)
        name, given = call["name"], call["arguments"] if "arguments" in call else call["parameters"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(name, str) or not name:
        return None
    return Call(name, given if isinstance(given, str) else json.dumps(given, ensure_ascii=False))
