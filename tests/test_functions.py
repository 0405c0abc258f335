"""Functions are short enough to be read at once, in every package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST_LINES = 25  # of a body, its docstring apart


def functions() -> Iterator[tuple[str, int]]:
    """Yield each function, and how many lines its body has."""
    for folder in ("core", "plugins/*", "providers/*"):
        for path in sorted(ROOT.glob(f"{folder}/src/**/*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                    lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
                    yield f"{path.relative_to(ROOT)} {node.name}", lines


def test_functions_are_short_enough_to_read():
    found = list(functions())
    assert len(found) > 5000
    assert [(name, lines) for name, lines in found if lines > MOST_LINES] == []
