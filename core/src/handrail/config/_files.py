"""The files of a configuration's folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.config._ignore import IgnoreRules

if TYPE_CHECKING:
    from collections.abc import Iterator

_IGNORE_FILE = ".railsignore"
_NEVER = {"__pycache__", "node_modules"}
DOCUMENTS = "kb"  # what is in this folder is text to look up, and configures nothing


@dataclass(frozen=True)
class Folder:
    """What is below a configuration's folder and not ignored, sorted.

    Attributes:
        path: the folder, absolute.
    """

    path: Path

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """Every file below the folder, but for hidden ones, documents and what `.railsignore` names."""
        return tuple(sorted(self._walk(self.path, frozenset()), key=lambda path: path.parts))

    @property
    def yaml_files(self) -> tuple[Path, ...]:
        """What is merged into the configuration."""
        return tuple(path for path in self.files if path.suffix.lower() in {".yml", ".yaml"})

    @property
    def colang_files(self) -> tuple[Path, ...]:
        """Rails written in Colang."""
        return tuple(path for path in self.files if path.suffix.lower() == ".co")

    @property
    def action_files(self) -> tuple[Path, ...]:
        """Python code that belongs to the configuration: `actions.py`, `config.py`, and what is below `actions/`."""
        return tuple(path for path in self.files if path.suffix == ".py" and self._is_action(path))

    def _is_action(self, path: Path) -> bool:
        inner = path.relative_to(self.path)
        return inner.name in {"actions.py", "config.py"} or "actions" in inner.parts[:-1]

    @cached_property
    def _ignored(self) -> IgnoreRules | None:
        """The nearest rules: in the folder itself, or above it as far as the current folder."""
        here = Path.cwd()
        above = [folder for folder in self.path.parents if folder.is_relative_to(here)]
        for folder in (self.path, *above):
            file = folder / _IGNORE_FILE
            if file.is_file():
                return IgnoreRules.read(file)
        return None

    def _walk(self, folder: Path, inside: frozenset[Path]) -> Iterator[Path]:
        real = folder.resolve()
        if real in inside:
            return
        for path in sorted(folder.iterdir()):
            if path.name.startswith(".") or path.name in _NEVER or path == self.path / DOCUMENTS:
                continue
            is_folder = path.is_dir()
            if self._ignored is not None and self._ignored.match(path, is_folder=is_folder):
                continue
            if is_folder:
                yield from self._walk(path, inside | {real})
            elif path.is_file():
                yield path
