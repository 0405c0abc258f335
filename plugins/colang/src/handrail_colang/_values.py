"""Makes expressions of what the parser has read."""

# ruff: noqa: ARG002, ARG005  # lark calls every method alike, and every expression takes the variables
from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import reduce
from string import Formatter
from typing import Any, NamedTuple

from handrail.errors import InvalidRailsConfigurationError
from lark import Token, Transformer, UnexpectedInput, v_args

from handrail_colang import _expressions as ex
from handrail_colang import _texts
from handrail_colang._syntax import Expression, Place


class Argument(NamedTuple):
    """One of a call, and how it is written."""

    name: str | None
    value: Expression
    written: str


Arguments = list[Argument]
_VARIABLE = re.compile(r"\$([A-Za-z_]\w*)")
_WIDE = re.compile(r"[0-9]{4}")


@v_args(meta=True)
class Values(Transformer[Token, Any]):
    """Turns the parser's tree into expressions.

    Args:
        file: its name, for places.
        text: what it says.
        read: parses an expression that stands in a text.
    """

    def __init__(self, file: str, text: str, read: Callable[[str], Any]) -> None:
        super().__init__()
        self._file = file
        self._text = text
        self._read = read
        self._within: Place | None = None  # the text whose expressions are being read
        self._reads: set[str] = set()  # of the definition that is being read, since definitions come one by one

    def arguments(self, meta: Any, children: list[Any]) -> Arguments:
        return list(children)

    def keyword(self, meta: Any, children: list[Any]) -> Argument:
        written = self._text[meta.start_pos : meta.end_pos].partition("=")[2]
        return Argument(str(children[0]), children[1], written.strip())

    def positional(self, meta: Any, children: list[Any]) -> Argument:
        return Argument(None, children[0], "")

    def choice(self, meta: Any, children: list[Any]) -> Expression:
        then, _, condition, _, otherwise = children
        return lambda variables: then(variables) if condition(variables) else otherwise(variables)

    def or_(self, meta: Any, children: list[Any]) -> Expression:
        values = children[::2]
        return lambda variables: reduce(lambda left, right: left or right(variables), values[1:], values[0](variables))

    def and_(self, meta: Any, children: list[Any]) -> Expression:
        values = children[::2]
        return lambda variables: reduce(lambda left, right: left and right(variables), values[1:], values[0](variables))

    def not_(self, meta: Any, children: list[Any]) -> Expression:
        value = children[1]
        return lambda variables: not value(variables)

    def compare(self, meta: Any, children: list[Any]) -> Expression:
        place, values, comparators = self._place(meta), children[::2], children[1::2]
        pairs = [
            ex.compare(comparator, left, right, place)
            for left, comparator, right in zip(values, comparators, values[1:], strict=False)
        ]
        return pairs[0] if len(pairs) == 1 else lambda variables: all(pair(variables) for pair in pairs)

    def comparator(self, meta: Any, children: list[Any]) -> str:
        return " ".join(str(child) for child in children if child is not None)

    def binary(self, meta: Any, children: list[Any]) -> Expression:
        place = self._place(meta)
        value: Expression = children[0]
        for sign, right in zip(children[1::2], children[2::2], strict=True):
            value = ex.arithmetic(str(sign), value, right, place)
        return value

    def negative(self, meta: Any, children: list[Any]) -> Expression:
        return ex.call(lambda value: -value, [children[1]], self._place(meta))

    def method(self, meta: Any, children: list[Any]) -> Expression:
        owner, name, arguments = children
        if str(name) not in ex.METHODS:
            raise self._unknown(meta, "method", name, ex.METHODS)
        return ex.method(owner, str(name), self._values(meta, arguments), self._place(meta))

    def attribute(self, meta: Any, children: list[Any]) -> Expression:
        if str(children[1]).startswith("_"):
            raise self._unknown(meta, "attribute", children[1], ("those without a leading underscore",))
        return ex.attribute(children[0], str(children[1]), self._place(meta))

    def item(self, meta: Any, children: list[Any]) -> Expression:
        return ex.item(children[0], children[1], self._place(meta))

    def part(self, meta: Any, children: list[Any]) -> Expression:
        owner, *bounds = children
        return ex.part(owner, bounds, self._place(meta))

    def variable(self, meta: Any, children: list[Any]) -> Expression:
        return self._variable(str(children[0])[1:], self._place(meta))

    def number(self, meta: Any, children: list[Any]) -> Expression:
        text = str(children[0])
        number = int(text) if text.isdigit() else float(text)
        return _constant(number)

    def string(self, meta: Any, children: list[Any]) -> Expression:
        text = ex.text_of(children[0])
        if (whole := _VARIABLE.fullmatch(text)) is not None:  # `action(text="$user_message")` gets the message
            return self._variable(whole[1], self._place(meta))
        self._reads |= _texts.placeholders(text)  # where it is the message of an event
        return _constant(text)

    def f_string(self, meta: Any, children: list[Any]) -> Expression:
        place = self._place(meta)
        try:
            return ex.joined(list(self._parts(ex.text_of(children[0][1:]), place)), place)
        except (ValueError, UnexpectedInput) as exc:
            raise InvalidRailsConfigurationError(
                f"{place}: the f-string cannot be read; write what is in braces as '{{$name}}' or '{{$name:.2f}}'"
            ) from exc

    def _parts(self, text: str, place: Place) -> Iterator[Expression]:
        for said, inner, spec, conversion in Formatter().parse(text):
            yield _constant(said)
            if inner is None:
                continue
            if "{" in (spec or "") or _WIDE.search(spec or ""):
                raise ValueError(spec)
            self._within = place
            try:
                value = self.transform(self._read(inner))
            finally:
                self._within = None
            yield ex.formatted(value, conversion, spec or "", place)

    def constant(self, meta: Any, children: list[Any]) -> Expression:
        return _constant({"true": True, "false": False, "none": None}[str(children[0]).lower()])

    def invented(self, meta: Any, children: list[Any]) -> Expression:
        raise InvalidRailsConfigurationError(
            f"{self._place(meta)}: '...' (a value that the model makes up) is not supported; execute an action instead"
        )

    def function(self, meta: Any, children: list[Any]) -> Expression:
        name, arguments = children
        if str(name) not in ex.FUNCTIONS:
            raise self._unknown(meta, "function", name, tuple(ex.FUNCTIONS))
        return ex.call(ex.FUNCTIONS[str(name)], self._values(meta, arguments), self._place(meta))

    def list_(self, meta: Any, children: list[Any]) -> Expression:
        values = [child for child in children if child is not None]
        return lambda variables: [value(variables) for value in values]

    def pair(self, meta: Any, children: list[Any]) -> tuple[Expression, Expression]:
        key, value = children
        return key, value

    def mapping(self, meta: Any, children: list[Any]) -> Expression:
        pairs = [child for child in children if child is not None]
        made: Expression = lambda variables: {key(variables): value(variables) for key, value in pairs}  # noqa: E731
        return ex.guarded(made, self._place(meta))

    def _variable(self, name: str, place: Place) -> Expression:
        self._reads.add(name)
        return ex.variable(name, place)

    def _values(self, meta: Any, arguments: Arguments | None) -> list[Expression]:
        for name, _, _ in arguments or ():
            if name is not None:
                raise self._unknown(meta, "argument", name, ("arguments without a name",))
        return [value for _, value, _ in arguments or ()]

    def _unknown(self, meta: Any, what: str, name: object, known: tuple[str, ...]) -> InvalidRailsConfigurationError:
        return InvalidRailsConfigurationError(
            f"{self._place(meta)}: the {what} {str(name)!r} is not supported; known: {', '.join(known)}"
        )

    def _place(self, meta: Any) -> Place:
        return self._within or Place(self._file, meta.line, meta.column)


def _constant(value: Any) -> Expression:
    return lambda variables: value
