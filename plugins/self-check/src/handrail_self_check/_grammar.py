"""The grammar of a judge's answer in words: a lead, a value, an explanation, and nothing else.

docs/reference/judges.md has it on one page.
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from handrail_self_check._hedges import leaves_open, says_what_blocks
from handrail_self_check._question import Question
from handrail_self_check._restating import after_restatements
from handrail_self_check._spoken import UnreadableAnswerError, folded, words
from handrail_self_check._words import (
    ANSWER,
    ASIDE,
    DOUBT,
    NEGATORS,
    NO,
    QUESTION,
    REASON,
    TOPIC,
    YES,
    Sense,
)

Lead: TypeAlias = Literal["none", "answer", "topic", "asks"]

_DRESSED = r"[\s*_`\"'#\u201c\u201d\u201e\u00ab\u00bb]"
_DRESS = rf"(?:(?!```){_DRESSED})*"
_LEAD = re.compile(rf"{_DRESS}([^:?=\n{{]{{1,200}})[:?=]{_DRESS}")
_CLOSE = r"[*_`\"'\u201d\u00bb]*"
_BECAUSE_WORD = r"(?:because|weil|denn|parce que?|car|porque)\b"
_VALUE = re.compile(
    rf"{_DRESS}([^\W\d_]+(?:[ _-](?!(?i:{_BECAUSE_WORD}))[^\W\d_]+)*){_CLOSE}(?:[.!\u3002](?![.!\u3002]))?{_CLOSE}"
)
_LEADS_ON = re.compile(r"\s*[:=?]")
_BREAK = re.compile(r"\s*(?:[.,;!\n\u3001\u3002\u2013\u2014]|-\s|$)")
_CHOICE = re.compile(r"\(?\b(?:yes|y|true|ja|oui|sí)(?: or | oder | ou | o |/)(?:no|n|false|nein|non)\b\)?")
_PARAGRAPH = re.compile(r"[ \t]*\n[ \t]*\n\s*")
_LABELLED = re.compile(r"[\s*_(#\u2013\u2014-]*([^\W\d_]{2,20})[*_]*\s*:[*_]*")
_LABEL = re.compile(r"^[\s*_#>(\[-]*([^\W\d_]+(?:[ '-][^\W\d_]+){0,4})[*_]*[ ]?[:=]", re.MULTILINE)
_BECAUSE = re.compile(rf"[\s*_\"'`.,;\u2013\u2014-]*{_BECAUSE_WORD}", re.IGNORECASE)
_CODES = re.compile(r"[so]\d{1,2}(?: [so]\d{1,2})*")
_SENTENCE = re.compile(r"[.!;\n\u3002]+")
_CLAUSE = re.compile(r",|\b(?:and|so|because|therefore|thus|und|daher|weil|et|donc|car|y|porque)\b")
_FIRST = re.compile(r"[\s*_\"'`(\[]*([^\W\d_]+)[*_\"'`)\]]*\s*(?:[,:\u2013\u2014-]|$|(?:it|this|that|i|we|the)\b)")
_LAST = re.compile(
    r"(?:,|\b(?:so|thus|therefore|hence|is|be|say|ist|also|daher|est|donc|es))\s+([^\W\d_]+)[\s*_\"'`)\]]*$"
)
_STRANGE = re.compile(r"[{}<>?]|\.\.\.|```")
_UNREAD_LETTER = re.compile(r"[^\W\d_\u0000-\u024f\u1e00-\u1eff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff]")
_MOST_LEADS = 3


def read_lead(text: str, question: Question) -> tuple[Lead, str]:
    """Read what an answer says before its value, and return its kind and the rest.

    Raises:
        UnreadableAnswerError: it is neither a preface, nor a label or question that asks what the task asks.
    """
    kind: Lead = "none"
    for _ in range(_MOST_LEADS):
        found = _LEAD.match(text)
        if found is None:
            break
        kind, text = _kind(folded(found[1]), question), text[found.end() :]
    return kind, text


def read_value(text: str, question: Question, lead: Lead = "none") -> Sense | None:
    """Read a value and what explains it; None if the text does not begin with a value alone.

    Raises:
        UnreadableAnswerError: the value allows, and what follows it is no explanation.
    """
    found = _VALUE.match(text)
    if found is None or _LEADS_ON.match(text, found.end()):
        return None
    value = _sense(found[1], question, lead)
    if value == "allow":
        check_explanation(text[found.end() :], question)
    return value or _blocks_at_once(text[found.start(1) :], question, lead)


def value_of(text: str, question: Question, *, verdict: bool = False) -> Sense | None:
    """Return what a text means that is nothing but a value; None if it is more, or none.

    Args:
        text: a value of a JSON object.
        question: what was asked.
        verdict: True where only a word counts that speaks for itself.
    """
    return _sense(text.strip().rstrip(".!"), question, "topic" if verdict else "none")


def _sense(text: str, question: Question, lead: Lead) -> Sense | None:
    word = " ".join(words(folded(text).replace("_", " ")))
    if lead != "topic" and word in YES:
        return question.yes
    if lead != "topic" and word in NO:
        return question.no
    return None if lead == "asks" else question.values.get(word)


def _blocks_at_once(text: str, question: Question, lead: Lead) -> Sense | None:
    """A word that blocks may be followed by anything: 'Yes, because ...'. What follows cannot unsay it."""
    for length in (2, 1):
        found = re.match(r"[^\W\d_]+" + r" [^\W\d_]+" * (length - 1), text)
        if found and _BREAK.match(text, found.end()) and _sense(found[0], question, lead) == "block":
            return "block"
    return None


def _kind(lead: str, question: Question) -> Lead:
    said = words(_CHOICE.sub(" ", lead))
    if question.echo and said == question.echo:
        return "asks"
    if said and (asked := [word for word in said if word in question.asks]):
        if len(set(asked)) == 1 and all(word in question.asks or word in QUESTION or word in ANSWER for word in said):
            return "asks"
    elif not ANSWER.isdisjoint(said) and all(word in ANSWER or word in ASIDE for word in said):
        return "answer"
    elif not TOPIC.isdisjoint(said) and all(word in TOPIC or word in ASIDE for word in said):
        return "topic"
    raise UnreadableAnswerError("answers something else than what it was asked")


def check_explanation(text: str, question: Question) -> None:
    """Check what follows a value that allows: the same in a sentence, or nothing; then an explanation or nothing.

    An explanation stands behind a label or a "because", or in a paragraph of its own.

    Raises:
        UnreadableAnswerError: there is something that is none.
    """
    text = after_restatements(text, question)
    if not text.strip(" \t\n*_`\"'"):
        return
    labelled = _LABELLED.match(text)
    if (because := _BECAUSE.match(text)) and text[because.end() :].strip():
        _check(folded(text[because.end() :]), question)
    elif labelled is not None and folded(labelled[1]) in REASON:
        _check(folded(text[labelled.end() :]), question)
    elif found := _PARAGRAPH.match(text):
        _check(folded(text[found.end() :]), question)
    else:
        raise UnreadableAnswerError("adds to its answer what is no explanation of it")


def _check(text: str, question: Question) -> None:
    """Refuse an explanation that doubts, limits, contradicts or answers again."""
    if _STRANGE.search(text) or _UNREAD_LETTER.search(text) or _other_label(text):
        raise UnreadableAnswerError("adds to its answer what is no explanation of it")
    if says_what_blocks(text):
        raise UnreadableAnswerError("takes its answer back, or doubts it")
    for sentence in _SENTENCE.split(text):
        said = words(sentence)
        if not DOUBT.isdisjoint(said) or _contradicts(sentence, question):
            raise UnreadableAnswerError("takes its answer back, or doubts it")
        phrase = " ".join(said)
        known = phrase in YES or phrase in NO or phrase in question.values
        if known or phrase.isdecimal() or _CODES.fullmatch(phrase) or _turns_round(sentence, question):
            raise UnreadableAnswerError("gave more than one answer")
    if leaves_open(text, question):
        raise UnreadableAnswerError("leaves its answer open")


def _turns_round(sentence: str, question: Question) -> bool:
    """Return whether a sentence is the other answer, or begins or ends with it: `Yes, it should`, `..., so yes`."""
    other = YES if question.yes == "block" else NO
    said = words(sentence)
    if not other.isdisjoint(said) and all(word in other or word in ANSWER or word in ASIDE for word in said):
        return True
    found = (_FIRST.match(sentence), _LAST.search(sentence))
    return any(word is not None and word[1] in other for word in found)


def _other_label(text: str) -> bool:
    return any(folded(found[1]).strip() not in REASON for found in _LABEL.finditer(text))


def _contradicts(sentence: str, question: Question) -> bool:
    """A denial reaches to the end of its sentence for what blocks, and to the end of its clause for what allows."""
    denied = False
    for clause in _CLAUSE.split(sentence):
        denied_here = False
        for word in words(clause):
            if (word in question.against and not denied) or (word in question.denied and denied_here):
                return True
            if word in question.against:
                denied_here = False  # the denial is spent: "not harmful to send" welcomes
            if word in NEGATORS or word.endswith("n't") or word.startswith("n'"):
                denied = denied_here = True
    return False
