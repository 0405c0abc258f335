"""`.railsignore`: patterns as `.gitignore` has them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Self

from handrail.config._problems import raise_problems
from handrail.config._tree import Place, Source, display_name
from handrail.errors import Problem


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The rules of one file; the last one that matches decides.

    Attributes:
        folder: the folder that the rules are about.
        rules: patterns of paths below it, with whether they ignore (True) or bring back (False).
    """

    folder: Path
    rules: tuple[tuple[re.Pattern[str], bool], ...]

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read a file of rules, one a line.

        Raises:
            ConfigurationError: a line is not a valid pattern.
        """
        rules: list[tuple[re.Pattern[str], bool]] = []
        problems: list[Problem] = []
        text = file.read_text(encoding="utf-8-sig", errors="replace")
        for number, line in enumerate(text.splitlines(), start=1):
            rule = line.strip()
            if not rule or rule.startswith("#"):
                continue
            ignores = not rule.startswith("!")
            try:
                rules.append((_pattern(rule.removeprefix("!").removeprefix("\\")), ignores))
            except re.error:
                place = Place(Source(display_name(file), file.parent), number, 1)
                text = f"{rule!r} is not a valid pattern; for example '*.yml' or 'drafts/'"
                problems.append(Problem(text, place=place.told))
        raise_problems(problems)
        return cls(file.parent, tuple(rules))

    def match(self, path: Path, *, is_folder: bool) -> bool:
        """Return whether the path is ignored."""
        name = path.relative_to(self.folder).as_posix() + "/" * is_folder
        ignored = False
        for pattern, ignores in self.rules:
            if ignored is not ignores and pattern.fullmatch(name):
                ignored = ignores
        return ignored


def _pattern(rule: str) -> re.Pattern[str]:
    """Translate a rule; one with a slash before its end is about paths, any other about names at every depth."""
    anchored = "/" in rule.rstrip("/")
    parts = PurePosixPath(rule.strip("/")).parts
    written = "" if anchored else "(?:.*/)?"
    for part in parts[:-1]:
        written += "(?:.*/)?" if part == "**" else _glob(part) + "/"
    written += ".+" if parts[-1:] == ("**",) else "".join(map(_glob, parts[-1:]))
    return re.compile(written + ("/" if rule.endswith("/") else "/?"), re.DOTALL)


def _glob(part: str) -> str:
    written, position = "", 0
    while position < len(part):
        character = part[position]
        position += 1
        closing = part.find("]", position + 1) if character == "[" else -1
        if closing > 0:
            inside = part[position:closing].replace("\\", "\\\\")
            written += f"[^{inside[1:]}]" if inside[0] in "!^" else f"[{inside}]"
            position = closing + 1
        else:
            written += {"*": "[^/]*", "?": "[^/]"}.get(character) or re.escape(character)
    return written
