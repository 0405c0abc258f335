"""What PyYAML says about a text, in a line that a person can act on and that has no secret in it."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from typing import TYPE_CHECKING

from handrail.config._tree import Place, Source
from handrail.errors import Problem

if TYPE_CHECKING:
    import yaml

DEEPEST = 100
_TAB = "a tab character; YAML does not allow tabs for indentation, use spaces"
_MEANINGS = {
    "mapping values are not allowed": ("unexpected colon; fix the indentation, or quote a value that contains a colon"),
    "but found another document": "a second YAML document begins here; a file has one",
    "found undefined alias": "an alias ('*name') of an anchor ('&name') that is not above it; put text in quotes",
    "exceeded maximum nesting depth": f"nested more than {DEEPEST} levels deep",  # libyaml's own limit is 1,000
    "could not find expected ':'": "a key without a colon, or a text that is not indented",
    "found unknown escape character": "a backslash in double quotes begins an escape; put the text in single quotes",
}


class YamlProblemError(Exception):
    """A text cannot be read; carries the problems found."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def decode(content: bytes, source: Source) -> str:
    """Read UTF-8.

    Raises:
        YamlProblemError: it is something else.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = error.start
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise YamlProblemError(_invalid("the file is UTF-16; save it as UTF-8", Place(source, 1, 1)))
    place = _place_of_offset(content[:start].decode("utf-8-sig", errors="replace"), source)
    raise YamlProblemError(
        _invalid(f"the byte 0x{content[start]:02x} is not valid UTF-8; save the file as UTF-8", place)
    )


def explain(error: yaml.YAMLError, text: str, source: Source) -> Problem:
    """Write one line about a syntax error."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return _unreadable_character(error, text, source)
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    place = Place(source, mark.line + 1, mark.column + 1)
    if (tab := _misplaced_tab(line, mark.column)) is not None:
        return _invalid(_TAB, Place(source, mark.line + 1, tab + 1))
    said = str(getattr(error, "problem", None) or "it cannot be read")
    if said.endswith("cannot start any token"):
        return _invalid(f"a value cannot begin with '{line[mark.column : mark.column + 1]}'; put it in quotes", place)
    for beginning, meaning in _MEANINGS.items():
        if said.startswith(beginning):
            return _invalid(meaning, place)
    return _invalid(f"not valid YAML: {said}{_begun(error)}", place)


def _invalid(text: str, place: Place) -> Problem:
    return Problem(text, code="invalid-yaml", place=place.told)


def _begun(error: yaml.YAMLError) -> str:
    context, mark = getattr(error, "context", None), getattr(error, "context_mark", None)
    return f", {context} that begins in line {mark.line + 1}" if context and mark else ""


def _misplaced_tab(line: str, column: int) -> int | None:
    indentation = line[: len(line) - len(line.lstrip())]
    if "\t" in indentation:
        return indentation.index("\t")
    return column if line[column : column + 1] == "\t" else None


def _unreadable_character(error: yaml.YAMLError, text: str, source: Source) -> Problem:
    found = getattr(error, "character", None)
    code = found if isinstance(found, int) else ord(found) if isinstance(found, str) and len(found) == 1 else None
    if code is None:
        return _invalid("not valid YAML", Place(source, 1, 1))
    before = text.split(chr(code), 1)[0]
    place = _place_of_offset(before, source)
    return _invalid(f"the character U+{code:04X}, which YAML does not allow; remove it", place)


def _place_of_offset(before: str, source: Source) -> Place:
    return Place(source, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
