"""A configuration as a tree of values that know where they were written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias, cast

KeyPath: TypeAlias = Sequence[object]
"""Keys and list indices that lead from the root of a configuration to a value."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file, or a text that was passed in its place.

    Attributes:
        name: as a message shows it.
        folder: the folder of the configuration that it belongs to.
    """

    name: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a source; line and column count from 1."""

    source: Source
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"

    @property
    def told(self) -> tuple[str, int, int]:
        """The place as problems have it."""
        return (self.source.name, self.line, self.column)


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place.

    Attributes:
        value: a `dict` of nodes, a `list` of nodes, or a scalar.
        place: where the value begins.
        key_place: where its key begins, if it stands in a mapping.
    """

    value: object
    place: Place | None = None
    key_place: Place | None = None

    def children(self) -> Iterable[tuple[object, Node]]:
        """Yield keys or indices with the nodes below; nothing for a scalar."""
        if isinstance(self.value, dict):
            return cast("dict[object, Node]", self.value).items()
        if isinstance(self.value, list):
            return enumerate(cast("list[Node]", self.value))
        return ()

    def child(self, step: object) -> Node | None:
        """Return the node below this key or index, if there is one."""
        if isinstance(self.value, dict):
            return cast("dict[object, Node]", self.value).get(step)
        if isinstance(self.value, list) and isinstance(step, int) and 0 <= step < len(self.value):
            return cast("list[Node]", self.value)[step]
        return None

    def descend(self, path: KeyPath) -> tuple[Node, int]:
        """Follow a path as far as it exists; return the node there and the number of steps that were taken."""
        node = self
        for taken, step in enumerate(path):
            below = node.child(step)
            if below is None:
                return node, taken
            node = below
        return node, len(path)

    def best_place(self) -> Place | None:
        """Where to point at: a scalar itself, the key of anything larger or empty."""
        if self.key_place is not None and (self.value is None or isinstance(self.value, dict | list)):
            return self.key_place
        return self.place


def display_name(path: Path) -> str:
    """Write a path relative to the current folder if it lies below it."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def plain(node: Node) -> object:
    """Return the value without its places."""
    if isinstance(node.value, dict):
        return {key: plain(below) for key, below in node.children()}
    if isinstance(node.value, list):
        return [plain(below) for _, below in node.children()]
    return node.value


def from_plain(value: object) -> Node:
    """Make a tree of a value that was written nowhere."""
    if isinstance(value, Mapping):
        return Node({key: from_plain(below) for key, below in value.items()})
    if isinstance(value, list | tuple):
        return Node([from_plain(below) for below in value])
    return Node(value)


_SHAPES: Mapping[tuple[object, ...], type] = {
    (): dict,
    ("models",): list,
    ("instructions",): list,
    ("prompts",): list,
    ("import_paths",): list,
    ("plugins",): dict,
    ("plugins", "enable"): list,
    ("plugins", "disable"): list,
    ("rails",): dict,
    ("rails", "config"): dict,
    ("rails", "input"): dict,
    ("rails", "input", "flows"): list,
    ("rails", "output"): dict,
    ("rails", "output", "flows"): list,
}
"""Where lists are added to one another, and where a value of another type must survive to be reported."""


def merge(first: Node, second: Node, path: tuple[object, ...] = ()) -> Node:
    """Add a later configuration to an earlier one.

    Mappings merge deeply, the lists that the kernel knows are concatenated, anything else is taken from the later one.
    A null never takes anything away, and neither does a later value hide one of a wrong type where rails are named.
    """
    if second.value is None:
        return first
    if first.value is None:
        return second
    shape = _SHAPES.get(path)
    if shape is not None and not isinstance(first.value, shape):
        return first
    if isinstance(first.value, dict) and isinstance(second.value, dict):
        merged = dict(first.children())
        for key, below in second.children():
            earlier = merged.get(key)
            merged[key] = below if earlier is None else merge(earlier, below, (*path, key))
        return replace(first, value=merged)
    if shape is list and isinstance(first.value, list) and isinstance(second.value, list):
        return replace(first, value=[*first.value, *second.value])
    return second
