"""How a model marks its reasoning, its answer and its tool calls, found out from its chat template."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Tags: TypeAlias = tuple[str, str]
"""What precedes and what follows a part of the answer."""

KNOWN_TOOL_CALL_TAGS: tuple[Tags, ...] = (("<tool_call>", "</tool_call>"),)

# fmt: off
_REASONING_WORDS = frozenset(
    {
        "analysis", "cot", "rationale", "reason", "reasoning", "reflect", "reflection", "scratchpad", "think",
        "thinking", "thought", "thoughts", "思考", "推理",
    }
)
# fmt: on
_ANSWER_WORDS = frozenset(["answer", "response", "solution"])

_NAME = r"[^\W\d][\w.:\u2581-]*"
_BOUNDS = (("<", ">"), ("[", "]"), ("◁", "▷"), ("<|", "|>"), ("<\uff5c", "\uff5c>"))
"""What a tag begins and ends with. Its partner has a slash, or another word of the pairs below, or its bars moved."""
_WORD_PAIRS = (("start", "end"), ("begin", "end"), ("prefix", "suffix"), ("open", "close"))
NAMED: tuple[Tags, ...] = (("<|channel>", "<channel|>"), ("<unused94>", "<unused95>"))
"""Gemma 4 and MedGemma: the first line is the name of the part."""
_FIXED_PAIRS: tuple[Tags, ...] = (("<|inner_prefix|>", "<|inner_suffix|>"), *NAMED)
"""Pairs whose names are not words for reasoning; the first is Apertus's."""

_CHANNEL_TOKENS = ("<|channel|>", "<|message|>")


@dataclass(frozen=True, slots=True)
class Dialect:
    """The marks of one model.

    Attributes:
        reasoning: tags around reasoning; the answer is outside of them.
        answer: tags that may surround the answer after the reasoning, and are no part of it.
        tool_calls: tags around a tool call in JSON; None if there are none.
        channels: each message of the answer names its channel, as in OpenAI's harmony format.
    """

    reasoning: tuple[Tags, ...] = ()
    answer: tuple[Tags, ...] = ()
    tool_calls: Tags | None = None
    channels: bool = False

    @property
    def tags(self) -> tuple[Tags, ...]:
        """Every pair of tags."""
        return (*self.reasoning, *self.answer, *((self.tool_calls,) if self.tool_calls else ()))

    @classmethod
    def of(
        cls,
        template: str,
        reasoning: Tags | None = None,
        tool_calls: Tags | None = None,
        *,
        tokens: Iterable[str] = (),
    ) -> Dialect:
        """Read a chat template, and the tokens that the tokenizer adds; what is given replaces what they say."""
        text = "\n".join((template, *tokens))
        return cls(
            (reasoning,) if reasoning else _pairs(text, _REASONING_WORDS, _FIXED_PAIRS),
            _pairs(template, _ANSWER_WORDS),
            tool_calls or next((tags for tags in KNOWN_TOOL_CALL_TAGS if tags[1] in template), None),
            reasoning is None and all(token in template for token in _CHANNEL_TOKENS),
        )


def _pairs(text: str, words: frozenset[str], fixed: Iterable[Tags] = ()) -> tuple[Tags, ...]:
    """Return the pairs whose names contain one of the words, in the order in which the text mentions them."""
    found = [pair for pair in fixed if pair[1] in text]
    for opening, closing in _BOUNDS:
        left, right = re.escape(opening), re.escape(closing)
        for match in re.finditer(rf"{left}(/?)({_NAME}?){right}", text):
            slash, name = match.groups()
            if words.isdisjoint(re.split(r"[\W\d_]+", name.lower())):
                continue
            found += _partners(opening, name, closing, text, is_closed=bool(slash))
    return tuple(dict.fromkeys(found))


def _partners(opening: str, name: str, closing: str, text: str, *, is_closed: bool) -> list[Tags]:
    """Return the pair that a tag belongs to, if it belongs to one.

    `<name>` needs no partner in the text, because templates often mention one of the two. `<|name|>` and `[name]` do:
    alone they are a switch, or code of the template.
    """
    worded = [] if is_closed else [pair for words in _WORD_PAIRS if (pair := _by_word(opening, name, closing, words))]
    if worded:
        return [pair for pair in worded if all(tag in text for tag in pair)] or worded
    plain = (f"{opening}{name}{closing}", f"{opening}/{name}{closing}")
    needs_partner = len(opening) > 1 or (opening == "[" and not name.isupper())
    return [] if needs_partner and not all(tag in text for tag in plain) else [plain]


def _by_word(opening: str, name: str, closing: str, words: tuple[str, str]) -> Tags | None:
    """Return the pair of a name with "start" or "end" in it, such as `<|END_THINKING|>`, in its own case."""
    for word in words:
        match = re.search(rf"(?:^|(?<=[_.:\u2581-])){word}(?=[_.:\u2581-]|$)", name, re.IGNORECASE)
        if match is not None:
            cased = [w.upper() if match[0].isupper() else w for w in words]
            first, second = (name[: match.start()] + w + name[match.end() :] for w in cased)
            return f"{opening}{first}{closing}", f"{opening}{second}{closing}"
    return None
