"""YAML text to a tree with places. What YAML allows and a configuration must not have is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import yaml

from handrail.config._tree import Node, Place, Source
from handrail.config._yaml_errors import DEEPEST, YamlProblemError, decode, explain
from handrail.errors import Problem

if TYPE_CHECKING:
    from yaml.nodes import MappingNode, ScalarNode
    from yaml.nodes import Node as YamlNode

_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_AS_WRITTEN = {_TAG + "str", _TAG + "timestamp", _TAG + "value"}
_MERGE = _TAG + "merge"
_NUMBERS = {_TAG + "int", _TAG + "float"}
_SCALARS = {_TAG + "null", _TAG + "bool", _TAG + "binary", *_NUMBERS}
_MOST_NODES = 1_000_000


def read_yaml(content: bytes | str, source: Source) -> Node:
    """Read one YAML document; an empty one gives a node of None.

    Raises:
        YamlProblemError: it is not valid YAML or UTF-8, or a mapping has a key twice.
    """
    text = decode(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content, source)
    try:
        _refuse_depth(text, source)
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
            if root is None:
                return Node(None, Place(source, 1, 1))
            builder = _Builder(loader, source)
            tree = builder.build(root)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        problem = explain(error, text, source)
    else:
        if not builder.problems:
            return tree
        raise YamlProblemError(*builder.problems)
    raise YamlProblemError(problem)


def _refuse_depth(text: str, source: Source) -> None:
    """Refuse what is nested so deeply that composing it would overflow the stack, which libyaml does not notice."""
    if sum(map(text.count, "[{-?:")) <= DEEPEST:
        return
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            mark = event.start_mark
            place = Place(source, mark.line + 1, mark.column + 1) if mark else None
            raise YamlProblemError(
                Problem(f"nested more than {DEEPEST} levels deep", place=place.told if place else None)
            )


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
        """Return the node and how many nodes it stands for when all its aliases are written out."""
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
            built = self._refuse_tag(node), 1
        if built[1] > _MOST_NODES:
            built = self._refuse(node, "aliases expand to more than a million values; use fewer"), 1
        self._open.discard(id(node))
        self._done[id(node)] = built
        return built

    def _mapping(self, node: MappingNode) -> tuple[Node, int]:
        self._refuse_duplicates(node)
        merged: dict[object, Node] = {}
        entries: dict[object, Node] = {}
        size = 1
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                found, below = self._merged(value_node)
                merged |= found
            else:
                value, below = self._sized(value_node)
                entries[self._key(key_node)] = replace(value, key_place=self._place(key_node))
            size += below
        return Node({**merged, **entries}, self._place(node)), size

    def _merged(self, node: YamlNode) -> tuple[dict[object, Node], int]:
        """Return the entries that `<<` brings in: of several mappings an earlier one wins, as YAML has it.

        PyYAML has a method for this too, in which from 6.0.4 on a later one wins.
        """
        entries: dict[object, Node] = {}
        size = 0
        for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            built, below = self._sized(source)
            size += below
            if isinstance(built.value, dict):
                entries = {**built.value, **entries}
            elif isinstance(source, yaml.MappingNode):  # it was refused already
                continue
            else:
                self._refuse(source, "'<<' takes a mapping or a list of mappings, such as '<<: *base'")
        return entries, size

    def _refuse_duplicates(self, node: MappingNode) -> None:
        seen: dict[object, YamlNode] = {}
        for key_node, _ in node.value:
            if key_node.tag == _MERGE:
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                text = "a list or mapping stands where a key must be; put text such as '{{ name }}' in quotes"
                self._refuse(key_node, text)
                continue
            key = self._key(key_node)
            if key in seen:
                first = self._place(seen[key])
                self._refuse(key_node, f"the key '{key}' is a duplicate, first defined at {first}; keep one of them")
            seen.setdefault(key, key_node)

    def _key(self, node: YamlNode) -> object:
        """Return a key; `on`, `yes` and `null` are words here, and a list or mapping has been refused already."""
        if not isinstance(node, yaml.ScalarNode):
            return None
        value = self._scalar(node).value
        return node.value if value is None or isinstance(value, bool) else value

    def _scalar(self, node: ScalarNode) -> Node:
        """Return a scalar; dates and clock times are text, for that is what they are meant to be in a configuration."""
        if node.tag in _AS_WRITTEN or (node.tag in _NUMBERS and ":" in node.value):
            return Node(node.value, self._place(node))
        if node.tag not in _SCALARS:
            return self._refuse_tag(node)
        try:
            value = self._loader.construct_object(node)
            str(value)  # fails for a hexadecimal number with more digits than Python writes, which no error could show
            return Node(value, self._place(node))
        except (yaml.YAMLError, ValueError, LookupError):  # the last of a tag that does not fit its text
            tag = node.tag.removeprefix(_TAG)
            return self._refuse(node, f"the value is not a valid YAML {tag}; write it without the tag, or in quotes")

    def _refuse_tag(self, node: YamlNode) -> Node:
        tag = node.tag.replace(_TAG, "!!")
        return self._refuse(node, f"the YAML tag '{tag}' is not known here; write the value without it")

    def _refuse(self, node: YamlNode, text: str) -> Node:
        place = self._place(node)
        self.problems.append(Problem(text, place=place.told))
        return Node(None, place)

    def _place(self, node: YamlNode) -> Place:
        return Place(self._source, node.start_mark.line + 1, node.start_mark.column + 1)
