"""What in flows cannot be run, and what a flow can do to the text that it is to guard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handrail_colang._syntax import (
    Assign,
    Block,
    Bot,
    CreateEvent,
    Do,
    Execute,
    If,
    Says,
    Statement,
    Stop,
    Unsupported,
)

if TYPE_CHECKING:
    from handrail_colang._program import Program
    from handrail_colang._syntax import Dialog, Flow

WITHOUT_EFFECT = {"mask blocked user input"}  # flows that change only what a dialog would remember
ADVICE = "Handrail runs the rails of Colang 1.0, and dialogs of one turn"


@dataclass(frozen=True, slots=True)
class Powers:
    """What a flow can do, those that it calls included.

    Attributes:
        stops: whether it can come to a `stop`.
        sets: the variables that it assigns.
        results: the variables that get what an action returns; None for an action whose result is not assigned.
    """

    stops: bool
    sets: frozenset[str]
    results: frozenset[str | None]


def powers(flow: Flow | Dialog, program: Program) -> Powers:
    """Return what a flow can do."""
    reached = list(program.statements(flow))
    executed = frozenset(statement.target for statement in reached if isinstance(statement, Execute))
    assigned = frozenset(statement.name for statement in reached if isinstance(statement, Assign))
    stops = any(isinstance(statement, Stop) for statement in reached)
    return Powers(stops, assigned | frozenset(name for name in executed if name is not None), executed)


def powerless(flow: Flow, program: Program, judged: str) -> str | None:
    """Return why a flow can neither stop nor rewrite the text it is given; None if it can.

    A flow may also do no more than set variables that others read, or that a caller asks for. The result of an action
    that nobody looks at is its verdict.
    """
    can = powers(flow, program)
    unread = can.results - program.reads
    if can.stops or judged in can.sets or unread:
        return None
    elsewhere = program.read_outside(flow)
    if can.sets & elsewhere:
        return None
    looked_at = sorted(f"${name}" for name in can.results if name is not None)
    what = f" It looks at {', '.join(looked_at)}, and does nothing about it." if looked_at else ""
    return (
        f"{flow.place}: flow {flow.name!r} can neither stop nor rewrite what it is given, so it guards nothing.{what} "
        f"Add 'bot refuse to respond' and 'stop' where it must not pass"
    )


def problems(block: Block, program: Program, *, stops: bool, dialog: bool = False) -> Iterator[str]:
    """Yield what cannot be run, with its place.

    Args:
        block: the statements.
        program: the flows and messages that they may name.
        stops: whether a `stop` is sure to follow the block.
        dialog: whether it answers the user, so that what the bot says needs no `stop` after it.
    """
    for statement in reversed(block):
        if isinstance(statement, Stop):
            stops = True
        elif isinstance(statement, Unsupported):
            yield unsupported(statement)
        elif isinstance(statement, Says):
            yield _says(statement, dialog=dialog)
        elif isinstance(statement, Do) and statement.flow not in {*program.flows, *WITHOUT_EFFECT}:
            yield f"{statement.place}: 'do {statement.flow}' names no flow of this configuration"
        elif isinstance(statement, Bot | CreateEvent):
            yield from _saying(statement, program, stops=stops, dialog=dialog)
        elif isinstance(statement, If):
            yield from problems(statement.then, program, stops=stops, dialog=dialog)
            yield from problems(statement.otherwise, program, stops=stops, dialog=dialog)
            stops = stops or (_stops(statement.then) and _stops(statement.otherwise))


def recursion(flow: Flow, program: Program) -> Iterator[str]:
    """Yield how a flow comes back to itself, which would never end."""
    seen: set[str] = set()
    open_ = list(_called(flow.body))
    while open_:
        called = open_.pop()
        if called.flow == flow.name:
            yield f"{called.place}: 'do {called.flow}' leads back to the flow {flow.name!r}, which would never end"
            return
        if called.flow not in seen and called.flow in program.flows:
            seen.add(called.flow)
            open_ += _called(program.flows[called.flow].body)


def unsupported(node: Unsupported) -> str:
    """Return what is said of a construct that cannot be run."""
    return f"{node.place}: {node.construct} is not supported; {ADVICE}"


def statements(block: Block) -> Iterator[Statement]:
    """Yield the statements of a block and of the blocks in it."""
    for statement in block:
        yield statement
        if isinstance(statement, If):
            yield from statements(statement.then)
            yield from statements(statement.otherwise)


def _says(statement: Says, *, dialog: bool) -> str:
    why = "a dialog of several turns is not supported" if dialog else "the turn of the user comes first in a flow"
    return f"{statement.place}: 'user {statement.phrase}': {why}; {ADVICE}"


def _saying(statement: Bot | CreateEvent, program: Program, *, stops: bool, dialog: bool) -> Iterator[str]:
    if isinstance(statement, CreateEvent):
        said = f"'create event {statement.name}'"
        if not statement.name.endswith("Exception"):
            yield f"{statement.place}: {said} is not supported; events are those whose names end in 'Exception'"
    else:
        said = f"'bot {statement.phrase or '...'}'"
        if not dialog and statement.text is None and program.text_of(statement.phrase or "") is None:
            yield f"{statement.place}: {said} has no text; add 'define bot {statement.phrase}' with one"
    if not stops and not dialog:
        yield f"{statement.place}: {said} must be followed by 'stop': a rail may only refuse, not converse. {ADVICE}"


def _stops(block: Block) -> bool:
    return any(
        isinstance(statement, Stop)
        or (isinstance(statement, If) and _stops(statement.then) and _stops(statement.otherwise))
        for statement in block
    )


def _called(block: Block) -> Iterator[Do]:
    return (statement for statement in statements(block) if isinstance(statement, Do))
