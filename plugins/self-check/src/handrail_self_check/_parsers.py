"""The ways to read a judge's answer, by the names that a prompt gives as `output_parser`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from handrail_self_check._answer import Judgement, read_answer
from handrail_self_check._json_object import categories_of
from handrail_self_check._question import only
from handrail_self_check._spoken import UnreadableAnswerError

if TYPE_CHECKING:
    from handrail_self_check._question import Question
    from handrail_self_check._words import Sense

Parser: TypeAlias = Callable[[str], Judgement]
"""Reads an answer, or raises `UnreadableAnswerError`."""

_BY_TASK = ("is_content_safe", "yes_no")  # "yes" means what the task makes of it, as under the task's own name
_EXPLICIT: Mapping[str, Sense] = {"yes_blocks": "block", "yes_allows": "allow"}
_KEYS: Mapping[str, str] = {
    "user_safety": "user_safety",
    "response_safety": "response_safety",
    "nemoguard_parse_prompt_safety": "user_safety",
    "nemoguard_parse_response_safety": "response_safety",
}
NAMES = (*_BY_TASK, *_EXPLICIT, *_KEYS)


def parser_named(name: str, question: Question) -> Parser | None:
    """Return the parser of a name; None if there is none.

    Args:
        name: as a prompt has it.
        question: what the prompt's task asks.
    """
    if name in _BY_TASK:
        return default_parser(question)
    if (yes := _EXPLICIT.get(name)) is not None:
        return default_parser(question.asking(yes))
    if (key := _KEYS.get(name)) is not None:
        return default_parser(only(key))
    return None


def default_parser(question: Question) -> Parser:
    """Return the parser that reads yes, no, what means the same, and JSON."""
    return partial(read_answer, question=question)


def registered_parser(name: str, known: tuple[str, ...], parsers: Mapping[str, Callable[..., object]]) -> Parser:
    """Return a parser that the program registers on its `LLMRails`, maybe later: it is looked up when it is needed.

    The registered function takes the judge's answer and returns True to allow the text, False to block it, or a list
    that begins so and goes on with categories.
    """

    def parse(text: str) -> Judgement:
        function = parsers.get(name)
        if function is None:
            names = ", ".join(map(repr, (*known, *parsers)))
            raise UnreadableAnswerError(f"cannot be read by the unknown output_parser {name!r} (there are {names})")
        try:
            result = function(text)
        except Exception as exc:  # noqa: BLE001  # the program's own code
            what = f"made the output_parser {name!r} raise {type(exc).__name__}"
            raise UnreadableAnswerError(what) from None  # its message may quote the answer
        allowed, *categories = result if isinstance(result, list | tuple) and result else (result,)
        if not isinstance(allowed, bool):
            what = f"was read by output_parser {name!r} as {type(allowed).__name__}, which is not true or false"
            raise UnreadableAnswerError(what)
        return Judgement(not allowed, categories_of(list(map(str, categories))))

    return parse
