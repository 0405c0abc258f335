"""Chooses the answer that fits a conversation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from handrail import message_text

from handrail_scripted._pace import Tempo
from handrail_scripted._plan import build_plan

if TYPE_CHECKING:
    from handrail import Message

    from handrail_scripted._settings import Answer, Pace

_PLANS_KEPT = 16


@dataclass(frozen=True, slots=True)
class Conversation:
    """What conditions look at.

    Attributes:
        last: the text of the last message, whoever it is from.
        whole: the texts of all messages, a blank line between them.
    """

    last: str
    whole: str

    @classmethod
    def of(cls, messages: Sequence[Message]) -> Conversation:
        """Read the messages' texts; parts that are no text count for nothing."""
        texts = [message_text(message) for message in messages]
        return cls(texts[-1] if texts else "", "\n\n".join(texts))


class Matcher:
    """The answers of one model in the order in which they are tried.

    How often each was given is counted here, the one thing that the streams of a model have in common.
    """

    def __init__(self, answers: Sequence[Answer], default: Answer | None, base: Pace) -> None:
        final = len(answers) - 1 if default is None else len(answers)
        self._candidates = [Candidate(answer, base, stays=position == final) for position, answer in enumerate(answers)]
        if default is not None:
            self._candidates.append(Candidate(default, base, stays=True))

    def choose(self, conversation: Conversation) -> Candidate | None:
        """Return the first answer that fits, and count it as given; None if none fits."""
        chosen = next((candidate for candidate in self._candidates if candidate.fits(conversation)), None)
        if chosen is not None:
            chosen.given += 1
        return chosen


class Candidate:
    """An answer with its conditions, its pace and its chunks made ready.

    Attributes:
        answer: the answer.
        given: how often it has been given.
        tempo: how it is sent.
        plan: gives the chunks for the limits of a call.
    """

    def __init__(self, answer: Answer, base: Pace, *, stays: bool) -> None:
        self.answer = answer
        self.given = 0
        self.tempo = Tempo.of(answer, base)
        self.plan = lru_cache(_PLANS_KEPT)(partial(build_plan, answer, self.tempo.chunking, self.tempo.seed))
        self._times = answer.times
        if answer.times is None and not answer.conditional and not stays:
            self._times = 1
        self._texts = [_folded(text) for text in answer.contains]
        self._pattern = None if answer.match is None else re.compile(answer.match, re.IGNORECASE)

    def fits(self, conversation: Conversation) -> bool:
        """Whether it may be given now, in answer to this conversation."""
        if self._times is not None and self.given >= self._times:
            return False
        text = conversation.last if self.answer.within == "last_message" else conversation.whole
        if self._texts:
            folded = _folded(text)
            if not any(wanted in folded for wanted in self._texts):
                return False
        return self._pattern is None or self._pattern.search(text) is not None


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
