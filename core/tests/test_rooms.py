"""The rooms of the kernel: each uses those below it, never those above, and nothing goes round in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import handrail

ROOT = Path(handrail.__file__).parent
# What a name stands for, from the ground up. Rooms are folders; everything else lies on the ground floor.
FLOORS = (("_content",), ("config",), ("_plugins",), ("_stream",), ("_compose",), ("_call",), ("_rails", "_reloadable"))
PUBLIC = ("__init__", "plugins", "batching", "files", "_builtin")  # facades, and a plugin like any other
MOST_LINES = 300
LONGER = {"_stream.gate": 313}  # to be split; may only shrink


def modules() -> dict[str, Path]:
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sorted(ROOT.rglob("*.py"))}


def imported(path: Path) -> Iterator[str]:
    """Yield the kernel's modules that a module imports, for typing too."""
    known = modules()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "handrail":
            base = node.module.partition(".")[2]
            for alias in node.names:
                found = f"{base}.{alias.name}".lstrip(".")
                yield found if found in known else base if base in known else f"{base}.__init__".lstrip(".")


def floor(module: str) -> int:
    room = module.partition(".")[0]
    if room in PUBLIC:
        return len(FLOORS) + 1
    return next((number for number, names in enumerate(FLOORS, 1) if room in names), 0)


def test_every_arrow_points_downwards():
    upwards = {
        (module, other)
        for module, path in modules().items()
        if floor(module) <= len(FLOORS)
        for other in imported(path)
        if floor(other) > floor(module)
    }
    assert upwards == set()


def test_no_modules_import_each_other_in_a_circle():
    graph = {module: {other for other in imported(path) if other != module} for module, path in modules().items()}
    for room in {module.rpartition(".")[0] for module in graph if module.endswith("__init__")}:
        graph.pop(f"{room}.__init__".lstrip("."), None)  # facades: what they re-export may use its neighbours
    list(TopologicalSorter(graph).static_order())


def test_each_room_says_what_it_is_for():
    for names in FLOORS[:-1]:
        for name in names:
            text = (ROOT / name / "__init__.py").read_text(encoding="utf-8")
            assert len(ast.get_docstring(ast.parse(text)) or "") > 20, name


def test_modules_are_short_enough_to_read():
    long = {
        module: lines
        for module, path in modules().items()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGER.get(module, MOST_LINES)
    }
    assert long == {}
