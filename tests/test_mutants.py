"""The lines that `make mutants` changes are there: one that has moved would prove nothing."""

from __future__ import annotations

from pathlib import Path

import mutants
import pytest

ROOT = Path(__file__).parents[1]
EVERY = [(group, mutant) for group in mutants.GROUPS for mutant in group.mutants]


@pytest.mark.parametrize(("group", "mutant"), EVERY, ids=[mutant.name for _, mutant in EVERY])
def test_each_line_is_once_where_the_mutant_expects_it_and_python_takes_what_is_put_there(
    group: mutants.Group, mutant: mutants.Mutant
):
    source = (ROOT / group.package / mutant.file).read_text(encoding="utf-8")
    assert source.count(mutant.line) == 1
    compile(source.replace(mutant.line, mutant.instead), mutant.file, "exec")  # else any test would notice


@pytest.mark.parametrize("group", mutants.GROUPS, ids=lambda group: group.package)
def test_the_tests_that_must_notice_are_there(group: mutants.Group):
    assert [file for file in group.tests if not (ROOT / file).is_file()] == []
