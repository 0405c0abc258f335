"""Three strikes: each phrase of a list is refused, and after some of them everything is.

`turn.conversation_id` is the program's word for which conversation it is, never a client's:
`rails.stream(messages=messages, conversation="42")`.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from handrail import Verdict

if TYPE_CHECKING:
    from handrail import RailContext, Turn, Window

    from handrail_conversations.settings import StrikesSettings


class ThreeStrikes:
    """Counts warnings of each conversation; of those that are over it remembers the newest."""

    def __init__(self, settings: StrikesSettings, context: RailContext) -> None:
        self._settings = settings
        self._phrases = [phrase.casefold() for phrase in settings.phrases]
        self._strikes: OrderedDict[str, set[str]] = OrderedDict()
        self._lock = Lock()  # one rail serves all threads and event loops

    def check(self, window: Window, turn: Turn) -> Verdict:
        """Judge a message. One that is judged again, with the history of its conversation, counts once."""
        text = window.text.casefold()
        found = next((phrase for phrase in self._phrases if phrase in text), None)
        warned = self._warned(turn.conversation_id, None if found is None else f"{len(turn.messages)} {text}")
        if warned >= self._settings.strikes:
            return Verdict.block("too many warnings", category="strikes", message="This conversation is over.")
        if found is None:
            return Verdict.allow()
        left = self._settings.strikes - warned
        return Verdict.block(
            "a phrase of the list", category="warning", message=f"Please don't. Warnings left: {left}."
        )

    def _warned(self, conversation: str | None, strike: str | None) -> int:
        if conversation is None:  # nobody says which one it is, so that each message is one
            return 0 if strike is None else 1
        with self._lock:
            strikes = self._strikes.setdefault(conversation, set())
            self._strikes.move_to_end(conversation)
            if strike is not None:
                strikes.add(strike)
            while len(self._strikes) > self._settings.conversations:
                self._strikes.popitem(last=False)
            return len(strikes)
