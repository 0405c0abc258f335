"""Phrases whose letters stand apart, as in `b o m b` and `b.o.m.b`, beside an automaton of their letters."""

from __future__ import annotations

import re
from copy import copy

from handrail_patterns._automaton import Automaton
from handrail_patterns._scripts import continues, is_dense

_LONGEST_GAP = 3
_LEAST_LETTERS = 3
_SINGLE = re.compile(r"(?<![^\W_])[^\W_](?:[\W_]|\Z)")

Letters = Automaton
"""The phrases without anything between their letters."""


def letters_of(phrase: str) -> str:
    """Return the letters of a phrase, or nothing if they are so few that they often stand apart by chance."""
    letters = "".join(char for char in phrase if char.isalnum() or continues(char))
    count = sum(not continues(char) for char in letters)
    return letters if count >= _LEAST_LETTERS or (count == 2 and is_dense(letters[0])) else ""


class SpacedScan:
    """Where one stream stands in a run of single letters.

    A run is made of letters and digits of which none has another beside it, with at most three other characters
    between two. Only at a letter's end is it known whether it is one.

    Attributes:
        found: the matches, as start, end and letters, for the owner to take away.
    """

    __slots__ = ("_end", "_gap", "_in_word", "_letters", "_places", "_run", "_state", "found")

    def __init__(self, letters: Letters) -> None:
        self.found: list[tuple[int, int, str]] = []
        self._letters = letters
        self._state = 0
        self._run = ""  # the newest letters of the run
        self._places: list[int] = []  # where they stand
        self._in_word = False  # whether the newest character is a letter, a digit, or a mark on one
        self._gap = 0  # how many other characters have come since
        self._end = 0

    def fork(self) -> SpacedScan:
        """Return another one that stands where this one stands."""
        fork = copy(self)
        fork.found = []
        return fork

    def feed(self, text: str) -> None:
        """Take the next characters."""
        shown = f"{'x' if self._in_word else ' '}{text}"
        start, self._end = self._end - 1, self._end + len(text)
        place = 1
        while place < len(shown):
            if not self._run:  # only a letter that may be single can begin one
                match = _SINGLE.search(shown, place)
                following = len(shown) if match is None else match.start()
                if following > place:
                    place = following
                    self._in_word = shown[place - 1].isalnum() or continues(shown[place - 1])
                if match is None:
                    return
            self._take(shown[place], start + place)
            place += 1

    def finish(self) -> None:
        """No more will come."""
        self._end_of_letter()
        self._reset()

    def waits_from(self, end: int) -> int:
        """Return the place from which on text must wait for what may still come; `end` if none must."""
        letters, state = self._letters, self._state
        while state:
            if letters.children[state] or (self._in_word and letters.ends[state] == state):
                return self._places[-letters.depth[state]]
            state = letters.shorter[state]
        return end

    def _take(self, char: str, place: int) -> None:
        if char.isalnum() or continues(char):
            self._take_letter(char, place)
            return
        self._end_of_letter()
        self._in_word = False
        self._gap += 1
        if self._gap > _LONGEST_GAP:
            self._reset()

    def _take_letter(self, char: str, place: int) -> None:
        if self._in_word and not continues(char):
            self._reset()
        elif self._run or not self._in_word:
            self._state = self._letters.step(self._state, char)
            keep = self._letters.depth[self._state]
            self._run = (self._run + char)[-max(keep, 1) :]
            self._places = [*self._places, place][-max(keep, 1) :]
        self._in_word = True
        self._gap = 0

    def _end_of_letter(self) -> None:
        """Note the longest phrase that ends with the letter that has ended, and all within it."""
        if not self._in_word or not self._run:
            return
        state = self._letters.ends[self._state]
        while state:
            depth = self._letters.depth[state]
            self.found.append((self._places[-depth], self._places[-1] + 1, self._run[-depth:]))
            state = self._letters.ends[self._letters.shorter[state]]

    def _reset(self) -> None:
        self._state, self._run, self._places = 0, "", []
