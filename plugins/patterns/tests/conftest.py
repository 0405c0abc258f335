"""Lets the tests use the corpus and the definition, which the benchmarks use too."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "tests" / "corpus"))

LONG = os.environ.get("HANDRAIL_FUZZ") == "long"


@pytest.fixture
def effort() -> int:
    """How many times as many cases as usual are tried: one, or with HANDRAIL_FUZZ=long twenty."""
    return 20 if LONG else 1
