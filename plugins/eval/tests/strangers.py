"""Rails that a test installs: judges of one word, with the faults that an evaluation has to show."""

from __future__ import annotations

import re

import anyio
from handrail import Verdict
from handrail.plugins import RailSpec, hookimpl


class Judge:
    """Refuses a word; takes longer for longer windows."""

    async def check(self, window, turn):
        await anyio.sleep(0.0001 * (len(window.text) % 7))
        found = re.search(r"forbidden secret", window.text)
        return (
            Verdict.block("said it", category="secret", span=window.span(*found.span())) if found else Verdict.allow()
        )


class NumberJudge(Judge):
    """Refuses numbers of four digits, and takes for one what a cut has left of a longer one."""

    async def check(self, window, turn):
        found = re.search(r"(?<!\d)\d{4}(?!\d)", window.text)
        return Verdict.block("a number") if found else await super().check(window, turn)


class Broken:
    """Raises at a word."""

    async def check(self, window, turn):
        if "crash" in window.text:
            raise RuntimeError(window.text)
        return Verdict.allow()


class Slow:
    """Takes ten seconds for each window."""

    async def check(self, window, turn):
        await anyio.sleep(10)
        return Verdict.allow()


class Scoring:
    """Gives the share of words that are `bad` as its score, and refuses nothing by itself."""

    async def check(self, window, turn):
        words = window.text.split()
        return Verdict("allow", score=words.count("bad") / max(1, len(words)))


class WordJudge:
    """Refuses the word of its flow."""

    def __init__(self, word):
        self._word = word

    async def check(self, window, turn):
        await anyio.sleep(0.1)
        return Verdict.block("said it") if self._word in window.text else Verdict.allow()


class Counting:
    """Judges each stream by a session of its own, which takes its time."""

    def open(self, turn):
        return self

    async def check(self, window):
        await anyio.sleep(0.2)
        return Verdict.allow()


class Plugin:
    """Offers them."""

    @hookimpl
    def handrail_rails(self):
        yield RailSpec("judge", lambda settings, context: Judge())
        yield RailSpec("number judge", lambda settings, context: NumberJudge())
        yield RailSpec("scoring", lambda settings, context: Scoring())
        yield RailSpec("word judge", lambda settings, context: WordJudge(context.arguments["word"]))
        yield RailSpec("counting", lambda settings, context: Counting(), stateful=True)
        yield RailSpec("slow", lambda settings, context: Slow())
        yield RailSpec("broken", lambda settings, context: Broken())
