"""Compiles a prompt's templates once, and renders them into the messages for a judge."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from handrail import JUDGED_NAMES, message_text
from handrail.errors import RailError, message_of
from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, UndefinedError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

if TYPE_CHECKING:
    from handrail import Message, Turn
    from handrail.config import PromptMessage
    from jinja2 import Template

    from handrail_self_check._placed import PlacedPrompt

_ROLES = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "bot": "assistant",
    "ai": "assistant",
}
_HISTORY = "history"
_WORD = re.compile(r"\w{3,}")


@dataclass(frozen=True, slots=True)
class _Part:
    role: str
    template: Template | None  # None stands for the conversation so far


class PromptTemplate:
    """A prompt, ready to be rendered.

    Args:
        placed: the prompt.
        given: the variables that the task gives.
        judged: those of them that the prompt has to mention, or nobody would be asked about them.

    Raises:
        InvalidRailsConfigurationError: a template cannot be used.
    """

    def __init__(self, placed: PlacedPrompt, *, given: tuple[str, ...], judged: tuple[str, ...]) -> None:
        self._placed = placed
        self._given = given
        self._environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
        self._names: set[str] = set()
        self._own_words: set[str] = set()
        self._parts = tuple(self._compile_all())
        for name in judged:
            if name not in self._names:
                raise placed.error(
                    f"never mentions {name!r}, so the judge would not see it; put '{{{{ {name} }}}}' where it belongs"
                )
        self._taken = tuple(sorted(self._names.difference(given)))

    def render(self, values: Mapping[str, Any], turn: Turn, rail: str) -> list[Message]:
        """Render the messages for the judge.

        Args:
            values: the task's variables. Variables of the turn never take their place.
            turn: the turn that is judged.
            rail: the rail's name, for errors.

        Raises:
            RailError: a variable is missing, a template fails, or the prompt is longer than its `max_length`.
        """
        known = {name: turn.variables[name] for name in self._taken if name in turn.variables}
        known.update(values)
        task = self._placed.prompt.task
        try:
            messages = list(self._messages(known, turn))
        except UndefinedError as exc:
            raise RailError(
                f"the prompt of the task {task!r} uses an undefined variable: {exc.message}; give it in a message "
                f"of the role 'context', or test for it with '{{% if ... is defined %}}'",
                rail=rail,
            ) from exc
        except TemplateError as exc:
            raise RailError(f"the prompt of the task {task!r} failed: {message_of(exc)}", rail=rail) from exc
        self._refuse_too_long(messages, rail)
        return messages

    def is_quoted(self, name: str, messages: Iterable[Message]) -> bool:
        """Return whether a judge has words of a name from what it was asked about, and not from the prompt itself."""
        shown = set[str]().union(*(_words(message["content"]) for message in messages))
        return not shown.isdisjoint(_words(name) - self._own_words)

    def _messages(self, known: Mapping[str, Any], turn: Turn) -> Iterator[Message]:
        for part in self._parts:
            if part.template is None:
                yield from _conversation(turn)
            elif (content := part.template.render(known)).strip():
                yield {"role": part.role, "content": content}

    def _refuse_too_long(self, messages: list[Message], rail: str) -> None:
        """What is judged is judged whole or not at all."""
        limit, length = self._placed.prompt.max_length, sum(len(message["content"]) for message in messages)
        if length > limit:
            raise RailError(
                f"the prompt of the task {self._placed.prompt.task!r} has {length:,} characters with what it asks "
                f"about, and its max_length is {limit:,}; set a larger max_length in that prompt",
                rail=rail,
            )

    def _compile_all(self) -> list[_Part]:
        prompt = self._placed.prompt
        if prompt.content is not None:
            return [_Part("user", self._compile(prompt.content))]
        return [self._part(entry) for entry in prompt.messages or ()]

    def _part(self, entry: PromptMessage | str) -> _Part:
        if isinstance(entry, str):
            stands_for_all = entry.strip().strip("{} ").split("|")[0].strip() == _HISTORY
            return _Part("user", None if stands_for_all else self._compile(entry))
        role = _ROLES.get(entry.type.strip().lower())
        if role is None:
            raise self._placed.error(f"has a message of the type {entry.type!r}; types are {', '.join(_ROLES)}")
        return _Part(role, self._compile(entry.content))

    def _compile(self, source: str) -> Template:
        try:
            tree = self._environment.parse(source)
            names = meta.find_undeclared_variables(tree)
            others = list(meta.find_referenced_templates(tree))
            template = self._environment.from_string(source)
        except TemplateSyntaxError as exc:
            raise self._placed.error(f"is not a valid template: line {exc.lineno}: {exc.message}") from exc
        if others:
            raise self._placed.error(f"refers to another template, {others[0]!r}; write the text into it instead")
        for name in sorted(names):
            self._refuse_mistaken(name)
        self._names |= names
        self._own_words |= _words(source)
        return template

    def _refuse_mistaken(self, name: str) -> None:
        if name in self._given:
            return
        given = ", ".join(map(repr, self._given))
        if name == _HISTORY:
            raise self._placed.error(
                f"uses 'history', which stands only as an entry of its own in 'messages'; it has {given}"
            )
        if name in JUDGED_NAMES and not name.startswith("last_"):  # those are earlier turns, where somebody has them
            raise self._placed.error(f"uses {name!r}, which this task does not have; it has {given}")
        if near := get_close_matches(name, self._given, n=1, cutoff=0.8):
            raise self._placed.error(f"uses {name!r}; did you mean {near[0]!r}? The task has {given}")


def _conversation(turn: Turn) -> list[Message]:
    spoken = ((message["role"], message_text(message)) for message in turn.messages)
    return [{"role": role, "content": text} for role, text in spoken if role in {"user", "assistant"} and text.strip()]


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
