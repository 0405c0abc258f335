"""Makes definitions of what the parser has read."""

# ruff: noqa: ARG002  # lark calls every method alike, and every expression takes the variables
from __future__ import annotations

import ast
from typing import Any

from lark import Token, v_args

from handrail_colang import _expressions as ex
from handrail_colang import _texts
from handrail_colang._syntax import (
    ANYTHING,
    Assign,
    Block,
    Bot,
    BotMessage,
    CreateEvent,
    Definition,
    Dialog,
    Do,
    Execute,
    Expression,
    Flow,
    If,
    Place,
    Priority,
    Return,
    Says,
    Stop,
    Unsupported,
    UserIntent,
)
from handrail_colang._values import Arguments, Values

_SAYS = {"BotMessage": "text", "StartUtteranceBotAction": "script"}  # events that say what one of their values is


@v_args(meta=True)
class Builder(Values):
    """Turns the parser's tree into definitions.

    Args:
        file: its name, for places.
        text: what it says.
        read: parses an expression that stands in a text.
    """

    def start(self, meta: Any, children: list[Any]) -> list[Definition]:
        return [child for child in children if child is not None]

    def flow(self, meta: Any, children: list[Any]) -> Definition:
        place, reads = self._place(meta), self._taken_reads()
        defined, phrase, statements = children
        priorities = [statement.value for statement in statements or () if isinstance(statement, Priority)]
        body = tuple(statement for statement in statements or () if not isinstance(statement, Priority))
        name = _words(phrase or "")
        if body and isinstance(body[0], Says):
            priority, is_extension = (priorities or [1.0])[0], "extension" in defined.split()
            return Dialog(place, name, (body[0],), body[1:], reads, priority, is_extension)
        if not name:
            return Unsupported(place, "a flow without a name that does not begin with 'user ...'")
        return Flow(place, name, body, reads)

    def bot_message(self, meta: Any, children: list[Any]) -> BotMessage:
        _, phrase, *given = children
        place, texts = self._place(meta), tuple(map(ex.text_of, given))
        for text in texts:
            _texts.filled(text, place)  # raises if it cannot be
        return BotMessage(place, _words(phrase), texts, frozenset().union(*map(_texts.placeholders, texts)))

    def user_intent(self, meta: Any, children: list[Any]) -> UserIntent:
        _, phrase, *examples = children
        given = (example for example in examples if example is not None and example != ANYTHING)  # '...': and so on
        texts = tuple(map(ex.text_of, given))
        return UserIntent(self._place(meta), _words(phrase), texts)

    def import_(self, meta: Any, children: list[Any]) -> None:
        return None  # the library that it names is part of what is installed

    def says(self, meta: Any, children: list[Any]) -> Says:
        said = children[1]
        if said.type == "STRING":
            return Says(self._place(meta), _words(ex.text_of(said)), is_example=True)
        return Says(self._place(meta), _words(said))

    def return_(self, meta: Any, children: list[Any]) -> Return:
        return Return(self._place(meta))

    def other(self, meta: Any, children: list[Any]) -> Unsupported:
        line = str(children[0]).split("#")[0].strip()
        return Unsupported(self._place(meta), repr(line))

    def ignored(self, meta: Any, children: list[Any]) -> None:
        return None

    def block(self, meta: Any, children: list[Any]) -> Block:
        return tuple(child for child in children if child is not None)

    def if_(self, meta: Any, children: list[Any]) -> If:
        _, condition, then, *rest = children
        *branches, _, otherwise = [*rest] if len(rest) >= 2 else [*rest, None, None]
        block: Block = otherwise or ()
        for place, other_condition, other_then in reversed([branch for branch in branches if branch is not None]):
            block = (If(place, other_condition, other_then, block),)
        return If(self._place(meta), condition, then, block)

    def elif_(self, meta: Any, children: list[Any]) -> tuple[Place, Expression, Block]:
        return (self._place(meta), children[1], children[2])

    def execute_into(self, meta: Any, children: list[Any]) -> Execute:
        name, _, (action, arguments) = children
        return self._execute(meta, action, arguments, str(name)[1:])

    def execute(self, meta: Any, children: list[Any]) -> Execute:
        action, arguments = children[1]
        return self._execute(meta, action, arguments, None)

    def assign(self, meta: Any, children: list[Any]) -> Assign:
        return Assign(self._place(meta), str(children[0])[1:], children[1])

    def change(self, meta: Any, children: list[Any]) -> Assign:
        place, name = self._place(meta), str(children[0])[1:]
        value = ex.arithmetic(str(children[1])[0], self._variable(name, place), children[2], place)
        return Assign(place, name, value)

    def bot(self, meta: Any, children: list[Any]) -> Bot:
        place = self._place(meta)
        _, phrase, text = children
        return Bot(place, _words(phrase), self._filled(text, place) if text is not None else None)

    def bot_text(self, meta: Any, children: list[Any]) -> Bot:
        place = self._place(meta)
        return Bot(place, None, self._filled(children[1], place))

    def bot_variable(self, meta: Any, children: list[Any]) -> Bot:
        place = self._place(meta)
        name = str(children[1])[1:]
        return Bot(place, None, self._variable(name, place), name)

    def create_event(self, meta: Any, children: list[Any]) -> CreateEvent | Bot:
        place, name = self._place(meta), str(children[1])
        keywords = {key: self._told(value, written, place) for key, value, written in children[2] or () if key}
        said = keywords.get(_SAYS.get(name, ""))
        return Bot(place, None, said) if said is not None else CreateEvent(place, name, keywords)

    def _told(self, value: Expression, written: str, place: Place) -> Expression:
        """Return what an event says; variables are put into a text of the configuration alone, never into a value."""
        literal = _as_written(written)
        is_text = isinstance(literal, str) and literal != written
        return ex.substituted(literal, place) if is_text else value

    def do(self, meta: Any, children: list[Any]) -> Do:
        return Do(self._place(meta), _words(children[1]))

    def stop(self, meta: Any, children: list[Any]) -> Stop:
        return Stop(self._place(meta))

    def priority(self, meta: Any, children: list[Any]) -> Priority:
        return Priority(self._place(meta), float(children[1]))

    def pass_(self, meta: Any, children: list[Any]) -> None:
        return None

    def docstring(self, meta: Any, children: list[Any]) -> None:
        return None

    def call(self, meta: Any, children: list[Any]) -> tuple[str, Arguments]:
        return (children[0], children[1] or [])

    def action(self, meta: Any, children: list[Any]) -> str:
        return " ".join(children)

    def _execute(self, meta: Any, action: str, arguments: Arguments, target: str | None) -> Execute:
        positional = tuple(value for name, value, _ in arguments if name is None)
        keywords = {name: value for name, value, _ in arguments if name is not None}
        written = {name: _as_written(text) for name, _, text in arguments if name is not None}
        return Execute(self._place(meta), action, positional, keywords, target, written)

    def _filled(self, token: Token, place: Place) -> Expression:
        text = ex.text_of(token)
        self._reads |= _texts.placeholders(text)
        return _texts.filled(text, place)

    def _taken_reads(self) -> frozenset[str]:
        reads, self._reads = frozenset(self._reads), set()
        return reads


def _words(phrase: str) -> str:
    return " ".join(phrase.split())


def _as_written(text: str) -> Any:
    """Return a literal's value; what has to be calculated as it is written."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
