"""Expressions of Colang as functions of the variables."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from handrail.errors import message_of

from handrail_colang._outcomes import RailOutcome
from handrail_colang._syntax import Expression, Place, Variables


class ExpressionError(Exception):
    """An expression has no value; the message says where and why."""


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda left, right: left in right,
    "not in": lambda left, right: left not in right,
    "is": operator.eq,  # texts and numbers have no identity of their own here
    "is not": operator.ne,
}
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function for function in (abs, bool, float, int, len, max, min, round, str)
}
METHODS = (
    *("capitalize", "casefold", "count", "endswith", "find", "get", "index", "isalnum", "isalpha", "isascii"),
    *("isdecimal", "isdigit", "islower", "isnumeric", "isspace", "istitle", "isupper", "items", "keys", "lower"),
    *("lstrip", "partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex", "rpartition", "rsplit"),
    *("rstrip", "split", "splitlines", "startswith", "strip", "swapcase", "title", "upper", "values"),
)
_LONGEST = 1_000_000
_MOST_BITS = 10_000  # of a power of whole numbers
_WIDE = re.compile(r"%[^%A-Za-z]*(?:\*|[0-9]{4})")  # what fills a text up to a width
_PLACEHOLDER = re.compile(r"\{\{\s*\$?([A-Za-z_]\w*)\s*\}\}|\{\$([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)")


def text_of(token: str) -> str:
    """Return the value of a string as it is written; in one over several lines, their indentation is left out."""
    return str(ast.literal_eval(r"\n".join(line.strip() for line in token.split("\n"))))


def variable(name: str, place: Place) -> Expression:
    """Read a variable; one that nobody has set is an error, for a misspelt name must not let text through."""

    def value(variables: Variables) -> Any:
        try:
            return variables[name]
        except KeyError:
            raise ExpressionError(f"{place}: ${name} is not defined") from None

    return value


def compare(comparison: str, left: Expression, right: Expression, place: Place) -> Expression:
    """Compare two values."""
    return _binary(partial(_compared, _COMPARE[comparison]), left, right, place)


def arithmetic(sign: str, left: Expression, right: Expression, place: Place) -> Expression:
    """Calculate with two values."""
    return _binary(partial(_calculated, sign), left, right, place)


def call(function: Callable[..., Any], arguments: Sequence[Expression], place: Place) -> Expression:
    """Call a function with values."""
    return guarded(lambda variables: function(*(argument(variables) for argument in arguments)), place)


def method(owner: Expression, name: str, arguments: Sequence[Expression], place: Place) -> Expression:
    """Call a method of a text, a list or a mapping."""

    def value(variables: Variables) -> Any:
        subject = owner(variables)
        if not isinstance(subject, str | list | tuple | Mapping):
            raise TypeError(f"{type(subject).__name__} has no method {name!r}")
        return getattr(subject, name)(*(argument(variables) for argument in arguments))

    return guarded(value, place)


def attribute(owner: Expression, name: str, place: Place) -> Expression:
    """Read an attribute, or the item of a mapping."""

    def value(variables: Variables) -> Any:
        subject = owner(variables)
        return subject[name] if isinstance(subject, Mapping) else getattr(subject, name)

    return guarded(value, place)


def item(owner: Expression, key: Expression, place: Place) -> Expression:
    """Read an item."""
    return guarded(lambda variables: owner(variables)[key(variables)], place)


def part(owner: Expression, bounds: Sequence[Expression | None], place: Place) -> Expression:
    """Read a part of a text or a list, from a start to an end by a step."""

    def value(variables: Variables) -> Any:
        return owner(variables)[slice(*(None if bound is None else bound(variables) for bound in bounds))]

    return guarded(value, place)


def joined(parts: Sequence[Expression], place: Place) -> Expression:
    """Join texts."""
    return guarded(lambda variables: "".join(part(variables) for part in parts), place)


def formatted(inner: Expression, conversion: str | None, spec: str, place: Place) -> Expression:
    """Return a value as a text, as Python's f-strings do.

    Args:
        inner: the value.
        conversion: `r` for its `repr`, `a` for the same in ASCII; else it is taken as it is.
        spec: the format.
        place: where it stands.
    """
    converted = {"r": repr, "a": ascii}.get(conversion or "", lambda value: value)
    return guarded(lambda variables: format(converted(inner(variables)), spec), place)


def substituted(text: str, place: Place) -> Expression:
    """Return a text whose `$name`, `{$name}` and `{{ name }}` are replaced by their values, and nothing else."""

    def value(variables: Variables) -> str:
        return _PLACEHOLDER.sub(lambda match: str(variable(next(filter(None, match.groups())), place)(variables)), text)

    return guarded(value, place)


def _compared(comparison: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    """Compare; an outcome beside a number counts as 1 if it lets the text pass, else as 0.

    Without it, `$outcome == False` would hold for no outcome, and let everything pass.
    """
    if isinstance(left, RailOutcome) and isinstance(right, int | float):
        left = int(bool(left))
    elif isinstance(right, RailOutcome) and isinstance(left, int | float):
        right = int(bool(right))
    return comparison(left, right)


def _calculated(sign: str, left: Any, right: Any) -> Any:
    """Calculate, but build no text and no number that is as large as one likes."""
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    if sign == "*" and not numbers:
        text, times = (left, right) if isinstance(left, str) else (right, left)
        if not isinstance(text, str) or not isinstance(times, int) or len(text) * times > _LONGEST:
            raise TypeError("only numbers can be multiplied, and a text with a number that keeps it short")
    elif sign == "%" and isinstance(left, str):
        if isinstance(right, Mapping) or _WIDE.search(left):
            raise TypeError("a text is filled with a value or several, with no width above 999 and no '*'")
    elif sign not in "+-" and not numbers:
        raise TypeError("only numbers can be divided and raised to a power")
    elif sign == "**" and isinstance(left, int) and left.bit_length() * right > _MOST_BITS:
        raise OverflowError("the power is too large")
    return _ARITHMETIC[sign](left, right)


def _binary(operation: Callable[[Any, Any], Any], left: Expression, right: Expression, place: Place) -> Expression:
    return guarded(lambda variables: operation(left(variables), right(variables)), place)


def guarded(value: Expression, place: Place) -> Expression:
    """Return an expression that fails with its place, and whose texts are not endless."""

    def checked(variables: Variables) -> Any:
        try:
            result = value(variables)
        except ExpressionError:
            raise
        except Exception as exc:
            raise ExpressionError(f"{place}: {type(exc).__name__}: {message_of(exc)}") from exc
        if isinstance(result, str) and len(result) > _LONGEST:
            raise ExpressionError(f"{place}: the text has {len(result):,} characters; at most {_LONGEST:,} are kept")
        return result

    return checked
