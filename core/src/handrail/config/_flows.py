"""Flows: the lines under `rails.input.flows` and `rails.output.flows`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from handrail.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOKEN = re.compile(
    r"""\s*(?:
        \$(?P<name>\w[\w.-]*) \s*=\s* (?P<value>"(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | [^\s"'$]+)
        (?=\s|$)
      | (?P<word>[^\s$="']+)
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_SEPARATORS = re.compile(r"[\s_-]+")


@dataclass(frozen=True, slots=True)
class Flow:
    """A rail as a configuration names it.

    Attributes:
        name: the words before the arguments, separated by single spaces.
        arguments: `$model=guard` gives `{"model": "guard"}`.
        text: the flow as written.
    """

    name: str
    arguments: Mapping[str, str] = field(default_factory=dict, hash=False)
    text: str = ""

    @classmethod
    def parse(cls, text: str) -> Flow:
        """Read `name of the rail $argument=value $other="two words"`.

        Raises:
            ValueError: the text is no flow; the message says where it stops to be one.
        """
        InvalidArgumentError.unless(isinstance(text, str), "text", text, "the text of a flow")
        words: list[str] = []
        arguments: dict[str, str] = {}
        position, end = 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position, end)
            if match is None:
                rest = text[position:end].strip()
                raise ValueError(f'{rest!r} cannot be read; arguments are written $name=value or $name="two words"')
            position = match.end()
            if word := match["word"]:
                if arguments:
                    raise ValueError(f"{word!r} comes after an argument; quote values that contain spaces")
                words.append(word)
            elif match["name"] in arguments:
                raise ValueError(f"the argument {'$' + match['name']!r} is given twice; give it once")
            else:
                arguments[match["name"]] = _unquoted(match["value"])
        if not words:
            raise ValueError("no rail name; start with the name of a rail, such as 'self check output'")
        return cls(" ".join(words), arguments, text)


def _unquoted(value: str) -> str:
    return _ESCAPE.sub(r"\1", value[1:-1]) if value[:1] in {'"', "'"} else value


def normalized_name(name: str) -> str:
    """Fold a rail's name, so that case, spaces, hyphens and underscores make no difference."""
    InvalidArgumentError.unless(isinstance(name, str), "name", name, "the name of a rail")
    return _SEPARATORS.sub("_", name.strip()).casefold()
