"""The package is thin, and uses only what a stranger's could: it is the proof that Handrail's API is complete."""

from __future__ import annotations

import re
from pathlib import Path

import nemoguardrails

SOURCES = sorted(Path(nemoguardrails.__file__).parent.rglob("*.py"))


def test_it_has_fewer_than_4700_lines():
    assert sum(len(source.read_text("utf-8").splitlines()) for source in SOURCES) < 4700


def test_it_reaches_into_nobodys_private_parts():
    private = re.compile(r"(?:from|import) handrail\w*(?:\.\w+)*\._|\._app\b")
    found = [source.name for source in SOURCES if private.search(source.read_text("utf-8"))]
    assert found == []
