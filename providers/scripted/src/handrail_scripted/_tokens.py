"""Cuts text into tokens, and into the pieces that are sent; the pieces always join to exactly the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from handrail_scripted._settings import Chunking

_CJK = "\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"

# The classes by which Handrail estimates tokens where it has no vocabulary, so that both count alike.
_TOKEN = re.compile(rf"[{_CJK}]| ?[^\W\d_{_CJK}]{{1,8}}|\d{{1,3}}| ?[^\w\s]{{1,3}}|_+|\s+")
_WORD = re.compile(r"\s*\S+\s*|\s+")
_PARAGRAPH = re.compile(r".+?(?:\n(?:[^\S\n]*\n)+|\Z)", re.DOTALL)

_RANDOM_LENGTHS = (0, 1, 1, 2, 3, 4, 5, 8, 13, 40)
"""In characters; drawn with equal chance. One in ten is an empty chunk, as real providers send them."""

_Chunker: TypeAlias = Callable[[str, Random], Iterator[str]]


def split_tokens(text: str) -> list[str]:
    """Split into tokens: pieces of words with their leading space, numbers, punctuation, white space."""
    return _TOKEN.findall(text)


def split_chunks(text: str, chunking: Chunking, random: Random) -> Iterator[str]:
    """Split into the pieces that one chunk each will carry. `random` is drawn from only for "random"."""
    return _CHUNKERS[chunking](text, random)


def _whole(text: str, _: Random) -> Iterator[str]:
    if text:
        yield text


def _random(text: str, random: Random) -> Iterator[str]:
    start = 0
    while start < len(text):
        length = random.choice(_RANDOM_LENGTHS)
        yield text[start : start + length]
        start += length


_CHUNKERS: Mapping[Chunking, _Chunker] = {
    "token": lambda text, _: iter(split_tokens(text)),
    "character": lambda text, _: iter(text),
    "word": lambda text, _: iter(_WORD.findall(text)),
    "paragraph": lambda text, _: iter(_PARAGRAPH.findall(text)),
    "whole": _whole,
    "random": _random,
}
