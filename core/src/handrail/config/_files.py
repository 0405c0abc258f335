"""The files of a configuration's folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_IGNORE_FILE = ".railsignore"
_CODE_FOLDERS = {"actions"}


@dataclass(frozen=True)
class Folder:
    """What is below a configuration's folder and not ignored, sorted.

    Attributes:
        path: the folder.
    """

    path: Path

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """Every file below the folder, but for hidden ones."""
        return tuple(sorted(self._walk(self.path, set()), key=lambda path: path.relative_to(self.path).parts))

    @property
    def yaml_files(self) -> tuple[Path, ...]:
        """What is merged into the configuration."""
        return tuple(path for path in self.files if path.suffix.lower() in {".yml", ".yaml"})

    @property
    def colang_files(self) -> tuple[Path, ...]:
        """Rails written in Colang."""
        return tuple(path for path in self.files if path.suffix == ".co")

    @property
    def action_files(self) -> tuple[Path, ...]:
        """Python code that belongs to the configuration: `actions.py`, `config.py`, and what is below `actions/`."""
        return tuple(path for path in self.files if path.suffix == ".py" and self._is_action(path))

    def _is_action(self, path: Path) -> bool:
        inner = path.relative_to(self.path)
        return inner.name in {"actions.py", "config.py"} or bool(_CODE_FOLDERS.intersection(inner.parts[:-1]))

    @cached_property
    def _ignored(self) -> tuple[tuple[re.Pattern[str], bool], ...]:
        file = self.path / _IGNORE_FILE
        if not file.is_file():
            return ()
        return tuple(_rules(file.read_text(encoding="utf-8-sig", errors="replace")))

    def _walk(self, folder: Path, seen: set[Path]) -> Iterator[Path]:
        real = folder.resolve()
        if real in seen:
            return
        seen.add(real)
        for path in sorted(folder.iterdir()):
            if path.name.startswith(".") or path.name == "__pycache__":
                continue
            is_folder = path.is_dir()
            if self._is_ignored(path.relative_to(self.path).as_posix() + "/" * is_folder):
                continue
            if is_folder:
                yield from self._walk(path, seen)
            elif path.is_file():
                yield path

    def _is_ignored(self, name: str) -> bool:
        ignored = False
        for pattern, verdict in self._ignored:
            if pattern.fullmatch(name):
                ignored = verdict
        return ignored


def _rules(text: str) -> Iterator[tuple[re.Pattern[str], bool]]:
    """Read patterns as `.gitignore` has them; the last one that matches decides."""
    for line in text.splitlines():
        rule = line.strip()
        if not rule or rule.startswith("#"):
            continue
        verdict = not rule.startswith("!")
        yield _pattern(rule.removeprefix("!").removeprefix("\\")), verdict


def _pattern(rule: str) -> re.Pattern[str]:
    only_folders = rule.endswith("/")
    anchored = "/" in rule.rstrip("/")
    parts = PurePosixPath(rule.strip("/")).parts
    written = ["" if anchored else "(?:.*/)?"]
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "**":
            written.append(".*" if last else "(?:.*/)?")
        else:
            written.append(_glob(part) + ("" if last else "/"))
    return re.compile("".join(written) + ("/" if only_folders else "/?"), re.DOTALL)


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
