"""Reads Colang: text to definitions, with places; a syntax error shows the line and a caret."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from handrail.errors import InvalidRailsConfigurationError
from lark import Lark, Token, UnexpectedInput
from lark.exceptions import VisitError
from lark.indenter import DedentError, Indenter

from handrail_colang._builder import Builder
from handrail_colang._syntax import Definition


class _UnevenError(Exception):
    """A line stands between two levels of indentation."""

    def __init__(self, line: int, column: int) -> None:
        self.line = line
        self.column = column


class _Indentation(Indenter):
    def handle_NL(self, token: Token) -> Iterator[Token]:  # noqa: N802  # lark's name
        try:
            yield from super().handle_NL(token)
        except DedentError as exc:
            indentation = token.rpartition("\n")[2]
            raise _UnevenError(token.end_line or 1, len(indentation) + 1) from exc

    @property
    def NL_type(self) -> str:  # noqa: N802  # lark's name
        return "_NL"

    @property
    def OPEN_PAREN_types(self) -> list[str]:  # noqa: N802
        return ["LPAR", "LSQB", "LBRACE"]

    @property
    def CLOSE_PAREN_types(self) -> list[str]:  # noqa: N802
        return ["RPAR", "RSQB", "RBRACE"]

    @property
    def INDENT_type(self) -> str:  # noqa: N802
        return "_INDENT"

    @property
    def DEDENT_type(self) -> str:  # noqa: N802
        return "_DEDENT"

    @property
    def tab_len(self) -> int:
        return 8


_reading = Lock()  # the parser's indentation is state


@cache
def _parser() -> Lark:
    """Build the parser, which takes a quarter of a second."""
    grammar = (Path(__file__).parent / "colang.lark").read_text("utf-8")
    return Lark(
        grammar,
        start=["start", "expression"],
        parser="lalr",
        postlex=_Indentation(),
        propagate_positions=True,
        maybe_placeholders=True,
    )


def _expression(text: str) -> Any:
    with _reading:
        return _parser().parse(text.strip(), start="expression")


def parse(text: str, file: str) -> list[Definition]:
    """Read a file.

    Raises:
        InvalidRailsConfigurationError: it is no Colang; the message has file, line, column, the line and a caret.
    """
    text = text.removeprefix("\ufeff")
    try:
        with _reading:
            tree = _parser().parse(text + "\n", start="start")
        definitions: Any = Builder(file, text, _expression).transform(tree)
    except UnexpectedInput as exc:
        raise _syntax_error(text, file, exc.line, exc.column, "Colang syntax error") from exc
    except _UnevenError as exc:
        what = "the indentation is uneven: the line stands between two levels; indent every block alike"
        raise _syntax_error(text, file, exc.line, exc.column, what) from exc
    except VisitError as exc:
        raise _refused(file, exc) from exc
    except RecursionError as exc:
        raise InvalidRailsConfigurationError(f"{file}:1:1: it is nested too deeply to be read") from exc
    return list(definitions)


def _refused(file: str, exc: VisitError) -> InvalidRailsConfigurationError:
    """Return what is wrong with what can be read, such as a text with an escape that does not exist."""
    if isinstance(exc.orig_exc, InvalidRailsConfigurationError):
        return exc.orig_exc
    if isinstance(exc.orig_exc, RecursionError):
        return InvalidRailsConfigurationError(f"{file}:1:1: it is nested too deeply to be read")
    meta = getattr(exc.obj, "meta", None)
    place = f"{file}:{getattr(meta, 'line', 1)}:{getattr(meta, 'column', 1)}"
    return InvalidRailsConfigurationError(f"{place}: it cannot be read: {exc.orig_exc}")


def _syntax_error(text: str, file: str, line: int, column: int, what: str) -> InvalidRailsConfigurationError:
    lines = text.split("\n")
    if not 1 <= line <= len(lines):  # at the end of the text, which has no line
        line, column = len(lines), len(lines[-1]) + 1
    shown = lines[line - 1].expandtabs(1)
    caret = " " * (column - 1) + "^"
    return InvalidRailsConfigurationError(f"{file}:{line}:{column}: {what}\n    {shown}\n    {caret}")
