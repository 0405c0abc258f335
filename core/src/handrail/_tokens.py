"""Counts tokens: with a vocabulary that lies on this machine, else by an estimate. Never downloads anything.

tiktoken itself fetches a vocabulary that it does not find, without a time limit. So its files are looked up here, in
the places where tiktoken keeps them, and read without it asking the network.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import re
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import tiktoken

    from handrail._types import CountTokens

logger = logging.getLogger("handrail")

_ADDRESS = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"  # its SHA-1 is the cached file's name
_CACHED_PIECES = 16_384
_LONGEST_CACHED = 64  # characters; longer texts rarely come again

_CJK = "\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
_ESTIMATE = re.compile(rf"[{_CJK}]| ?[^\W\d_{_CJK}]{{1,8}}|\d{{1,3}}| ?[^\w\s]{{1,3}}|_+|\s+")


@dataclass(frozen=True, slots=True)
class TokenCounter:
    """A way to count tokens.

    Attributes:
        name: the vocabulary, or "estimate".
        count: gives the number of tokens of a text; remembers short texts, which come again and again.
        exact: False for the estimate.
    """

    name: str
    count: CountTokens
    exact: bool


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text by classes of characters, within about 10% on prose and 30% on code."""
    return len(_ESTIMATE.findall(text))


def token_counter(model: str) -> TokenCounter:
    """Choose how to count for a model, and log which way it is.

    The vocabulary that tiktoken knows for the model is used if its file is at hand, else another one that is.
    """
    folders = tuple(_folders())
    for name in dict.fromkeys((_vocabulary_of(model), "o200k_base", "cl100k_base")):
        for folder in folders:
            counter = _load(name, folder)
            if counter is not None:
                logger.info("tokens are counted with the vocabulary %s from %s", name, folder)
                return counter
    logger.info("tokens are estimated: no vocabulary of tiktoken is on this machine (TIKTOKEN_CACHE_DIR)")
    return TokenCounter("estimate", _Counts(estimate_tokens).__getitem__, exact=False)


class _Counts(dict[str, int]):
    """Tokens of short texts, counted when they are first looked up: a look-up runs no Python."""

    def __init__(self, count: CountTokens) -> None:
        self._count = count

    def __missing__(self, text: str) -> int:
        tokens = self._count(text)
        if len(text) <= _LONGEST_CACHED:
            if len(self) >= _CACHED_PIECES:
                self.clear()  # the common ones are soon there again
            self[text] = tokens
        return tokens


def _vocabulary_of(model: str) -> str:
    older = ("gpt-4-", "gpt-3.5", "text-embedding")
    return "cl100k_base" if model == "gpt-4" or model.startswith(older) else "o200k_base"


def _folders() -> Iterator[Path]:
    for variable in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        if folder := os.environ.get(variable):
            yield Path(folder)
    yield Path(tempfile.gettempdir(), "data-gym-cache")
    spec = find_spec("litellm")
    if spec is not None and spec.origin is not None:  # its wheel ships tiktoken's files
        yield Path(spec.origin).parent / "litellm_core_utils" / "tokenizers"


def _load(name: str, folder: Path) -> TokenCounter | None:
    address = _ADDRESS.format(name)
    file = folder / hashlib.sha1(address.encode(), usedforsecurity=False).hexdigest()
    if not file.is_file():
        return None
    try:
        stat = file.stat()
        encoding = _read(name, file, (stat.st_mtime_ns, stat.st_size))
    except (OSError, ValueError, KeyError) as exc:
        logger.warning("the vocabulary %s in %s cannot be read: %s", name, file, exc)
        return None

    return TokenCounter(name, _Counts(lambda text: len(encoding.encode_ordinary(text))).__getitem__, exact=True)


@lru_cache(2)  # some megabytes are read and sorted, which not every configuration of a process should pay
def _read(name: str, file: Path, version: tuple[int, int]) -> tiktoken.Encoding:  # noqa: ARG001  # a changed file is read anew
    ranks = {
        base64.b64decode(token, validate=True): int(rank)
        for token, rank in (line.split() for line in file.read_bytes().splitlines() if line)
    }
    if not all(bytes([byte]) in ranks for byte in range(256)):  # tiktoken panics at text that it cannot encode
        raise ValueError("it does not have every byte")
    import tiktoken

    return tiktoken.Encoding(name, pat_str=_PATTERNS[name], mergeable_ranks=ranks, special_tokens={})


# How the vocabularies cut text before they encode it: facts of tiktoken's public encodings.
_PATTERNS = {
    "cl100k_base": (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]"
        r"|\s+(?!\S)|\s"
    ),
    "o200k_base": "|".join(
        [
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            r"\p{N}{1,3}",
            r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
            r"\s*[\r\n]+",
            r"\s+(?!\S)",
            r"\s+",
        ]
    ),
}
