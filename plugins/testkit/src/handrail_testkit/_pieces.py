"""Cutting a text into the pieces in which it may come."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Literal, TypeAlias

import anyio
from handrail.errors import InvalidArgumentError
from hypothesis import strategies as st

Split: TypeAlias = int | Literal["whole", "characters", "words", "random"] | Sequence[int]
"""Characters in a piece, a way to cut, or the places to cut at."""


def pieces_of(text: str, split: Split = "words", *, seed: int = 0) -> list[str]:
    """Cut a text, of which nothing is lost.

    Args:
        text: the text.
        split: so many characters in each piece; "whole", "characters", "words" or "random"; or the places to cut at,
            of which two equal ones give an empty piece.
        seed: of "random".
    """
    InvalidArgumentError.unless(isinstance(text, str), "text", text, "text")
    fits = isinstance(split, int | Iterable)
    InvalidArgumentError.unless(fits, "split", split, "a size, the name of a way to cut, or places")
    match split:
        case "whole":
            return [text] if text else []
        case "characters":
            return list(text)
        case "words":
            return re.findall(r"\s*\S+|\s+$", text)
        case "random":
            drawn = random.Random(seed)  # noqa: S311  # to be repeated, not to be secret
            return at_places(text, [drawn.randint(0, len(text)) for _ in range(drawn.randint(0, len(text)))])
        case int():
            if split < 1:
                raise ValueError(f"split is {split}; a piece has at least 1 character")
            return [text[start : start + split] for start in range(0, len(text), split)]
        case str():
            raise ValueError(f"split is {split!r}; allowed: whole, characters, words, random, a size, or places")
    return at_places(text, split)


def at_places(text: str, places: Iterable[int]) -> list[str]:
    """Cut a text at these places."""
    return [text[start:end] for start, end in itertools.pairwise([0, *sorted(places), len(text)])]


async def stream_of(
    text: str, split: Split = "words", *, seed: int = 0, pause: float = 0.0
) -> AsyncGenerator[str, None]:
    """Yield a text in pieces, as a model does.

    Args:
        text: the text.
        split: how it is cut, as for `pieces_of`.
        seed: of "random".
        pause: seconds before each piece, on the event loop's clock.
    """
    for piece in pieces_of(text, split, seed=seed):
        if pause:
            await anyio.sleep(pause)
        yield piece


@st.composite
def splits(draw: st.DrawFn, text: str) -> list[str]:
    """Draw a way to cut a text: anywhere, into single characters, and with empty pieces."""
    if draw(st.booleans()):
        return pieces_of(text, draw(st.sampled_from(["characters", "whole", "words"])))
    return at_places(text, draw(st.lists(st.integers(0, len(text)), max_size=2 * len(text))))


def telling_splits(text: str, most: int) -> list[list[str]]:
    """Return ways to cut a text that catch most mistakes: characters, small sizes, two parts at each place."""
    sizes: tuple[Split, ...] = ("whole", "characters", "words", 2, 3, 7)
    cuts = [pieces_of(text, size) for size in sizes]
    places = list(range(1, len(text)))
    step = max(1, -(-len(places) // most))
    cuts += [at_places(text, [place]) for place in places[::step]]
    return cuts
