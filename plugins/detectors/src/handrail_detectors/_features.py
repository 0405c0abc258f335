"""What the embedded classifier sees of a text: hashed runs of characters, as they are written and by their shape."""

from __future__ import annotations

from binascii import crc32

BUCKETS = 1 << 15
WRITTEN = (3, 4, 5)
SHAPES = (5, 8)
PER_CHARACTER = len(WRITTEN) + len(SHAPES)

_SHAPE = {ord(char): "A" for char in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_SHAPE |= {ord(char): "a" for char in "abcdefghijklmnopqrstuvwxyz"}
_SHAPE |= {ord(char): "0" for char in "0123456789"}
_DIGITS = {ord(char): "0" for char in "0123456789"}


def buckets_of(text: str) -> list[list[int]]:
    """Return for each length of a run the buckets of the runs that begin at each character."""
    written = "".join(char.lower() if char.isascii() else char for char in text.translate(_DIGITS))
    shape = text.translate(_SHAPE)
    return [
        *(_buckets(written, length, length) for length in WRITTEN),
        *(_buckets(shape, length, length << 8) for length in SHAPES),
    ]


def _buckets(text: str, length: int, seed: int) -> list[int]:
    mask = BUCKETS - 1
    runs = [text[start : start + length] for start in range(len(text) - length + 1)]
    return [crc32(run.encode("utf-8", "surrogatepass"), seed) & mask for run in runs]
