"""The hand-written texts that dialogues are put together from, and the choices that vary them."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

FOLDER = Path(__file__).parent / "texts"

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{([A-Za-z_0-9]+)\}")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One or several turns: for each, ways to ask and ways to answer."""

    turns: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]


def _lines(name: str) -> list[str]:
    text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    return [line.replace("\\n", "\n") for line in text.splitlines() if not line.startswith("#")]


def read_exchanges(name: str) -> list[Exchange]:
    """Read blocks of "?" and "!" lines."""
    exchanges: list[Exchange] = []
    turns: list[tuple[list[str], list[str]]] = []
    for line in [*_lines(name), ""]:
        mark, _, text = line.partition(" ")
        if mark == "?":
            if not turns or turns[-1][1]:
                turns.append(([], []))
            turns[-1][0].append(text)
        elif mark == "!":
            turns[-1][1].append(text)
        elif turns:
            exchanges.append(Exchange(tuple((tuple(asks), tuple(answers)) for asks, answers in turns)))
            turns = []
    return exchanges


def read_lists(name: str) -> dict[str, list[str]]:
    """Read lines of "key: text"; one line without choices, slots or a full stop is a list of words."""
    lists: dict[str, list[str]] = defaultdict(list)
    for line in _lines(name):
        key, colon, text = line.partition(": ")
        if colon:
            lists[key].append(text)
    return {key: _words(texts) for key, texts in lists.items()}


def _words(texts: list[str]) -> list[str]:
    is_list = len(texts) == 1 and not re.search(r"[\[{]|[.?!]$", texts[0])
    return texts[0].split(", ") if is_list else texts


def read_recipes() -> list[dict[str, str]]:
    """Read the dishes: `dish`, `need`, `step1` to `step3`, `tip`, `minutes` and `with`."""
    recipes: list[dict[str, str]] = []
    for line in _lines("recipes"):
        if line.startswith("= "):
            recipes.append({"dish": line[2:]})
            continue
        key, colon, text = line.partition(": ")
        if colon:
            recipe = recipes[-1]
            recipe[f"step{sum(name.startswith('step') for name in recipe) + 1}" if key == "step" else key] = text
    return recipes


def choose(template: str, rng: random.Random) -> str:
    """Replace every `[a|b]` by one of its alternatives, the innermost first."""
    while (match := _CHOICE.search(template)) is not None:
        template = template[: match.start()] + rng.choice(match[1].split("|")) + template[match.end() :]
    return template


def fill(template: str, slots: dict[str, str], rng: random.Random) -> str:
    """Make the choices of a template and fill in its slots; the first character becomes a capital letter."""
    text = _SLOT.sub(lambda match: slots[match[1]], choose(template, rng))
    return text[:1].upper() + text[1:]
