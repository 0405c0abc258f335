"""What exceptions of others say is repeated in one way only: by `handrail.errors.message_of`, which cannot fail."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from handrail.errors import message_of

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path
    for part in ("core/src", "plugins/*/src", "providers/*/src")
    for at in ROOT.glob(part)
    for path in at.rglob("*.py")
)
THE_WAY = ROOT / "core/src/handrail/_foreign.py"


def named(node: ast.expr | None) -> set[str]:
    """Return the names of the classes that an annotation, an `except` or an `isinstance` has."""
    if node is None:
        return {"BaseException"}
    return {
        part.attr if isinstance(part, ast.Attribute) else part.id
        for part in ast.walk(node)
        if isinstance(part, ast.Name | ast.Attribute)
    }


def own_errors(trees: list[ast.Module]) -> set[str]:
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def said(node: ast.AST, name: str, own: set[str]) -> Iterator[int]:
    """Yield the lines that write a variable out, but where it has just been found to be an error of ours."""
    if (
        isinstance(node, ast.IfExp)
        and isinstance(node.test, ast.Call)
        and named(node.test) <= own | {"isinstance", name}
    ):
        yield from said(node.orelse, name, own)
        return
    if isinstance(node, ast.FormattedValue) and ast.unparse(node.value) == name and node.conversion != ord("r"):
        yield node.lineno
    if (
        isinstance(node, ast.Call)
        and ast.unparse(node.func) == "str"
        and [ast.unparse(it) for it in node.args] == [name]
    ):
        yield node.lineno
    for child in ast.iter_child_nodes(node):
        yield from said(child, name, own)


def of_others(tree: ast.Module, own: set[str]) -> Iterator[int]:
    """Yield the lines that write out an exception that may be anybody's."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.name and not named(node.type) <= own:
            for statement in node.body:
                yield from said(statement, node.name, own)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for argument in (*node.args.args, *node.args.kwonlyargs):
                if argument.annotation is not None and named(argument.annotation) & {"Exception", "BaseException"}:
                    for statement in node.body:
                        yield from said(statement, argument.arg, own)


def test_no_exception_of_others_is_written_out_in_another_way() -> None:
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
    own = own_errors(list(trees.values()))
    found = {f"{path.relative_to(ROOT)}:{line}" for path, tree in trees.items() for line in of_others(tree, own)}
    way = {f"{THE_WAY.relative_to(ROOT)}:{line}" for line in of_others(trees[THE_WAY], own)}
    assert len(way) == 1
    assert found == way


@pytest.mark.parametrize(
    "code",
    [
        "try: f()\nexcept ValueError as exc: raise KeyError(str(exc))",
        "try: f()\nexcept (OurError, OSError) as exc: print(f'no: {exc}')",
        "def tell(error: BaseException) -> str: return f'{error!s}'",
        "def tell(error: Exception) -> str: return str(error) if isinstance(error, OSError) else ''",
    ],
)
def test_the_walk_sees_it(code: str) -> None:
    assert len(list(of_others(ast.parse(code), {"OurError"}))) == 1


@pytest.mark.parametrize(
    "code",
    [
        "try: f()\nexcept OurError as exc: raise KeyError(str(exc))",
        "try: f()\nexcept ValueError as exc: raise KeyError(type(exc).__name__) from exc",
        "def tell(error: Exception) -> str: return str(error) if isinstance(error, OurError) else ''",
    ],
)
def test_the_walk_leaves_alone_what_is_ours(code: str) -> None:
    assert list(of_others(ast.parse(code), {"OurError"})) == []


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_a_message_is_bounded_printable_and_never_fails() -> None:
    assert message_of(ValueError("no")) == "no"
    assert message_of(ValueError("a\nb\tc")) == "a\nb\tc"
    assert message_of(ValueError("\x1b[2J\u202e\x07x")) == "\\x1b[2J\\u202e\\x07x"
    assert message_of(Mute()) == "(its message cannot be read: RuntimeError)"
    long = message_of(ValueError("x" * 10**6))
    assert len(long) < 4_100
    assert long.endswith("... (1,000,000 characters)")
