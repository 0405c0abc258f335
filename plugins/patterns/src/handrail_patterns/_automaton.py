"""An Aho-Corasick automaton: all words of a list at once, one step a character."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable


class Automaton:
    """Words, compiled. Never changes, and serves any number of streams.

    Attributes:
        children: the steps from each state, by character; a state is what has been read of a word.
        shorter: the state of the longest proper ending that also begins a word.
        depth: how many characters each state has read.
        ends: the nearest state, this one or a shorter one, that is a whole word; 0 if there is none.
        longest: how many characters the longest word has.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.children: list[dict[str, int]] = [{}]
        self.shorter: list[int] = [0]
        self.depth: list[int] = [0]
        self.ends: list[int] = [0]
        for word in words:
            self._add(word)
        self.longest = max(self.depth)
        self._connect()

    def _add(self, word: str) -> None:
        state = 0
        for char in word:
            following = self.children[state].get(char)
            if following is None:
                following = len(self.children)
                self.children[state][char] = following
                self.children.append({})
                self.shorter.append(0)
                self.depth.append(self.depth[state] + 1)
                self.ends.append(0)
            state = following
        self.ends[state] = state

    def _connect(self) -> None:
        waiting = deque(self.children[0].values())
        while waiting:
            state = waiting.popleft()
            for char, child in self.children[state].items():
                waiting.append(child)
                self.shorter[child] = self.step(self.shorter[state], char)
            self.ends[state] = self.ends[state] or self.ends[self.shorter[state]]

    def step(self, state: int, char: str) -> int:
        """Return the state after one more character."""
        following = self.children[state].get(char)
        while following is None and state:
            state = self.shorter[state]
            following = self.children[state].get(char)
        return following or 0
