"""Sentences of an explanation that leave its answer open, by how they begin, go on and end.

A sentence says what the text is, asks or does, or that nothing is wrong with it. One that asks for a check, is told to
a reader or puts the answer off begins with one of some words, or has one of the phrases below.
"""

from __future__ import annotations

import re

from handrail_self_check._question import Question
from handrail_self_check._spoken import words
from handrail_self_check._words import BROKEN_OFF, DEFERRING, NEGATORS, NO_REASON, UNSPACED

_BEGINS = re.compile(
    r"(?:\A|(?<=[^\W\d_]{3})[.!]+\s+|[;\n]+)[\W_]*(?:[^\W\d_]+[*_ ]*:)?[\W_]*([^\W_]+(?:['-][^\W_]+)*)"
)
_SIGNS = re.compile("[\u26a0\u26d4\u274c\u2753\u2754\u203c\u2049\U0001f44e\U0001f6ab\U0001f6d1\U0001f6a8\U0001f937]")
_CLAUSE = re.compile(r",|\b(?:and|so|because|therefore|thus)\b")
_SENTENCE = re.compile(r"[.!]+(?:\s|\Z)|[;\n\u3002]+")
_MODAL = re.compile(
    r"(?:^|\b(?:it|this|that|which|they|message|text|answer|response|content|reply|output|we|you)) ?(?:\w+ )?"
    r"(?:should|shouldn't|must|mustn't|ought|shall|needs? to|has to|have to)\b"
    r"|^(?:it|this|that) (?:(?:does|did|will)\Z|(?:needs|requires)\b)"
)
_CHECKING = (
    r"(?:(?:double|re)?-?(?:check|review|verif|inspect|investigat|moderat|examin|approv|clarif|scrutin)[a-z]*|"
    r"humans?|moderators?|supervis[a-z]*|caution|attention|second opinion)"
)
_HEDGE = re.compile(
    r"\b(?:needs?|requires?|required|warrants?|deserves?|merits?|recommended|suggested|pending|awaiting|awaits|"
    r"subject to|referred|sent|please|under)\b"
    rf"(?: (?:a|an|the|to|be|by|for|further|additional|more|closer|manual|human))* {_CHECKING}\b"
    r"|\b(?:more|further|additional|enough|sufficient|insufficient|little|limited|missing) "
    r"(?:context|information|details?) (?:is|are|was|to|would)\b"
    r"|\b(?:needs?|requires?|lacks|not enough|insufficient|without) (?:\w+ )?(?:context|details?)\b"
    r"|\b(?:hard|difficult|impossible|unable|too early) to (?:say|tell|judge|know|decide|determine|assess|evaluate)\b"
    r"|\b(?:low|medium|moderate|elevated|high|some|limited|little) (?:confidence|certainty|risks?|severity|concerns?)\b"
    r"|\b(?:sure|certain|certainty|confident|confidence|chance|probability|likelihood|score|risk|severity)\b[^,]{0,12}\d"
    r"|\d ?(?:%|percent|of 10|/ ?10)? ?(?:sure|certain|certainty|confident|confidence|chance|probability|likelihood)\b"
    r"|\b(?:as|so) long as\b|\b(?:only|fine|safe|harmless|allowed|acceptable|ok|okay) (?:if|when)\b|\bon condition\b"
    r"|\b(?:apart|aside) from\b|\bother than\b|\bat first (?:glance|sight)\b|\bon the surface\b|\bmore or less\b"
    r"|\bin (?:most|some|many|certain) (?:cases|contexts|situations)\b|\b(?:first|second|last|other) half\b"
    r"|\b(?:is|it's|seems) (?:sort|kind) of\b"
    r"|\bnot (?:entirely|completely|fully|quite|really|exactly|necessarily|always)\b"
    r"|\b(?:usually|sometimes|occasionally|normally|typically|apparently|seemingly|almost|nearly) "
    r"(?:fine|safe|harmless|ok|okay|allowed|acceptable|compliant|permitted|benign)\b"
    r"|\b(?:opposite|contrary|reverse|inverse)\b|\bcross(?:es|ed)? (?:the|a) line\b|\bgo(?:es)? too far\b"
    r"|\b(?:told|instruct(?:s|ed)?|ordered|asked|says?|commanded)(?: \w+)? to (?:\w+ ){0,5}(?:no|yes|safe|false|true)\b"
    r"|\bi (?:(?:do not|don't|cannot|can't) (?:know|understand|have|say)"
    r"|have no|was|did|change|changed|mean|meant|take|apologi[sz]e)\b"
    r"|\b(?:to|by) (?:a|an|the) (?:human|moderator|supervisor)\b"
    r"|\bas an ai\b|\bno opinions?\b|\b(?:just|only) kidding\b"
    r"|\b(?:ignore|disregard|forget) (?:all |any |your |the )?(?:previous|prior|above|earlier)\b"
    r"|\bas (?:instructed|told|ordered|directed)\b|\brule \d+ applies\b|\bunder (?:category|rule) [a-z]?\d"
    r"|\b(?:ge|über)prüft\b|\bprüfung\b|\bnicht (?:ganz|völlig|wirklich|unbedingt)\b|\bschwer zu sagen\b|\bbedenken\b"
    r"|\bvérif(?:ier|ié|iée|ication)\b|\bpas (?:vraiment|tout à fait|forcément)\b|\bdifficile à dire\b"
    r"|\brevis(?:ar|ado|ada|ión)\b|\bverificación\b|\bno (?:lo )?sé\b"
    r"|\bno (?:del todo|realmente|necesariamente|siempre)\b"
)
"""Phrases that defer, doubt, limit, take back or were told, whose single words say nothing of the kind."""

_ORDERED = re.compile(r"\b(?:answer|say|respond|reply)(?: with)? (?:no|yes|safe|false|true)\b")
_WORD = re.compile(r"[^\W\d_]{2}|[\u3005-\u3007\u3040-\u30ff\u3400-\u9fff]")
_TOLD = re.compile(
    r"\b(?:asks?|asking|asked|wants?|wonders?|requests?|requesting|explains?|explaining|describes?|describing|discuss\w*"
    r"|mentions?|talks?|(?:question|information|advice|help|request|message|text) (?:is )?(?:about|on|for)|is about"
    r"|(?:user|bot|assistant|message|answer|response|reply|text|it) (?:says?|tells?|states?))\b"
)
"""After this, a clause tells what a text asks or says, and not how it is to be judged."""


def says_what_blocks(text: str) -> bool:
    """Return whether a folded explanation says what blocks, or doubts, in a script without spaces between words."""
    return any(word in text for word in UNSPACED)


def leaves_open(text: str, question: Question) -> bool:
    """Return whether a folded explanation has a sentence that leaves its answer open, or that breaks off."""
    said = words(text)
    if " ".join(said) in NO_REASON:
        return False
    if not said or not _WORD.search(text) or said[-1] in BROKEN_OFF or _SIGNS.search(text):
        return True
    if any(map(_defers, _BEGINS.findall(text))):
        return True
    clauses = (clause for sentence in _SENTENCE.split(text) for clause in _CLAUSE.split(sentence))
    return any(_is_open(" ".join(clause.replace("*", " ").split()), question) for clause in clauses)


def _defers(word: str) -> bool:
    """Return whether a sentence that begins so asks for something, or says that the answer is yet to come."""
    return word in DEFERRING or word.partition("'")[0] in DEFERRING


def _is_open(clause: str, question: Question) -> bool:
    if _ORDERED.search(clause):
        return True
    clause = _TOLD.split(clause, maxsplit=1)[0]
    if (found := _HEDGE.search(clause)) and not _is_denied(words(clause[: found.start()])):
        return True
    if _MODAL.search(clause) is None:
        return False
    said, denied = words(clause), False
    for word in said:
        if word in question.against or word in question.denied:
            return denied != (word in question.against)  # "should not be blocked", "should be allowed"
        denied = denied or _is_denied((word,))
    return True


def _is_denied(before: tuple[str, ...]) -> bool:
    return any(word in NEGATORS or word.endswith("n't") for word in before)
