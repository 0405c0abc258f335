"""Phrases by the thousand on a stream: an Aho-Corasick automaton, whose state is itself the exact hold-back."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass

from handrail_patterns._actions import Action
from handrail_patterns._automaton import Automaton
from handrail_patterns._hit import Found
from handrail_patterns._scripts import continues, is_dense
from handrail_patterns._spaced import Letters, SpacedScan, letters_of


@dataclass(frozen=True, slots=True)
class PhraseRule:
    """A phrase that was found, as the session wants it."""

    name: str
    action: Action
    limit: int
    order: int = 0

    def is_whole(self, _text: str, /) -> bool:
        """Every phrase has its end."""
        return True


class Phrases(Automaton):
    """A list of phrases, compiled. Never changes, and serves any number of streams.

    Every place where a phrase stands is a match, those inside or across one another too. With `whole_words`, a phrase
    that begins or ends with a letter, digit or mark has none beside it; in a script without spaces between words a
    word may begin and end beside any letter. With `spaced`, phrases whose letters stand apart are found, too.
    """

    def __init__(
        self, phrases: Iterable[str], action: Action, *, whole_words: bool = True, spaced: bool = False
    ) -> None:
        phrases = list(phrases)
        self.action = action
        self.spaced = Letters(filter(None, map(letters_of, phrases))) if spaced else None
        self.whole_words = whole_words
        super().__init__(phrases)

    def open(self) -> PhraseScan:
        """Start a stream."""
        return PhraseScan(self)


class PhraseScan:
    """Where one stream stands.

    Attributes:
        found: matches that are decided, for the owner to take away.
    """

    __slots__ = ("_before", "_end", "_phrases", "_spaced", "_state", "found")

    def __init__(self, phrases: Phrases) -> None:
        self.found: list[Found] = []
        self._phrases = phrases
        self._state = 0
        self._before = ""  # the newest characters, one more than the longest phrase has
        self._end = 0
        self._spaced = None if phrases.spaced is None else SpacedScan(phrases.spaced)

    @property
    def margin(self) -> int:
        """How many characters a stream is remembered by; a letter that stands apart has up to three beside it."""
        return 4 * self._phrases.longest + 4

    def fork(self) -> PhraseScan:
        """Return another one that stands where this one stands."""
        fork = copy(self)
        fork.found = []
        if self._spaced is not None:
            self._spaced = self._spaced.fork()
        return fork

    def feed(self, text: str) -> int:
        """Take the next characters; return the place before which everything is decided."""
        phrases = self._phrases
        children, shorter, ends, state = phrases.children, phrases.shorter, phrases.ends, self._state
        recent = self._before + text
        start = self._end - len(self._before)
        if phrases.whole_words and ends[state] and text:
            self._note(state, recent, len(self._before), start)
        last = len(recent) if phrases.whole_words else 0
        for place, char in enumerate(text, len(self._before) + 1):
            following = children[state].get(char)
            while following is None and state:
                state = shorter[state]
                following = children[state].get(char)
            state = following or 0
            if ends[state] and place != last:
                self._note(state, recent, place, start)
        self._state = state
        self._end += len(text)
        self._before = recent[-phrases.longest - 1 :]
        if self._spaced is not None:
            self._spaced.feed(text)
            self._take_spaced(self._spaced)
        return self._decided()

    def look_again(self) -> int:
        """Everything that has come has been looked at already."""
        return self._decided()

    def finish(self) -> int:
        """No more will come: everything is decided now."""
        if self._phrases.whole_words and self._phrases.ends[self._state]:
            self._note(self._state, self._before, len(self._before), self._end - len(self._before))
        if self._spaced is not None:
            self._spaced.finish()
            self._take_spaced(self._spaced)
        return self._end

    def overdue(self) -> Found | None:
        """Phrases have their own lengths, so none is ever overdue."""
        return None

    def _note(self, state: int, recent: str, place: int, start: int) -> None:
        """Note the longest phrase that ends at this place of `recent`, which begins at `start` of the whole text."""
        phrases = self._phrases
        if phrases.whole_words and _joined(recent, place):
            return
        state = phrases.ends[state]
        while state:
            begin = place - phrases.depth[state]
            if not phrases.whole_words or not _joined(recent, begin):
                rule = PhraseRule(recent[begin:place], phrases.action, phrases.longest)
                self.found.append(Found(start + begin, start + place, rule))
                return
            state = phrases.ends[phrases.shorter[state]]

    def _take_spaced(self, spaced: SpacedScan) -> None:
        phrases = self._phrases
        for start, end, letters in spaced.found:
            self.found.append(Found(start, end, PhraseRule(letters, phrases.action, phrases.longest)))
        spaced.found.clear()

    def _decided(self) -> int:
        """Return the place where the longest phrase that may still come has begun."""
        phrases, state, recent = self._phrases, self._state, self._before
        while state:
            depth = phrases.depth[state]
            open_end = phrases.children[state] or (phrases.whole_words and phrases.ends[state] == state)
            if open_end and not (phrases.whole_words and _joined(recent, len(recent) - depth)):
                break
            state = phrases.shorter[state]
        waits_from = self._end if self._spaced is None else self._spaced.waits_from(self._end)
        return min(self._end - phrases.depth[state], waits_from)


def _joined(text: str, place: int) -> bool:
    """Return whether the characters before and after this place belong to one word."""
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    if continues(after):
        return True
    return _in_word(before) and _in_word(after) and not is_dense(before) and not is_dense(after)


def _in_word(char: str) -> bool:
    return char.isalnum() or char == "_" or continues(char)
