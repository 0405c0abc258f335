"""The words that a judge's answer is made of, as far as they decide anything.

An answer may allow only where every word up to the decisive one is in one of these tables; a word that is in none of
them makes the reader careful, so a missing word can block but never let pass.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

Sense: TypeAlias = Literal["allow", "block"]


def vocabulary(words: str) -> frozenset[str]:
    """Make a set of words that are written one after another."""
    return frozenset(words.split())


YES = vocabulary("yes yeah yep true y")
NO = vocabulary("no nope false n")
LETTERS = vocabulary("y n")
"""Answers that count only where nothing else stands."""

ALLOWING = vocabulary(
    "safe allow allows allowed harmless acceptable permitted permissible compliant comply complies benign appropriate"
)
BLOCKING = vocabulary(
    "unsafe block blocks blocked blocking disallow disallows disallowed impermissible flag flags flagged"
)
BLOCKING_IF_SAID_OUTRIGHT = vocabulary(
    "harmful inappropriate unacceptable offensive dangerous malicious abusive toxic hateful prohibited forbidden "
    "illegal noncompliant problematic violate violates violated violating violation violations issue issues concern "
    "concerns problem problems harm risk risks"
)
"""These count where the clause says them of the text, and not where they merely occur in an explanation."""

SUPPORTING = vocabulary(
    "supported supports support grounded entailed entails entail entailment accurate factual verified consistent "
    "correct"
)
UNSUPPORTING = vocabulary(
    "unsupported ungrounded contradicted contradicts contradict contradiction hallucinated hallucination inaccurate "
    "incorrect inconsistent unverified fabricated fabricates misleading"
)
"""What is said of facts, beside the words above."""

NEGATORS = vocabulary(
    "not never cannot without neither nor nothing none nobody hardly barely scarcely non un "
    "isnt arent wasnt werent doesnt dont didnt cant wont shouldnt wouldnt couldnt neednt mustnt aint"
)
HEDGES = vocabulary(
    "maybe perhaps possibly potentially probably likely unlikely might may could would unclear uncertain unsure "
    "ambiguous arguably supposedly allegedly seemingly whether mostly partly partially somewhat largely generally "
    "relatively almost nearly borderline sometimes usually depends debatable"
)
CONDITIONS = vocabulary("if unless until except provided assuming depending only when")

REPORTS = vocabulary(
    "says said claims claimed states stated asserts asserted insists insisted pretends argues argued tells told writes "
    "wrote quotes quoted according"
)
"""What follows them in their sentence is somebody else's word."""

STARTERS = vocabulary("it this that the these there they i we you its my your")
"""A word of these after 'yes' or 'no' begins a new statement, so that the word before was the answer."""

FILLERS = STARTERS | vocabulary(
    "a an any of in to as by on with is are was be been being am should must can need needs has have do does did shall "
    "will contain contains containing include includes including considered deemed classified rated marked labeled "
    "labelled judged found seem seems appear appears look looks think believe find here therefore so overall "
    "final answer answers verdict result decision conclusion assessment judgment judgement classification label rating "
    "status safety user users bot assistant model ai human message messages response responses content contents text "
    "input inputs output outputs reply request prompt query question conversation statement hypothesis evidence claim "
    "material reason language or anything policy policies rule rules guideline guidelines our company"
)
INTENSIFIERS = vocabulary(
    "very clearly completely perfectly entirely totally fully absolutely definitely certainly really quite"
)
"""After a negation they deny the degree only: 'not entirely unsafe' is no praise."""

AFTERWARDS = vocabulary(
    "for from detected present show send display share use process proceed respond answering processing above below "
    "given context document documents source sources all terms"
)
"""Words that may follow the decisive one without touching it."""

CONJUNCTIONS = vocabulary("and but so because since while however although though yet which thus hence then")
"""They begin a clause of their own."""
