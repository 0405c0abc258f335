"""A folder, a file or a text to one tree."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.config._files import Folder
from handrail.config._problems import Problem, raise_problems
from handrail.config._tree import Node, Place, Source, from_plain, merge
from handrail.config._yaml import YamlProblemError, display_name, read_yaml
from handrail.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Origin:
    """What a configuration was made from.

    Attributes:
        tree: its values with their places.
        base_path: its folder.
        colang_files: files in Colang in that folder.
        colang_content: text in Colang that was passed instead.
        action_files: Python files that belong to it.
    """

    tree: Node = field(default_factory=lambda: Node({}))
    base_path: Path = field(default_factory=Path.cwd)
    colang_files: tuple[Path, ...] = ()
    colang_content: str = ""
    action_files: tuple[Path, ...] = ()

    def __add__(self, later: Origin) -> Origin:
        has_files = any(node.place for _, node in self.tree.children()) or self.colang_files
        return Origin(
            merge(self.tree, later.tree),
            self.base_path if has_files else later.base_path,
            (*self.colang_files, *later.colang_files),
            "\n".join(filter(None, (self.colang_content, later.colang_content))),
            (*self.action_files, *later.action_files),
        )


def load_path(path: Path) -> Origin:
    """Read a folder or a file.

    Raises:
        ConfigurationError: there is nothing there, or it cannot be read.
    """
    if path.is_dir():
        return _load_folder(Folder(path))
    if path.is_file():
        tree = _merged((path,), path.parent)
        if tree.value is None:
            raise ConfigurationError(f"{display_name(path)}: the file is empty; write at least 'models' and 'rails'")
        return Origin(tree, path.parent.absolute())
    near = sorted(path.parent.glob("*")) if path.parent.is_dir() else []
    beside = f"; {display_name(path.parent)} has {', '.join(repr(item.name) for item in near[:8])}" if near else ""
    raise ConfigurationError(f"no such file or folder: {str(path)!r}{beside}")


def _load_folder(folder: Folder) -> Origin:
    name = display_name(folder.path)
    if not folder.yaml_files and not folder.colang_files:
        raise ConfigurationError(f"the folder {name!r} has no configuration; put a file 'config.yml' in it")
    tree = _merged(folder.yaml_files, folder.path)
    if tree.value is None and not folder.colang_files:
        empty = ", ".join(map(display_name, folder.yaml_files))
        raise ConfigurationError(f"{empty}: the configuration is empty; write at least 'models' and 'rails'")
    tree = tree if tree.value is not None else replace(tree, value={})
    return Origin(tree, folder.path.absolute(), folder.colang_files, "", folder.action_files)


def _merged(paths: tuple[Path, ...], base_path: Path) -> Node:
    problems: list[Problem] = []
    tree = Node(None)
    for path in paths:
        source = Source(display_name(path), base_path.absolute())
        try:
            tree = merge(tree, _document(_bytes(path), source))
        except YamlProblemError as error:
            problems.extend(error.problems)
    raise_problems(problems)
    return tree


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror
    raise YamlProblemError(Problem(f"the file cannot be read: {reason}", display_name(path)))


def _document(content: bytes | str, source: Source) -> Node:
    tree = read_yaml(content, source)
    if tree.value is None or isinstance(tree.value, dict):
        return tree
    found = "a list" if isinstance(tree.value, list) else "text"
    raise YamlProblemError(
        Problem(
            f"the file holds {found}; a configuration is a mapping such as 'models: [...]'; "
            "a file that is not part of it can be named in .railsignore",
            str(tree.place or Place(source, 1, 1)),
        )
    )


def load_content(colang_content: str | None, yaml_content: str | None, config: Mapping[str, object] | None) -> Origin:
    """Read texts and a dictionary; where both are given, the dictionary is the later one.

    Raises:
        ConfigurationError: nothing is given, or it cannot be read.
    """
    if colang_content is None and yaml_content is None and config is None:
        raise ConfigurationError("from_content needs yaml_content, config or colang_content; none is given")
    tree = Node(None)
    if yaml_content is not None:
        try:
            tree = _document(yaml_content, Source("yaml_content", Path.cwd()))
        except YamlProblemError as error:
            problems = error.problems
        else:
            problems = ()
        raise_problems(problems)
    if config is not None:
        tree = merge(tree, from_plain(config))
    return Origin(tree if tree.value is not None else Node({}), colang_content=colang_content or "")
