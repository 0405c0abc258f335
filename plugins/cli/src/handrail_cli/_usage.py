"""What is wrong with the words of a command, in a line."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, get_args

if TYPE_CHECKING:
    from cyclopts import CoercionError, CycloptsError, UnknownOptionError
    from rich.text import Text

_KINDS = {int: "a whole number", float: "a number", bool: "true or false"}
_NEAR = 0.7  # of 1; options are short and all begin with hyphens


def usage_error(error: CycloptsError) -> Text:
    """Return the line that is written to the error stream, with the help to look at."""
    from rich.text import Text

    if error.console is not None:
        error.console.soft_wrap = True  # a terminal breaks the line itself, and a file gets it whole
    command = " ".join(("handrail", *(error.command_chain or ())))
    what = _what(error)
    return Text(f"handrail: {what}{' See' if what.endswith('?') else '; see'} '{command} --help'")


def _what(error: CycloptsError) -> str:
    from cyclopts import CoercionError, MissingArgumentError, UnknownOptionError, UnusedCliTokensError

    if isinstance(error, MissingArgumentError) and error.argument:
        return f"{error.keyword} needs a value" if error.keyword else f"{error.argument.name} is missing"
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        return f"unexpected argument {error.unused_tokens[0]!r}"
    if isinstance(error, UnknownOptionError):
        return _unknown(error)
    if isinstance(error, CoercionError) and error.token is not None and error.argument is not None:
        return _wrong(error, error.token.keyword or error.argument.name, error.token.value)
    return str(error).rstrip(".")


def _unknown(error: UnknownOptionError) -> str:
    found = (error.token.keyword or error.token.value).split("=", 1)[0]
    known = [name for argument in error.argument_collection for name in argument.names if name.startswith("--")]
    near = get_close_matches(found, known, n=1, cutoff=_NEAR)
    return f"unknown option {found!r}" + (f"; did you mean {near[0]!r}?" if near else "")


def _wrong(error: CoercionError, name: str, value: str) -> str:
    choices = [choice for choice in get_args(error.target_type) if isinstance(choice, str)]
    if choices:
        near = get_close_matches(value, choices, n=1)
        allowed = ", ".join(map(repr, choices))
        return f"{name} is {value!r}; allowed: {allowed}" + (f"; did you mean {near[0]!r}?" if near else "")
    kind = _KINDS.get(error.target_type) if error.target_type else None
    return f"{name} is {value!r}; it must be {kind}" if kind else str(error).rstrip(".")
