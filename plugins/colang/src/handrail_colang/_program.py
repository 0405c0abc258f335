"""Everything that the Colang of one configuration defines, checked: what cannot be run is an error here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handrail.errors import InvalidRailsConfigurationError

from handrail_colang._expressions import is_plain
from handrail_colang._syntax import (
    Block,
    Bot,
    BotMessage,
    CreateEvent,
    Definition,
    Do,
    Execute,
    Flow,
    If,
    PassThrough,
    Statement,
    Stop,
    Unsupported,
)

if TYPE_CHECKING:
    from handrail import RailsConfig

_REFUSAL = "refuse to respond"
_PREDEFINED = {
    _REFUSAL: "I'm sorry, I can't respond to that.",
    "inform answer unknown": "I don't know the answer to that.",
    "inform cannot answer": "I can't answer that.",
    "inform internal error occurred": "I'm sorry, an internal error has occurred.",
}
_WITHOUT_EFFECT = {"mask blocked user input"}  # flows that change only what a dialog would remember
_PLACE = re.compile(r"([^\n]+?):(\d+):(\d+): ")
_ADVICE = "Handrail runs the rails of Colang 1.0, not dialogs"


@dataclass(frozen=True, slots=True)
class Program:
    """Flows and bot messages by name."""

    flows: Mapping[str, Flow]
    messages: Mapping[str, BotMessage]

    @classmethod
    def load(cls, config: RailsConfig) -> Program:
        """Read and check what a configuration has in Colang.

        Raises:
            InvalidRailsConfigurationError: something cannot be read or run; each problem is a line with its place.
        """
        sources = list(_sources(config))
        if sources and not config.colang_version.startswith("1"):
            raise InvalidRailsConfigurationError(
                f"{sources[0][0]}:1:1: Colang {config.colang_version} is not supported; write the rail in Colang 1.0, "
                f"or in Python with register_rail"
            )
        definitions: list[Definition] = []
        problems: list[str] = []
        for file, text in sources:
            from handrail_colang._parser import parse  # loads the parser library only where there is something to read

            try:
                definitions += parse(text, file)
            except InvalidRailsConfigurationError as exc:
                problems += exc.problems
        program = cls._of(definitions, problems)
        if problems:
            problems.sort(key=_place)
            raise InvalidRailsConfigurationError("\n".join(problems), problems=tuple(problems))
        return program

    @classmethod
    def _of(cls, definitions: list[Definition], problems: list[str]) -> Program:
        flows: dict[str, Flow] = {}
        messages: dict[str, BotMessage] = {}
        for definition in _without_pass_through(definitions):
            if isinstance(definition, Unsupported):
                problems.append(_unsupported(definition))
            elif isinstance(definition, BotMessage):
                messages[definition.phrase] = definition
            elif (earlier := flows.get(definition.name)) is not None:
                problems.append(f"{definition.place}: flow {definition.name!r} is defined already at {earlier.place}")
            else:
                flows[definition.name] = definition
        program = cls(flows, messages)
        for flow in flows.values():
            problems += _problems(flow.body, program, stops=False)
            problems += _recursion(flow, program)
        return program

    def executed(self, flow: Flow) -> Iterator[Execute]:
        """Give every `execute` that a flow may come to, those in flows that it does among them."""
        reached = {flow.name: flow}
        open_ = [flow]
        while open_:
            for statement in _statements(open_.pop().body):
                if isinstance(statement, Execute):
                    yield statement
                elif isinstance(statement, Do) and statement.flow not in reached and statement.flow in self.flows:
                    reached[statement.flow] = self.flows[statement.flow]
                    open_.append(reached[statement.flow])

    @property
    def refusal(self) -> str | None:
        """What every rail tells a user after a block, if the configuration has its own `bot refuse to respond`."""
        own = self.messages.get(_REFUSAL)
        return own.texts[0] if own is not None and is_plain(own.texts[0]) else None

    def text_of(self, phrase: str) -> str | None:
        """Give the text of a bot message, the first if it has several; None if there is none of that name."""
        own = self.messages.get(phrase)
        return own.texts[0] if own is not None else _PREDEFINED.get(phrase)


def _sources(config: RailsConfig) -> Iterator[tuple[str, str]]:
    for file in config.colang_files:
        try:
            name = str(file.relative_to(config.base_path.parent))
        except ValueError:
            name = str(file)
        try:
            yield name, file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise InvalidRailsConfigurationError(f"{name}: the file cannot be read: {exc}") from exc
    if config.colang_content:
        yield "colang_content", config.colang_content


def _place(problem: str) -> tuple[str, int, int]:
    """Give where a problem is, to put those of a file in its order."""
    found = _PLACE.match(problem)
    return (found[1], int(found[2]), int(found[3])) if found is not None else ("", 0, 0)


def _without_pass_through(definitions: list[Definition]) -> Iterator[Flow | BotMessage | Unsupported]:
    """Leave out dialogs that do nothing but say what the model says, and what the user says in them."""
    passing = {definition.user for definition in definitions if isinstance(definition, PassThrough)}
    for definition in definitions:
        if isinstance(definition, PassThrough) or (isinstance(definition, Unsupported) and definition.user in passing):
            continue
        yield definition


def _unsupported(node: Unsupported) -> str:
    return f"{node.place}: {node.construct} is not supported; {_ADVICE}"


def _problems(block: Block, program: Program, *, stops: bool) -> Iterator[str]:
    """Find what cannot be run; `stops` says whether a `stop` is sure to follow the block."""
    for statement in reversed(block):
        if isinstance(statement, Stop):
            stops = True
        elif isinstance(statement, Unsupported):
            yield _unsupported(statement)
        elif isinstance(statement, Do) and statement.flow not in {*program.flows, *_WITHOUT_EFFECT}:
            yield f"{statement.place}: 'do {statement.flow}' names no flow of this configuration"
        elif isinstance(statement, Bot | CreateEvent):
            yield from _saying(statement, program, stops=stops)
        elif isinstance(statement, If):
            yield from _problems(statement.then, program, stops=stops)
            yield from _problems(statement.otherwise, program, stops=stops)
            stops = stops or (_stops(statement.then) and _stops(statement.otherwise))


def _saying(statement: Bot | CreateEvent, program: Program, *, stops: bool) -> Iterator[str]:
    if isinstance(statement, CreateEvent):
        said = f"'create event {statement.name}'"
        if not statement.name.endswith("Exception"):
            yield f"{statement.place}: {said} is not supported; events are those whose names end in 'Exception'"
    else:
        said = f"'bot {statement.phrase or '...'}'"
        if statement.text is None and program.text_of(statement.phrase or "") is None:
            yield f"{statement.place}: {said} has no text; add 'define bot {statement.phrase}' with one"
    if not stops:
        yield f"{statement.place}: {said} must be followed by 'stop': a rail refuses, it does not talk. {_ADVICE}"


def _stops(block: Block) -> bool:
    return any(
        isinstance(statement, Stop)
        or (isinstance(statement, If) and _stops(statement.then) and _stops(statement.otherwise))
        for statement in block
    )


def _recursion(flow: Flow, program: Program) -> Iterator[str]:
    """Find a flow that comes back to itself, which would never end."""
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


def _called(block: Block) -> Iterator[Do]:
    return (statement for statement in _statements(block) if isinstance(statement, Do))


def _statements(block: Block) -> Iterator[Statement]:
    """Give the statements of a block and of the blocks in it."""
    for statement in block:
        yield statement
        if isinstance(statement, If):
            yield from _statements(statement.then)
            yield from _statements(statement.otherwise)
