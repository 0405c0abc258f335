"""What a judge was asked, as far as the reading of its answer depends on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from handrail_self_check._spoken import folded, words
from handrail_self_check._words import (
    ASKS_FOR_SUPPORT,
    ASKS_TO_ALLOW,
    ASKS_TO_BLOCK,
    BLOCKING,
    EVIDENCE,
    REFUTING,
    SAFE,
    SUPPORTED,
    UNSAFE,
    UNSUPPORTED,
    WELCOMING,
    Sense,
    vocabulary,
)


@dataclass(frozen=True, slots=True)
class Question:
    """A question that is answered by yes or no, by a word that speaks for itself, or in JSON.

    Attributes:
        yes: what "yes" means.
        values: the words that speak for themselves.
        asks: words in a label, or in an echo of the question, that make its yes mean what the task's means.
        keys: keys of a JSON object whose yes means what they say.
        verdicts: keys of a JSON object under which a word of `values` stands, and nothing else.
        beside: keys of a JSON object that speak of another text.
        against: words that contradict an answer which allows, in an explanation of it.
        denied: words that contradict it where the explanation denies them.
        welcome: words with which an answer that allows may be said again.
        echo: the words of the question itself, which an answer may repeat.
        json_only: True if words are no answer.
    """

    yes: Sense
    values: Mapping[str, Sense]
    asks: frozenset[str]
    keys: Mapping[str, Sense]
    verdicts: frozenset[str]
    against: frozenset[str]
    denied: frozenset[str] = WELCOMING
    welcome: frozenset[str] = ASKS_TO_ALLOW
    beside: frozenset[str] = frozenset()
    echo: tuple[str, ...] = ()
    json_only: bool = False

    @property
    def no(self) -> Sense:
        """What "no" means."""
        return "allow" if self.yes == "block" else "block"

    def repeated(self, question: str) -> Question:
        """Return the question with its own words, which an answer may repeat before it answers."""
        return replace(self, echo=words(folded(question)))

    def asking(self, yes: Sense) -> Question:
        """Return the question with another meaning of "yes"."""
        if yes == self.yes:
            return self
        return replace(self, yes=yes, asks=ASKS_TO_BLOCK if yes == "block" else ASKS_TO_ALLOW, echo=())


_VERDICTS = vocabulary("safety rating label classification assessment status prediction")
_OF_SAFETY: dict[str, Sense] = {
    **dict.fromkeys(vocabulary("allow allowed is_allowed should_allow safe is_safe compliant is_compliant"), "allow"),
    **dict.fromkeys(
        vocabulary(
            "block blocked is_blocked should_block should_be_blocked must_block must_be_blocked unsafe is_unsafe "
            "harmful is_harmful flag flagged is_flagged violation violations violates is_violation "
            "has_violation violated_policies"
        ),
        "block",
    ),
}
_OF_FACTS: dict[str, Sense] = {
    **dict.fromkeys(
        vocabulary("supported is_supported grounded is_grounded entailed entails faithful is_faithful score"), "allow"
    ),
    **dict.fromkeys(vocabulary("unsupported hallucination hallucinated is_hallucination contradiction"), "block"),
}
_SAFE: dict[str, Sense] = {**dict.fromkeys(SAFE, "allow"), **dict.fromkeys(UNSAFE, "block")}
_SUPPORTED: dict[str, Sense] = {**dict.fromkeys(SUPPORTED, "allow"), **dict.fromkeys(UNSUPPORTED, "block")}
_OF_MESSAGES, _OF_ANSWERS = vocabulary("user_safety prompt_safety"), vocabulary("response_safety")

MUST_IT_BE_BLOCKED = Question("block", _SAFE, ASKS_TO_BLOCK, _OF_SAFETY, _VERDICTS, BLOCKING)
MUST_THE_MESSAGE_BE_BLOCKED = replace(MUST_IT_BE_BLOCKED, verdicts=_VERDICTS | _OF_MESSAGES, beside=_OF_ANSWERS)
MUST_THE_ANSWER_BE_BLOCKED = replace(MUST_IT_BE_BLOCKED, verdicts=_VERDICTS | _OF_ANSWERS, beside=_OF_MESSAGES)
IS_IT_SUPPORTED = Question(
    "allow",
    _SUPPORTED,
    ASKS_FOR_SUPPORT,
    _OF_FACTS,
    frozenset(),
    REFUTING,
    denied=WELCOMING | EVIDENCE,
    welcome=ASKS_FOR_SUPPORT,
)


def only(key: str) -> Question:
    """Return the question that a guard model answers in one key of JSON: `{"User Safety": "safe"}`."""
    beside = (_OF_MESSAGES | _OF_ANSWERS) - {key}
    nothing: frozenset[str] = frozenset()
    return Question("block", _SAFE, nothing, {}, frozenset((key,)), nothing, beside=beside, json_only=True)
