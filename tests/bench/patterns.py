"""What the rails for patterns cost: CPU a token, phrases by the thousand, memory, growth with length, delay."""

from __future__ import annotations

import random
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "corpus"))

from _document import machine, table
from handrail_patterns._actions import Action
from handrail_patterns._fold import ALL_OF_IT, Folding
from handrail_patterns._making import rules_of
from handrail_patterns._personal import PERSONAL_DATA
from handrail_patterns._phrases import Phrases
from handrail_patterns._regex import Patterns
from handrail_patterns._rule import make_rule
from handrail_patterns._secrets import SECRETS
from handrail_patterns._session import PatternSession
from patterns_corpus import documents, prose, tokens

Open = Callable[[], Sequence[PatternSession]]
ROUNDS = 9
REDACT = Action("redact", "X")


def compiled(kinds: Sequence[object]) -> Patterns:
    """Compile kinds, all of them redacted."""
    return Patterns(rules_of(kinds, {kind.name: Action("redact", kind.label) for kind in kinds}))


def opener(*parts: Patterns | Phrases, see_through: Sequence[str] = ("unicode", "invisible")) -> Open:
    """Return what opens a chain of sessions."""
    folding = Folding(see_through)
    return lambda: [PatternSession(part.open(), folding.open(), lambda *_: None) for part in parts]


def stream(sessions: Sequence[PatternSession], pieces: Sequence[str]) -> None:
    """Send pieces down a chain, as the kernel does."""
    for piece in pieces:
        text = piece
        for session in sessions:
            text = session.feed(text).text
            if not text:
                break
    for index, session in enumerate(sessions):
        text = session.finish().text
        for later in sessions[index + 1 :]:
            text = later.feed(text).text


def cost(start: Open, texts: Sequence[Sequence[str]]) -> float:
    """Return the CPU microseconds a piece: the least of some rounds, for others share this machine."""
    count = sum(map(len, texts))
    seconds = []
    for _ in range(ROUNDS):
        chains = [start() for _ in texts]
        started = time.process_time()
        for chain, pieces in zip(chains, texts, strict=True):
            stream(chain, pieces)
        seconds.append(time.process_time() - started)
    return min(seconds) / count * 1e6


def words(count: int, chance: random.Random) -> list[str]:
    """Make phrases of one to three words."""
    syllables = ("ra", "mo", "ti", "len", "dor", "esk", "una", "pri", "vol", "ank")
    made: set[str] = set()
    while len(made) < count:
        made.add(" ".join("".join(chance.choices(syllables, k=3)) for _ in range(chance.randint(1, 3))))
    return sorted(made)


def memory(start: Open, pieces: Sequence[str]) -> float:
    """Return the most memory that one stream takes, in kilobytes; what all streams share does not count."""
    stream(start(), pieces)  # fills what is shared
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    sessions = start()
    for piece in pieces:
        text = piece
        for session in sessions:
            text = session.feed(text).text
    most = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return most / 1000


def delay(start: Open, texts: Sequence[Sequence[str]]) -> tuple[float, float, int]:
    """Return the share of characters that wait for more than 16 others, their mean wait, and the longest."""
    waits: list[int] = []
    for pieces in texts:
        (session,) = start()
        came = gone = 0
        for piece in pieces:
            came += len(piece)
            given = len(session.feed(piece).text)
            waits.extend(came - place for place in range(gone + 1, gone + given + 1))
            gone += given
    return sum(wait > 16 for wait in waits) / len(waits), sum(waits) / len(waits), max(waits)


def costs(texts: Sequence[Sequence[str]], chance: random.Random) -> str:
    """Measure the CPU of every rail."""
    personal, secret = compiled(PERSONAL_DATA), compiled(SECRETS)
    nothing = Patterns([make_rule("p", "zqzqzq", REDACT)])
    values = [tokens(document.text, chance) for document in documents(60)]
    rows = [
        ["one pattern that never begins", f"{cost(opener(nothing, see_through=()), texts):.2f}"],
        ["`personal data check`, all kinds", f"{cost(opener(personal), texts):.2f}"],
        ["`secret check`, all kinds", f"{cost(opener(secret), texts):.2f}"],
        ["both, one after the other", f"{cost(opener(personal, secret), texts):.2f}"],
        ["both, on texts full of values and look-alikes", f"{cost(opener(personal, secret), values):.2f}"],
    ]
    for count in (10, 1_000, 10_000):
        phrases = Phrases(words(count, chance), REDACT, whole_words=True)
        rows.append(
            [f"`phrase check`, {count:,} phrases", f"{cost(opener(phrases, see_through=ALL_OF_IT), texts):.2f}"]
        )
    return table(["rail", "µs a token"], rows)


def growth() -> str:
    """Measure 100 kB, 1 MB and 10 MB in one piece and in tokens of four characters."""
    paragraph = " ".join(prose(20)) + " "
    start = opener(compiled(PERSONAL_DATA), compiled(SECRETS))
    rows = []
    for size in (100_000, 1_000_000, 10_000_000):
        text = (paragraph * (size // len(paragraph) + 1))[:size]
        cells = [f"{size:,}"]
        for pieces in ([text], [text[place : place + 4] for place in range(0, size, 4)]):
            chain = start()
            started = time.process_time()
            stream(chain, pieces)
            cells.append(f"{(time.process_time() - started) / size * 1e6:.2f}")
        rows.append(cells)
    return table(["characters", "µs a character, in one piece", "in pieces of four"], rows)


def main() -> None:
    """Measure, and print."""
    chance = random.Random(1)
    texts = [tokens(text, chance) for text in prose(60)]
    together = opener(compiled((*PERSONAL_DATA, *SECRETS)))
    share, mean, longest = delay(together, texts)
    long_stream = [piece for document in documents(200) for piece in tokens(document.text, chance)]
    both = opener(compiled(PERSONAL_DATA), compiled(SECRETS))
    print(f"{machine()}; {sum(map(len, texts)):,} tokens of prose\n")
    print(costs(texts, chance))
    print(f"\nDelay on prose: {share:.2%} of characters wait for more than 16; mean {mean:.1f}, most {longest}.")
    print(f"Memory of one stream through both rails: {memory(both, long_stream):.0f} kB.\n")
    print(growth())


if __name__ == "__main__":
    main()
