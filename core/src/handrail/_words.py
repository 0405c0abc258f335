"""Where a text may be cut: never inside a word, a number or a grapheme, as Unicode's default rules have them (UAX 29).

Text is cut into pieces that are coarser than words where that is cheaper: "alpha,beta" is one. A piece that is too
long is cut further by the module `regex`, which knows the rules themselves.
"""

from __future__ import annotations

import re

_JOINED = r"A-Za-z0-9_.,:'"  # letters and digits of ASCII, and what may stand inside a word or a number
_LATIN = _JOINED + "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"  # with the letters of most of Europe
_MARKS = r"!-&(-+\-/;-@\[-^`{-~"  # other punctuation of ASCII

# Scripts that put no spaces between words: between any two of their graphemes a text may be cut. Their digits are as
# others, and Katakana and Hangul, which make words by Unicode's rules, are not among them.
_ALONE = (
    "\u0e00-\u0e4f\u0e5a-\u0ecf\u0eda-\u0eff\u1000-\u103f\u104a-\u109f\u1780-\u17df\u17ea-\u17ff\u1950-\u19cf\u19de-\u19df"
    "\u1a20-\u1a7f\u1a8a-\u1a8f\u1a9a-\u1aaf\u2e80-\u2fff\u3006-\u3007\u3041-\u309a\u309f\u3400-\u9fff\uaa60-\uaadf"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
# Which of them continue a grapheme (property Grapheme_Cluster_Break of Extend or SpacingMark).
_CONTINUES = (
    "\u0e31\u0e33-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb3-\u0ebc\u0ec8-\u0ece\u102d-\u1037\u1039-\u103e\u1056-\u1059\u105e-\u1060"
    "\u1071-\u1074\u1082\u1084-\u1086\u108d\u109d\u17b4-\u17d3\u17dd\u1a55-\u1a5e\u1a60\u1a62\u1a65-\u1a7c\u1a7f"
    "\u3099\u309a\uaa7c\uaab0\uaab2-\uaab4\uaab7\uaab8\uaabe\uaabf\uaac1"
)
_LINKS = "\u1039\u17d2\u1a60"  # and which join the letter that follows to it
# Every other character beyond ASCII is taken for a part of whatever it stands beside; also U+202F, which groups digits.
_SPACES = "\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u205f\u3000"
_FAR = rf"[^\x00-\x7f{_SPACES}{_ALONE}]"
_NARROW = r"(?<=\d)[\u00a0\u2007\u2009]"  # white space that groups digits, or ties a unit to its number
_REST = rf"(?:[{_JOINED}]|{_FAR}|{_NARROW})"

# Each match is a piece. None depends on more than one character behind its end, so all but the last stay what they are
# when more text comes, however it was split. With a space and without are two branches where that is frequent: it is
# quicker.
_ASCII = re.compile(rf" [{_JOINED}]++|[{_JOINED}]++| ?[{_MARKS}]{{1,3}}|(?:\r\n|\s){{1,8}}|.", re.DOTALL)
_ANY = re.compile(  # what is frequent comes first, though it is a case of what follows
    rf" [{_LATIN}]++(?![^\x00-\x7f])|[{_LATIN}]++(?![^\x00-\x7f])"
    rf"|[{_ALONE}](?:[{_CONTINUES}]++(?:(?<=[{_LINKS}])[{_ALONE}][{_CONTINUES}]*+)*+)?+(?:{_FAR}{_REST}*+)?"
    rf"| ?[{_JOINED}]++(?!{_FAR}|{_NARROW})"
    rf"| ?[{_MARKS}]{{1,3}}(?!{_FAR})"
    rf"| ?[{_MARKS}]{{0,3}}{_FAR}{_REST}*+"
    rf"| ?[{_JOINED}]++{_REST}*+"
    rf"|(?:\r\n|[^\S\r\u202f]|\r(?!\n)){{1,8}}(?!{_FAR})"
    rf"|(?:\r\n|\s){_FAR}{_REST}*+"
    rf"|.",
    re.DOTALL,
)


def pieces(text: str) -> list[str]:
    """Cut a text into pieces that are not to be cut, in order and without a gap.

    The last one may grow when more text comes; the others stay what they are.
    """
    return (_ASCII if text.isascii() else _ANY).findall(text)


def words(piece: str) -> list[str]:
    """Cut a piece further: into words and what is between them, as Unicode has it."""
    import regex

    found: list[str] = regex.findall(r"(?w).+?\b|.+", piece, flags=regex.DOTALL)
    return found


def graphemes(word: str) -> list[str]:
    """Cut a word into what a reader takes for characters."""
    import regex

    found: list[str] = regex.findall(r"\X", word)
    return found
