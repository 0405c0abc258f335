"""What a Colang file says: flows of statements, whose expressions are functions of the variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Variables: TypeAlias = dict[str, Any]
Expression: TypeAlias = Callable[[Variables], Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands, for errors."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Assign:
    """`$name = expression`."""

    place: Place
    name: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Execute:
    """`$target = execute action(argument, name=argument)`.

    Attributes:
        written: the named arguments as the flow has them, for logs; of literals their values.
    """

    place: Place
    action: str
    positional: tuple[Expression, ...]
    keywords: Mapping[str, Expression]
    target: str | None = None
    written: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bot:
    """`bot phrase`, `bot "text"` or `bot $variable`: what the user is told; a `stop` follows."""

    place: Place
    phrase: str | None
    text: Expression | None
    variable: str | None = None


@dataclass(frozen=True, slots=True)
class CreateEvent:
    """`create event SomeException(message="text")`; a `stop` follows."""

    place: Place
    name: str
    keywords: Mapping[str, Expression]


@dataclass(frozen=True, slots=True)
class Do:
    """`do flow`: what stands in another flow."""

    place: Place
    flow: str


@dataclass(frozen=True, slots=True)
class Stop:
    """`stop`: nothing more may pass."""

    place: Place


@dataclass(frozen=True, slots=True)
class Priority:
    """`priority 2`: which of the dialogs that begin alike comes first."""

    place: Place
    value: float


ANYTHING = "..."


@dataclass(frozen=True, slots=True)
class Says:
    """`user phrase`, at the beginning of a dialog: what the user has said; `user ...` for anything else.

    Attributes:
        is_example: whether it is what users say who mean it, as in `user "hello"`.
    """

    place: Place
    phrase: str
    is_example: bool = False


@dataclass(frozen=True, slots=True)
class Return:
    """`return`: the flow ends here, and lets the text pass."""

    place: Place


@dataclass(frozen=True, slots=True)
class If:
    """`if`, with `else`; an `elif` is an `if` in the `else`."""

    place: Place
    condition: Expression
    then: Block
    otherwise: Block


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A construct that cannot be run here."""

    place: Place
    construct: str


Statement: TypeAlias = Assign | Execute | Bot | CreateEvent | Do | Stop | Return | If | Priority | Says | Unsupported
Block: TypeAlias = tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """`define flow name`, or `define subflow name`.

    Attributes:
        reads: the variables whose values it reads.
    """

    place: Place
    name: str
    body: Block
    reads: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class BotMessage:
    """`define bot phrase`, with the texts that may be said."""

    place: Place
    phrase: str
    texts: tuple[str, ...]
    reads: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class UserIntent:
    """`define user phrase`, with examples of what a user says who means it."""

    place: Place
    phrase: str
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dialog:
    """A flow that begins with what the user says: one turn of the user, and what follows in the same turn.

    Attributes:
        name: the flow's name; empty for one without.
        intents: the phrases of `user`, any of which begins it.
        priority: of those that begin alike, the greatest comes first.
        is_extension: whether another that begins alike goes on after it.
    """

    place: Place
    name: str
    intents: tuple[Says, ...]
    body: Block
    reads: frozenset[str] = frozenset()
    priority: float = 1.0
    is_extension: bool = False


Definition: TypeAlias = Flow | BotMessage | UserIntent | Dialog | Unsupported
