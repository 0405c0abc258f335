"""The ways to read a judge's answer, by the names that a prompt gives as `output_parser`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from handrail_self_check._answer import Judgement, UnreadableAnswerError, read_answer, read_safety

if TYPE_CHECKING:
    from handrail_self_check._reading import Question
    from handrail_self_check._words import Sense

Parser: TypeAlias = Callable[[str, bool], Judgement]
"""Reads an answer; the second argument is True if it broke off at its limit of tokens."""

_BY_TASK = ("is_content_safe", "yes_no")  # "yes" means what the task makes of it, as under the task's own name
_EXPLICIT: Mapping[str, Sense] = {"yes_blocks": "block", "yes_allows": "allow"}
_SAFETY_KEYS: Mapping[str, str] = {
    "user_safety": "user_safety",
    "response_safety": "response_safety",
    "nemoguard_parse_prompt_safety": "user_safety",
    "nemoguard_parse_response_safety": "response_safety",
}
NAMES = (*_BY_TASK, *_EXPLICIT, *_SAFETY_KEYS)


def parser_named(name: str, question: Question) -> Parser | None:
    """Give a parser; None if there is none of that name.

    Args:
        name: as a prompt has it.
        question: what the prompt's task asks.
    """
    if name in _BY_TASK:
        return default_parser(question)
    if (yes := _EXPLICIT.get(name)) is not None:
        return default_parser(question.asking(yes))
    if (key := _SAFETY_KEYS.get(name)) is not None:
        return partial(_read_safety, question, key)
    return None


def default_parser(question: Question) -> Parser:
    """Give the parser that reads yes, no and what means the same."""
    return partial(_read, question)


def _read(question: Question, text: str, cut: bool) -> Judgement:  # noqa: FBT001  # the shape of a parser
    return read_answer(text, question, cut=cut)


def _read_safety(question: Question, key: str, text: str, cut: bool) -> Judgement:  # noqa: ARG001, FBT001  # likewise
    return read_safety(text, question, key)


def registered_parser(name: str, parsers: Mapping[str, Callable[..., object]]) -> Parser:
    """Give a parser that the program registers on its `LLMRails`, maybe later: it is looked up when it is needed.

    The registered function takes the judge's answer and returns True to allow the text, False to block it, or a list
    that begins so and goes on with categories.
    """

    def parse(text: str, cut: bool) -> Judgement:  # noqa: ARG001, FBT001  # the shape of a parser
        function = parsers.get(name)
        if function is None:
            known = ", ".join(map(repr, (*NAMES, *parsers)))
            raise UnreadableAnswerError(f"cannot be read by the unknown output_parser {name!r} (there are {known})")
        result = function(text)
        allowed, *categories = result if isinstance(result, list | tuple) and result else (result,)
        if not isinstance(allowed, bool):
            raise UnreadableAnswerError(f"was read by output_parser {name!r} as {result!r}, which is not true or false")
        return Judgement(not allowed, ", ".join(map(str, categories)) or None)

    return parse
