"""Which forms of an answer a rail reads: those of its prompt's `output_parser`, of its model, or any that is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from handrail_self_check.judging import (
    PARSERS,
    Judgement,
    UnreadableAnswerError,
    parser_named,
    said,
    unknown_parser,
    words_parser,
)

from handrail_guard_models._formats import FORMATS, format_of
from handrail_guard_models._readers import judged

if TYPE_CHECKING:
    from handrail import Model, RailContext
    from handrail_self_check.judging import Parser, PlacedPrompt, Task

    from handrail_guard_models._formats import Format
    from handrail_guard_models._readers import Direction

_ANY = "is_content_safe"
_BY_NAME = {known.name: known for known in FORMATS}
_OF_MESSAGES = ("user_safety", "nemoguard_parse_prompt_safety")
_OF_ANSWERS = ("response_safety", "nemoguard_parse_response_safety")
_NEMOTRON = ("nemotron_content_safety", "nemotron_reasoning", "nemotron_35")
_DIRECTED: Mapping[str, Direction] = {
    **dict.fromkeys(_OF_MESSAGES, "input"),
    **dict.fromkeys(_OF_ANSWERS, "output"),
    **{f"{name}_parse_prompt_safety": "input" for name in _NEMOTRON},
    **{f"{name}_parse_response_safety": "output" for name in _NEMOTRON},
}
NAMES = (*dict.fromkeys((*PARSERS, *_DIRECTED)), *_BY_NAME)


@dataclass(frozen=True, slots=True)
class Choice:
    """Chooses how a rail's answers are read.

    Attributes:
        task: what the rail asks.
        context: the rail's.
        middle: what a verdict between safe and unsafe does; None if nobody has said.
        only: the format that the rail is for.
    """

    task: Task
    context: RailContext
    middle: Literal["allow", "block"] | None = None
    only: str | None = None

    def __call__(self, placed: PlacedPrompt, model: Model) -> Parser:
        """Return the parser for the answers of a model to a prompt.

        Raises:
            InvalidRailsConfigurationError: the prompt's `output_parser` cannot work here.
        """
        name = placed.prompt.output_parser
        if name is None or name == _ANY:
            known = _BY_NAME[self.only] if self.only else format_of(model.name)
            return self._reading(placed, FORMATS if known is None else (known,), words=known is None)
        if name in _DIRECTED:
            if _DIRECTED[name] != self.context.direction:
                other = "answer" if self.context.direction == "input" else "user's message"
                raise placed.error(f"names the output_parser {name!r}, which reads what is said of the {other}")
            return self._reading(placed, self._formats_of(name))
        if name in _BY_NAME:
            return self._reading(placed, (_BY_NAME[name],))
        return parser_named(name, self.task.question) or unknown_parser(placed, NAMES, self.context)

    def _formats_of(self, name: str) -> tuple[Format, ...]:
        if name.startswith("nemotron_"):
            return (_BY_NAME["nemotron_content_safety"], _BY_NAME["nemotron_reasoning"])
        return (_BY_NAME["nemoguard"],)

    def _reading(self, placed: PlacedPrompt, formats: tuple[Format, ...], *, words: bool = False) -> Parser:
        if self.middle is not None and not any(known.has_middle for known in formats):
            names = ", ".join(known.card for known in formats)
            raise placed.error(f"is read as for {names}, which never answers 'controversial'; remove that setting")
        parser = words_parser(placed, self.task) if words else None
        return _AnyOf(formats, self.context.direction, parser, middle_allows=self.middle == "allow")


@dataclass(frozen=True, slots=True)
class _AnyOf:
    """Reads an answer in any of some forms, which have to agree."""

    formats: tuple[Format, ...]
    direction: Direction
    words: Parser | None
    middle_allows: bool

    def __call__(self, text: str) -> Judgement:
        text = said(text)
        found = list(self._readings(text))
        if len({judgement.blocked for judgement in found}) == 1:
            return next((judgement for judgement in found if judgement.category), found[0])
        if found:
            raise UnreadableAnswerError("contradicts itself")
        name = self.formats[0].card if len(self.formats) == 1 else "any guard model that is known"
        raise UnreadableAnswerError(f"did not answer in the form of {name}")

    def _readings(self, text: str) -> Iterator[Judgement]:
        for reader in (reader for known in self.formats for reader in known.readers):
            with suppress(UnreadableAnswerError):
                yield judged(*reader.read(text, self.direction), middle_allows=self.middle_allows)
        if self.words is not None:
            with suppress(UnreadableAnswerError):
                yield self.words(text)
