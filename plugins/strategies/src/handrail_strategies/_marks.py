"""What ends a sentence, in many scripts, and what only looks like it."""

# ruff: noqa: RUF001  # the table is of look-alikes on purpose
from __future__ import annotations

import re
from functools import lru_cache

# A full stop ends a sentence or belongs to a number, an abbreviation, an address: what stands around it decides.
STOPS = ".…․﹒．"
# These end a sentence wherever white space, or a script without spaces, follows.
_CALLS = "!?‼‽⁇⁈⁉"
# These end a sentence whatever follows, for nothing else is written with them.
_SCRIPT_ENDS = (
    "。｡！？﹖﹗"  # Chinese, Japanese, Korean
    "؟۔؞؝"  # Arabic, Urdu
    "।॥꣎꣏"  # Devanagari and other scripts of India
    "։"  # Armenian
    "።፧፨"  # Ethiopic
    "။"  # Burmese
    "។៕"  # Khmer
    "།༎"  # Tibetan
    "᠃᠉"  # Mongolian
    "܀܁܂"  # Syriac
    "߹꘎꘏꛳꛷᙮᥄᥅᪨᪩᪪᪫᭚᭛᭞᭟᰻᰼᱾᱿꧈꧉꩝꩞꩟꫰꯫"  # N'Ko, Vai, Bamum, Canadian Syllabics, Limbu and others
)
_CLOSING = "\"'”’»›«‹“)\\]}」』】〉》）］｝〕〗〙〛｣*_~`"
_OPENING = "\"'“‘„‚«‹»›(\\[{「『【〈《（［｛〔*_~`¿¡"
_NO_SPACES = "\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"

CANDIDATE = re.compile(rf"[{STOPS}{_CALLS}{_SCRIPT_ENDS}\n\r\u2029]")
"""Where a sentence may end."""

BREAK = re.compile(r"[\n\r\u2029]")
"""Where a line ends."""

AROUND = re.compile(
    rf"(?P<marks>[{STOPS}{_CALLS}{_SCRIPT_ENDS}]{{1,16}})(?P<close>(?:[{_CLOSING}]|[ \u00a0\u202f][»›](?!\S)){{0,16}})"
    rf"(?P<space>\s{{0,64}})(?P<open>[{_OPENING}]{{0,8}})"
)
"""The marks at the end of a sentence and what is allowed between them and the next one's first letter."""

BLANK = re.compile(r"\s{1,64}")
"""A line's end and the white space that follows."""

LINES = re.compile(r"\r\n|[\n\r]|\u2029")
"""Ends of lines within white space."""

BLOCK = re.compile(r"(?P<fence>`{3}|~{3})|[-*+•‣–] |\d{1,3}[.)] |#{1,6} |[>|]")
"""What begins a block of Markdown on a new line: code, an item of a list, a heading, a quotation, a row of a table."""

BLOCK_LENGTH = 7
"""As many characters decide whether a line begins a block."""

BLOCK_FIRST = frozenset("`~-*+•‣–#>|0123456789")

SEAMS = tuple(map(re.compile, (r"[\n\r\u2029]+", r"[,;:،؛，、；：][\"'”’)\]]*\s*", r"\s+")))
"""Where a unit that is too long is cut: after a line, a part of a sentence, a word."""

_SCRIPT_END = re.compile(f"[{_SCRIPT_ENDS}]")
_CALL = re.compile(f"[{_CALLS}]")
_FOLLOWS_UNSPACED = re.compile(f"[{_NO_SPACES}]")
_GOES_ON = frozenset(",;:-–—/=<")
_LAST_WORD = re.compile(r"(?:^|[\s(\[\"'“„«*_])((?:\w{1,12}\.){0,4}\w{1,12})$")
_LINE_NUMBER = re.compile(r"(?:^|[\n\r])[ \t>*#]*(?:I|\d{1,3})$")

# After these a name or more follows, hence no sentence ends with them. English; German; French, Spanish, Portuguese,
# Italian; Dutch, Polish, Czech, Turkish; Russian.
_BEFORE_NAMES = """
mr mrs ms mx dr prof rev hon st messrs gen col capt cpt lt sgt maj cmdr gov sen rep pres supt vs viz cf approx al
hr dipl ing ca bzw ggf inkl exkl evtl vgl sog geb hrsg bspw
mme mlle mlles mgr éd sr sra srta sres dra uds av exmo exma sig dott avv geom
dhr mevr mw drs bijv inż hab płk doç
ул просп обл им проф акад ред
"""
# These stand before a number; elsewhere they may be the last word.
_BEFORE_NUMBERS = frozenset(
    """
no nos nr núm num fig figs vol vols pp art sec ch eq abs bd kap ziff tab cap стр рис табл гл ст
jan feb mar apr jun jul aug sep sept oct nov dec
""".split()  # noqa: SIM905  # a list of words reads better so
)


@lru_cache
def abbreviations(further: tuple[str, ...]) -> frozenset[str]:
    """Return the words after whose full stop a sentence goes on."""
    return frozenset(_BEFORE_NAMES.split()) | {word.casefold().rstrip(".") for word in further}


def is_end(around: re.Match[str], following: str, before: str, known: frozenset[str]) -> bool:
    """Return whether the marks found end a sentence.

    Args:
        around: a match of `AROUND`.
        following: the first character after it; empty at the end of the text.
        before: the last characters before the marks.
        known: words after whose full stop a sentence goes on.
    """
    marks, close, space = around.group("marks", "close", "space")
    if _SCRIPT_END.search(marks):
        return True
    if not space and following and ("…" in marks or not _FOLLOWS_UNSPACED.match(following)):
        return False
    if _CALL.search(marks):
        return not (close and following.islower())
    if following.islower() or following in _GOES_ON:
        return False
    return len(marks) > 1 or marks == "…" or bool(close) or not _is_shortened(before, following, known)


def _is_shortened(before: str, following: str, known: frozenset[str]) -> bool:
    """Return whether a full stop after this text belongs to its last word."""
    found = _LAST_WORD.search(before)
    if found is None:
        return False
    word = found[1].casefold()
    last = word.rpartition(".")[2]
    if len(last) == 1 and last.isalpha() and not _FOLLOWS_UNSPACED.match(last):
        return found[1] != "I" or _LINE_NUMBER.search(before) is not None
    if word.isdecimal():  # an ordinal, as several languages write them, or an item's number
        return len(word) <= 2 or _LINE_NUMBER.search(before) is not None
    return word in known or last in known or (last in _BEFORE_NUMBERS and following.isdecimal())
