"""A folder, a file or a text to one tree."""

from __future__ import annotations

from dataclasses import dataclass, field
from os import PathLike
from os.path import expanduser
from pathlib import Path
from typing import TYPE_CHECKING

from handrail._nearest import shown
from handrail.config._files import DOCUMENTS, Folder
from handrail.config._problems import raise_problems
from handrail.config._tree import Node, Place, Source, display_name, from_plain, merge
from handrail.config._yaml import read_yaml
from handrail.config._yaml_errors import YamlProblemError
from handrail.errors import ConfigurationError, InvalidArgumentError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CORRECT = "put it there, or correct its name"
_WRITE = "write at least 'models' and 'rails'"


@dataclass(frozen=True, slots=True)
class Origin:
    """What a configuration was made from.

    Attributes:
        tree: its values with their places.
        folder: the folder that relative paths in it are meant from.
        files: the YAML files that were read.
        colang_files: files in Colang in that folder.
        colang_content: text in Colang that was passed instead.
        action_files: Python files that belong to it.
        notes: what a person should know about it though it is not an error, a line each.
    """

    tree: Node = field(default_factory=lambda: Node({}))
    folder: Path = field(default_factory=Path.cwd)
    files: tuple[Path, ...] = ()
    colang_files: tuple[Path, ...] = ()
    colang_content: str = ""
    action_files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()

    def __add__(self, later: Origin) -> Origin:
        has_files = bool(self.files or self.colang_files)
        return Origin(
            merge(self.tree, later.tree),
            self.folder if has_files else later.folder,
            (*self.files, *later.files),
            (*self.colang_files, *later.colang_files),
            "\n".join(filter(None, (self.colang_content, later.colang_content))),
            (*self.action_files, *later.action_files),
            (*self.notes, *later.notes),
        )


_LONGEST_NAME = 255  # characters, of a file on most systems


def as_path(path: object) -> Path:
    """Return what a program calls a path as one, with the home written out.

    Raises:
        InvalidArgumentError: it is none.
    """
    if not isinstance(path, str | PathLike):
        found = type(path).__name__
        raise InvalidArgumentError(
            f"from_path takes a path, not {found}; write from_content(config=...) for a dictionary"
        )
    return Path(expanduser(path))  # noqa: PTH111  # pathlib raises where the home is nobody's


def load_path(path: Path) -> Origin:
    """Read a folder or a file.

    Raises:
        ConfigurationError: there is nothing there, or it cannot be read.
    """
    path = path.absolute()
    try:
        if path.is_dir():
            return _load_folder(Folder(path))
        if path.is_file():
            return _load_file(path)
        there = sorted(item.name for item in path.parent.glob("[!.]*")) if path.parent.is_dir() else []
    except OSError as error:
        name = display_name(Path(error.filename or path))
        name = name if len(name) <= _LONGEST_NAME else shown(name)
        raise ConfigurationError(f"{name}: it cannot be read: {error.strerror}") from error
    beside = f"; in {display_name(path.parent)!r} there are {', '.join(map(repr, there[:10]))}" if there else ""
    raise ConfigurationError(
        f"no such file or folder: {shown(display_name(path))}{beside}",
        code="missing-file",
        subject=str(path),
        fix=_CORRECT,
    )


def _load_file(path: Path) -> Origin:
    tree = _merged((path,), path.parent)
    if tree.value is None:
        raise ConfigurationError(f"{display_name(path)}: the file is empty; {_WRITE}")
    return Origin(tree, path.parent, (path,))


def _load_folder(folder: Folder) -> Origin:
    files, colang_files = folder.yaml_files, folder.colang_files
    if not files and not colang_files:
        name = display_name(folder.path)
        raise ConfigurationError(f"the folder {name!r} has no YAML file; put a 'config.yml' in it, and {_WRITE}")
    tree = _merged(files, folder.path)
    if tree.value is None:
        if not colang_files:
            empty = ", ".join(map(display_name, files))
            raise ConfigurationError(f"{empty}: the configuration is empty; {_WRITE}")
        tree = Node({})
    return Origin(tree, folder.path, files, colang_files, "", folder.action_files, notes=tuple(_notes(folder.path)))


def _notes(folder: Path) -> Iterator[str]:
    """Yield notes about files for other systems, which are not read here."""
    documents = folder / DOCUMENTS
    if documents.is_dir():
        yield (
            f"{display_name(documents)}: documents are not looked up. Put what you retrieve into the prompt, and for "
            f"'self check facts' into a message of the role 'context', as 'relevant_chunks'"
        )


def _merged(paths: tuple[Path, ...], folder: Path) -> Node:
    """Read and merge files; the problems of all of them are raised together."""
    problems: list[Problem] = []
    tree = Node(None)
    for path in paths:
        try:
            tree = merge(tree, _document(path.read_bytes(), Source(display_name(path), folder)))
        except YamlProblemError as error:
            problems.extend(error.problems)
    raise_problems(problems)
    return tree


def _document(content: bytes | str, source: Source) -> Node:
    tree = read_yaml(content, source)
    if tree.value is None or isinstance(tree.value, dict):
        return tree
    found = "a list" if isinstance(tree.value, list) else "a single value"
    raise YamlProblemError(
        Problem(
            f"{found}, where a configuration has keys such as 'models:' and 'rails:'; "
            "if the file is not part of the configuration, add it to '.railsignore'",
            place=(tree.place or Place(source, 1, 1)).told,
        )
    )


def load_content(colang_content: str | None, yaml_content: str | None, config: Mapping[str, object] | None) -> Origin:
    """Read texts and a dictionary; where both are given, the dictionary is the later one.

    Raises:
        ConfigurationError: nothing is given, or it cannot be read.
    """
    tree = Node(None)
    problems: tuple[Problem, ...] = ()
    if yaml_content is not None:
        try:
            tree = _document(yaml_content, Source("yaml_content", Path.cwd()))
        except YamlProblemError as error:
            problems = error.problems
    raise_problems(problems)
    if config is not None:
        tree = merge(tree, _from_mapping(config))
    if tree.value is None and not colang_content:
        given = "is empty" if yaml_content is not None else "has no content"
        raise ConfigurationError(f"the configuration {given}; {_WRITE} in 'yaml_content' or 'config'")
    return Origin(tree if tree.value is not None else Node({}), colang_content=colang_content or "")


def _from_mapping(config: Mapping[str, object]) -> Node:
    try:
        return from_plain(config)
    except RecursionError:
        pass
    raise ConfigurationError("the mapping 'config' contains itself; a configuration must be finite")
