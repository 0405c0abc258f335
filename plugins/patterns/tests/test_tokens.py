"""Tokens of services: each is found whole by its published shape, however the stream is cut, and nothing beside it."""

from __future__ import annotations

import random

import pytest
from handrail_patterns._fold import Folding
from handrail_patterns._secrets import SECRETS
from patterns_definition import delivered, random_split, shipped
from patterns_tokens import SHAPES, token

KINDS = {kind.name: kind for kind in SECRETS}
FOLDING = Folding(("unicode", "invisible", "marks", "markup"))
CASES = [(name, shape) for name, shapes in SHAPES.items() for shape in shapes]


@pytest.mark.parametrize(("name", "shape"), CASES)
@pytest.mark.parametrize(
    "around", ["It is {} and no more.", 'key = "{}"', '{{"k":"{}"}}', "- {}\n", "密钥{}。", "<b>{}</b>"]
)
def test_a_token_of_the_published_shape_is_redacted_whole_and_alone(name: str, shape: str, around: str) -> None:
    chance = random.Random(f"{name} {shape}")
    patterns, _ = shipped([KINDS[name]])
    for _ in range(5):
        text = around.format(token(shape, chance))
        found = delivered(patterns.open(), random_split(text, chance), FOLDING).text
        assert found == around.format(f"[{KINDS[name].label}]")


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_a_token_that_goes_on_from_a_word_is_no_token(name: str, shape: str) -> None:
    text = f"x{token(shape, random.Random(name))}"
    patterns, _ = shipped([KINDS[name]])
    assert delivered(patterns.open(), [text], FOLDING).text == text
