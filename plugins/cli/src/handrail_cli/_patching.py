"""Changes to a configuration's files that can be made without asking, as a unified diff: none takes a rail away."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

_STREAMING = ("rails", "output", "streaming")


def patch_of(root: Path, problems: Sequence[Mapping[str, Any]]) -> str:
    """Return a unified diff, to be applied with `patch -p1` in the configuration's folder; empty if nothing changes.

    Args:
        root: the configuration's folder or file.
        problems: what `handrail check` finds in it, each with its place where it has one.
    """
    folder = root if root.is_dir() else root.parent
    return "".join(_diff(file, folder, problems) for file in _files(root))


def _files(root: Path) -> list[Path]:
    found = root.rglob("*.y*ml") if root.is_dir() else [root]
    return sorted(file for file in found if file.is_file() and "kb" not in file.relative_to(root).parts)


def _diff(file: Path, folder: Path, problems: Sequence[Mapping[str, Any]]) -> str:
    try:
        before = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""  # check says so
    after = _held_back(_spelt_right(before, file, problems))
    name = file.relative_to(folder).as_posix()
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), f"a/{name}", f"b/{name}", lineterm="")
    return "".join(f"{line}\n" for line in lines)


def _spelt_right(text: str, file: Path, problems: Sequence[Mapping[str, Any]]) -> str:
    """Correct each key that is nearly a known one, where it is."""
    lines = text.splitlines(keepends=True)
    for problem in problems:
        wrong, meant = problem.get("subject"), problem.get("fix")
        # Of keys alone: another rail might guard less.
        if (
            problem["code"] != "unknown-key"
            or not meant
            or not problem.get("file")
            or Path(problem["file"]).resolve() != file.resolve()
        ):
            continue
        row, column = problem["line"] - 1, problem["column"] - 1
        head, rest = lines[row][:column], lines[row][column:]
        lines[row] = head + re.sub(rf"(?<!\w){re.escape(str(wrong))}(?!\w)", meant, rest, count=1)
    return "".join(lines)


def _held_back(text: str) -> str:
    """Add `stream_first: False` to streaming that is enabled and does not say, as long as that alone changes."""
    try:
        before = yaml.safe_load(text)
        node = _node(yaml.compose(text, yaml.SafeLoader))
    except yaml.YAMLError:
        return text  # check says so
    if node is None or not _undecided(before):
        return text
    changed = _with_key(text, node)
    wanted = {**before, "rails": {**before["rails"], "output": {**before["rails"]["output"]}}}
    wanted["rails"]["output"]["streaming"] = {**before["rails"]["output"]["streaming"], "stream_first": False}
    try:
        return changed if yaml.safe_load(changed) == wanted else text
    except yaml.YAMLError:
        return text


def _undecided(loaded: Any) -> bool:
    streaming = loaded["rails"]["output"]["streaming"]
    return bool(streaming.get("enabled")) and "stream_first" not in streaming


def _node(node: yaml.Node | None) -> yaml.MappingNode | None:
    """Return the mapping of the settings of streaming, where there is one."""
    for key in _STREAMING:
        node = next((value for name, value in _pairs(node) if getattr(name, "value", None) == key), None)
    return node if isinstance(node, yaml.MappingNode) and node.value else None


def _pairs(node: yaml.Node | None) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        yield from node.value


def _with_key(text: str, node: yaml.MappingNode) -> str:
    first = node.value[0][0].start_mark
    if node.flow_style:
        return f"{text[: first.index]}stream_first: False, {text[first.index :]}"
    return f"{text[: first.index]}stream_first: False\n{' ' * first.column}{text[first.index :]}"
