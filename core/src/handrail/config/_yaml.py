"""YAML text to a tree with places. Composed once; what YAML allows and a configuration must not have is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from handrail.config._problems import Problem
from handrail.config._tree import Node, Place, Source

if TYPE_CHECKING:
    from yaml.nodes import MappingNode, ScalarNode
    from yaml.nodes import Node as YamlNode

_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_AS_WRITTEN = {_TAG + "str", _TAG + "timestamp", _TAG + "value"}
_MOST_NODES = 1_000_000


class YamlProblemError(Exception):
    """A text cannot be read; carries the problems found."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def read_yaml(content: bytes | str, source: Source) -> Node:
    """Read one YAML document; an empty one gives a node of None.

    Raises:
        YamlProblemError: it is no YAML, no UTF-8, or has a key twice in one mapping.
    """
    text = content if isinstance(content, str) else _decode(content, source)
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return Node(None, Place(source, 1, 1))
        builder = _Builder(loader, source)
        tree = builder.build(root)
    except yaml.YAMLError as error:
        raise YamlProblemError(_explain(error, text, source)) from None
    except RecursionError:
        raise YamlProblemError(Problem("nested too deeply to be a configuration", source.name)) from None
    finally:
        loader.dispose()
    if builder.problems:
        raise YamlProblemError(*builder.problems)
    return tree


class _Builder:
    """Turns the nodes of one document into ours."""

    def __init__(self, loader: yaml.SafeLoader, source: Source) -> None:
        self.problems: list[Problem] = []
        self._loader = loader
        self._source = source
        self._done: dict[int, tuple[Node, int]] = {}
        self._open: set[int] = set()

    def build(self, node: YamlNode) -> Node:
        return self._sized(node)[0]

    def _sized(self, node: YamlNode) -> tuple[Node, int]:
        """Give the node and how many nodes it stands for when all its aliases are written out."""
        known = self._done.get(id(node))
        if known is not None:
            return known
        if id(node) in self._open:
            return self._refuse(node, "an anchor contains itself; a configuration must be finite"), 1
        self._open.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            built = self._scalar(node), 1
        elif isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            built = self._mapping(node)
        elif isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            below = [self._sized(item) for item in node.value]
            built = Node([item for item, _ in below], self._place(node)), 1 + sum(size for _, size in below)
        else:
            built = self._refuse(node, f"the YAML tag {node.tag.removeprefix(_TAG)!r} is not allowed here"), 1
        if built[1] > _MOST_NODES:
            built = self._refuse(node, "aliases that multiply to more than a million values"), 1
        self._open.discard(id(node))
        self._done[id(node)] = built
        return built

    def _mapping(self, node: MappingNode) -> tuple[Node, int]:
        self._refuse_duplicates(node)
        self._loader.flatten_mapping(node)
        entries: dict[object, Node] = {}
        size = 1
        for key_node, value_node in node.value:
            value, below = self._sized(value_node)
            entries[self._key(key_node)] = replace(value, key_place=self._place(key_node))
            size += below
        return Node(entries, self._place(node)), size

    def _refuse_duplicates(self, node: MappingNode) -> None:
        seen: dict[object, YamlNode] = {}
        for key_node, _ in node.value:
            if key_node.tag == _TAG + "merge":
                continue
            key = self._key(key_node)
            if key in seen:
                first = self._place(seen[key])
                self._refuse(key_node, f"the key {key!r} stands here a second time, first at {first}; keep one of them")
            seen.setdefault(key, key_node)

    def _key(self, node: YamlNode) -> object:
        if not isinstance(node, yaml.ScalarNode):
            self._refuse(node, "a list or mapping is used as a key; keys must be text")
            return ""
        value = self._scalar(node).value
        return node.value if value is None or isinstance(value, bool) else value

    def _scalar(self, node: ScalarNode) -> Node:
        if node.tag in _AS_WRITTEN or (node.tag in {_TAG + "int", _TAG + "float"} and ":" in node.value):
            return Node(node.value, self._place(node))
        if not node.tag.startswith(_TAG):
            return self._refuse(node, f"the YAML tag {node.tag!r} is not known; write the value without it")
        try:
            return Node(self._loader.construct_object(node), self._place(node))
        except (yaml.YAMLError, ValueError):
            return self._refuse(node, f"the value is no {node.tag.removeprefix(_TAG)}; put it in quotes if it is text")

    def _refuse(self, node: YamlNode, text: str) -> Node:
        place = self._place(node)
        self.problems.append(Problem(text, str(place)))
        return Node(None, place)

    def _place(self, node: YamlNode) -> Place:
        return Place(self._source, node.start_mark.line + 1, node.start_mark.column + 1)


def _decode(content: bytes, source: Source) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        place = Place(source, before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1)
        byte = content[error.start]
    raise YamlProblemError(Problem(f"the byte 0x{byte:02x} is no UTF-8; save the file as UTF-8", str(place)))


def _explain(error: yaml.YAMLError, text: str, source: Source) -> Problem:
    """Write one line about a syntax error, with nothing of the text in it, for that may be a secret."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        reason = getattr(error, "reason", None) or "it cannot be read"
        return Problem(f"not valid YAML: {reason}", source.name)
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    place = Place(source, mark.line + 1, mark.column + 1)
    if (tab := _misplaced_tab(line, mark.column)) is not None:
        return Problem(
            "a tab character; YAML does not allow tabs for indentation, use spaces",
            str(replace(place, column=tab + 1)),
        )
    reason = getattr(error, "problem", None) or "it cannot be read"
    return Problem(f"not valid YAML: {reason}", str(place))


def _misplaced_tab(line: str, column: int) -> int | None:
    indentation = line[: len(line) - len(line.lstrip())]
    if "\t" in indentation:
        return indentation.index("\t")
    return column if line[column : column + 1] == "\t" else None


def display_name(path: Path) -> str:
    """Write a path relative to the current folder if it lies below it."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
