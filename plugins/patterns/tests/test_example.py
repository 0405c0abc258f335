"""The example of the documentation: what it must take out of the middle of a stream, and what must flow."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from handrail import LLMRails, RailsConfig

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "patterns"
ANSWERS = [entry["text"] for entry in yaml.safe_load((EXAMPLE / "answers.yml").read_text("utf-8"))["answers"]]


@pytest.mark.parametrize("answer", ANSWERS, ids=["order", "deploy", "else"])
async def test_the_example_redacts_in_mid_stream_while_the_rest_flows(answer: str) -> None:
    came, gone, waited = 0, "", 0

    async def model() -> AsyncIterator[str]:
        nonlocal came
        for place in range(0, len(answer), 4):
            came = min(place + 4, len(answer))
            yield answer[place : place + 4]

    rails = LLMRails(RailsConfig.from_path(EXAMPLE))
    async for piece in rails.stream_async(messages=[{"role": "user", "content": "hello"}], generator=model()):
        ordinary = "[" not in str(piece) and "*" not in str(piece)
        waited += ordinary and came < len(answer) and "[" not in gone and came - len(gone) - len(piece) > 40
        gone += str(piece)
    for value in ("valente+", "555 0143", "4111 1111", "PT50", "r4iny", "10.20.30.40", "ghp_", "MIIB", "s3cret"):
        assert value not in gone
    assert waited == 0
    assert len(gone) > len(answer) / 2
