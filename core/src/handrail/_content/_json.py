"""JSON as content: the arguments of a tool call, and texts that may be JSON."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence

from handrail._content._protocol import Piece
from handrail._content._reader import JsonReader
from handrail._content._segments import Segment
from handrail._content._writer import JsonWriter
from handrail.errors import ContentError

_MAY_BE_JSON = re.compile(r"[\s\ufeff]*(?:[{\[]|\Z)")


class JsonContent:
    """The content of a text that has to be JSON: its keys and leaves, in the order of the document, one a line.

    Strings are decoded, and a number with an exponent is written out, unless that has more than 64 characters. Other
    numbers, `true`, `false` and `null` stand as they are written. No text at all, as some models send for a call
    without arguments, is read as `{}`. Where it stops being JSON, nothing more is read: `failure` says why at once, and
    `finish` raises it.
    """

    __slots__ = ("_reader", "_writer", "feed")

    def __init__(self, *, required: bool = True) -> None:
        segments: deque[Segment] = deque()
        self._reader = JsonReader(segments, required=required)
        self._writer = JsonWriter(segments)
        self.feed = self._reader.feed

    @property
    def failure(self) -> ContentError | None:
        """Why it is not valid JSON, as soon as that is known."""
        return self._reader.failure

    def finish(self, *, cut: bool = False) -> str:
        """Return the rest of the content: no more raw characters will come.

        Raises:
            ContentError: it is not valid JSON. With `cut`, one that only breaks off is read as far as it came.
        """
        return self._reader.finish(cut=cut)

    def encode(self, pieces: Sequence[Piece]) -> str:
        """Return the raw text of the next pieces of content.

        Raises:
            ValueError: they do not begin where the last ones ended, or there is no such content yet.
            ContentError: a text is to be put where no key and no value is.
        """
        return self._writer.encode(pieces)

    def rest(self) -> str:
        """Return the raw text after the last item, once all content was encoded."""
        return self._writer.rest(self._reader.between)


class AutoContent(JsonContent):
    """The content of a text that may be JSON: a text that begins with `{` or `[` is, for as long as it parses.

    From the end of its last item before it stops being JSON, it is plain text, brackets and quotes included. So a text
    that only begins like JSON, as a link in Markdown does, is plain from its first character. Where one document ends,
    another may follow, as in JSON Lines.

    Args:
        strict: True if the text was asked for as JSON. Then it has to be, as arguments have.
    """

    __slots__ = ()

    def __init__(self, *, strict: bool = False) -> None:
        super().__init__(required=strict)


def may_be_json(beginning: str) -> bool:
    """Check whether a text that begins so may be JSON. If not, it is its own content, and needs no object."""
    return _MAY_BE_JSON.match(beginning) is not None
