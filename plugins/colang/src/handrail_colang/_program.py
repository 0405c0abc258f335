"""Everything that the Colang of one configuration defines, checked: what cannot be run is an error here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from handrail.errors import InvalidRailsConfigurationError, message_of

from handrail_colang._checks import powers, problems, recursion, statements, unsupported
from handrail_colang._syntax import ANYTHING, Bot, BotMessage, Dialog, Do, Execute, Flow, Unsupported, UserIntent
from handrail_colang._texts import is_plain

if TYPE_CHECKING:
    from handrail import RailsConfig

    from handrail_colang._syntax import Definition, Statement

REFUSAL = "refuse to respond"
APOLOGY = "inform internal error occurred"
_PREDEFINED = {
    REFUSAL: "I'm sorry, I can't respond to that.",
    "inform answer unknown": "I don't know the answer to that.",
    "inform cannot answer": "I can't answer that.",
    APOLOGY: "I'm sorry, an internal error has occurred.",
}
_NO_RAIL = (
    "the flow {!r} is a dialog, which cannot be a rail; leave its line 'user ...' out, look at $user_message or "
    "$bot_message, and end with 'stop'"
)
T = TypeVar("T", bound="Definition")
_PLACE = re.compile(r"([^\n]+?):(\d+):(\d+): ")
_NAME = re.compile(r"[A-Za-z_]\w*")
_PASSED_ON = "llm_output"  # `bot $llm_output` says what the model says


@dataclass(frozen=True)
class Program:
    """Flows, bot messages and dialogs of a configuration.

    Attributes:
        flows: the flows that may be rails, by name.
        messages: what the bot may say, by phrase.
        intents: what a user may mean, by phrase.
        dialogs: the flows that answer the user, in the order of the files.
        read_by_prompts: the text of every prompt, which may read variables too.
    """

    flows: Mapping[str, Flow]
    messages: Mapping[str, BotMessage]
    intents: Mapping[str, UserIntent] = field(default_factory=dict)
    dialogs: tuple[Dialog, ...] = ()
    read_by_prompts: str = ""

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
        found: list[str] = []
        for file, text in sources:
            from handrail_colang._parser import parse  # loads the parser library only where there is something to read

            try:
                definitions += parse(text, file)
            except InvalidRailsConfigurationError as exc:
                found += exc.problems
        program = cls._of(definitions, found, config)
        if found:
            found.sort(key=_place)
            raise InvalidRailsConfigurationError("\n".join(found), problems=tuple(found))
        return program

    @classmethod
    def _of(cls, definitions: list[Definition], found: list[str], config: RailsConfig) -> Program:
        flows: dict[str, Flow] = {}
        for flow in _all(Flow, definitions):
            if (earlier := flows.get(flow.name)) is not None:
                found.append(f"{flow.place}: flow {flow.name!r} is defined already at {earlier.place}")
            else:
                flows[flow.name] = flow
        program = cls(
            flows,
            {message.phrase: message for message in _all(BotMessage, definitions)},
            _merged(_all(UserIntent, definitions)),
            tuple(dialog for dialog in _all(Dialog, definitions) if not _passes_on(dialog)),
            "\n".join(_prompt_texts(config)),
        )
        found += map(unsupported, _all(Unsupported, definitions))
        found += program.problems(frozenset(flow.name for flow in (*config.input_flows, *config.output_flows)))
        return program

    def problems(self, rails: frozenset[str]) -> Iterator[str]:
        """Yield what in its flows and dialogs cannot be run.

        Args:
            rails: the names of the rails.
        """
        parts = self._parts_of_dialogs(rails)
        for flow in self.flows.values():
            yield from problems(flow.body, self, stops=False, dialog=flow.name in parts)
            yield from recursion(flow, self)
        for dialog in self.dialogs:
            yield from problems(dialog.body, self, stops=False, dialog=True)
            if dialog.name in rails:
                yield f"{dialog.place}: {_NO_RAIL.format(dialog.name)}"

    def statements(self, flow: Flow | Dialog) -> Iterator[Statement]:
        """Yield every statement that a flow may come to, those in flows that it does among them."""
        reached = {flow.name}
        open_ = [flow.body]
        while open_:
            for statement in statements(open_.pop()):
                yield statement
                if isinstance(statement, Do) and statement.flow not in reached and statement.flow in self.flows:
                    reached.add(statement.flow)
                    open_.append(self.flows[statement.flow].body)

    def executed(self, flow: Flow | Dialog) -> Iterator[Execute]:
        """Yield every `execute` that a flow may come to."""
        return (statement for statement in self.statements(flow) if isinstance(statement, Execute))

    def _parts_of_dialogs(self, rails: frozenset[str]) -> frozenset[str]:
        """Return the flows that dialogs do and no rail does, so that they may talk."""
        named = [flow for name, flow in self.flows.items() if name in rails]
        return self._done_by(self.dialogs) - self._done_by(named) - rails

    def _done_by(self, callers: Iterable[Flow | Dialog]) -> frozenset[str]:
        reached = (statement for caller in callers for statement in self.statements(caller))
        return frozenset(statement.flow for statement in reached if isinstance(statement, Do))

    def reads_of(self, flow: Flow) -> frozenset[str]:
        """Return the variables that a flow may read, what it says and the flows that it does included."""
        reads = set(flow.reads)
        for statement in self.statements(flow):
            if isinstance(statement, Do) and statement.flow in self.flows:
                reads |= self.flows[statement.flow].reads
            elif isinstance(statement, Bot) and (message := self.messages.get(statement.phrase or "")) is not None:
                reads |= message.reads
        return frozenset(reads)

    def read_outside(self, flow: Flow) -> frozenset[str]:
        """Return the variables that others read, a flow left out: other flows, dialogs, bot messages and prompts."""
        return self._reads_beside(flow)

    @cached_property
    def reads(self) -> frozenset[str]:
        """The variables that anything reads."""
        return self._reads_beside(None)

    @cached_property
    def set_by_dialogs(self) -> frozenset[str]:
        """The variables that a dialog may set; they count as nothing where another dialog answers, or none."""
        return frozenset().union(*(powers(dialog, self).sets for dialog in self.dialogs))

    @property
    def refusal(self) -> str | None:
        """What every rail tells a user after a block, if the configuration has its own `bot refuse to respond`."""
        own = self.messages.get(REFUSAL)
        return own.texts[0] if own is not None and is_plain(own.texts[0]) else None

    def text_of(self, phrase: str) -> str | None:
        """Return the text of a bot message, the first if it has several; None if there is none of that name."""
        own = self.messages.get(phrase)
        return own.texts[0] if own is not None else _PREDEFINED.get(phrase)

    @property
    def meanings(self) -> Mapping[str, tuple[str, ...]]:
        """What a user may mean, with examples; none for what a dialog begins with and nobody has described."""
        all_said = (says for dialog in self.dialogs for says in dialog.intents if says.phrase != ANYTHING)
        begun = {says.phrase: (says.phrase,) if says.is_example else () for says in all_said}
        return {**begun, **{intent.phrase: intent.examples for intent in self.intents.values()}}

    def _reads_beside(self, left_out: Flow | None) -> frozenset[str]:
        readers: tuple[Flow | Dialog | BotMessage, ...] = (
            *self.flows.values(),
            *self.dialogs,
            *self.messages.values(),
        )
        texts = frozenset(_NAME.findall(self.read_by_prompts))
        return texts.union(*(reader.reads for reader in readers if reader is not left_out))


def _all(kind: type[T], definitions: list[Definition]) -> list[T]:
    return [definition for definition in definitions if isinstance(definition, kind)]


def _merged(intents: list[UserIntent]) -> dict[str, UserIntent]:
    """Return intents by phrase; one that is defined in several places has the examples of all."""
    merged: dict[str, UserIntent] = {}
    for intent in intents:
        earlier = merged.get(intent.phrase)
        examples = (*(earlier.examples if earlier is not None else ()), *intent.examples)
        merged[intent.phrase] = UserIntent(intent.place, intent.phrase, examples)
    return merged


def _passes_on(dialog: Dialog) -> bool:
    """Return whether a dialog does no more than say what the model says, which happens without it too."""
    match dialog.body:
        case (Bot(variable=variable),):
            return variable == _PASSED_ON
    return False


def _prompt_texts(config: RailsConfig) -> Iterator[str]:
    for prompt in config.prompts:
        yield prompt.content or ""
        for entry in prompt.messages or ():
            yield entry if isinstance(entry, str) else entry.content


def _sources(config: RailsConfig) -> Iterator[tuple[str, str]]:
    for file in config.colang_files:
        try:
            name = str(file.relative_to(config.base_path.parent))
        except ValueError:
            name = str(file)
        try:
            yield name, file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise InvalidRailsConfigurationError(f"{name}: the file cannot be read: {message_of(exc)}") from exc
    if config.colang_content:
        yield "colang_content", config.colang_content


def _place(problem: str) -> tuple[str, int, int]:
    """Return where a problem is, to put those of a file in its order."""
    found = _PLACE.match(problem)
    return (found[1], int(found[2]), int(found[3])) if found is not None else ("", 0, 0)
