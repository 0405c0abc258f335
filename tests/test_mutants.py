"""The lines that `make mutants` changes are there: one that has moved would prove nothing."""

from __future__ import annotations

from pathlib import Path

import mutants
import pytest

SOURCES = Path(__file__).parents[1] / "core" / "src" / "handrail"


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.name)
def test_each_line_stands_once_where_the_mutant_expects_it(mutant: mutants.Mutant):
    assert (SOURCES / mutant.file).read_text(encoding="utf-8").count(mutant.line) == 1
