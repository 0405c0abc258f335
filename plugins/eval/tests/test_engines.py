"""Rows may be judged elsewhere, by an engine that a package offers; its parts judge as this machine does."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import handrail_eval
import pytest
from handrail import ConfigurationError, RailsConfig
from handrail_eval import RowJudge, Settings, judge_rows, read_rows
from handrail_eval._engines import engine_of

BOX = Path(handrail_eval.__file__).with_name("box")


def test_an_engine_that_is_not_installed_is_an_error():
    with pytest.raises(ConfigurationError, match="unknown engine 'rey' in --engine; installed: 'local', 'ray'"):
        engine_of("rey")
    assert engine_of("local") is judge_rows


def test_a_judge_of_batches_gives_the_verdicts_of_one_process():
    rows = list(islice(read_rows((BOX / "rows.jsonl",), None), 12))
    here = []
    judge_rows(BOX / "config", rows, Settings(processes=1), lambda verdict, times: here.append(verdict))
    judge = RowJudge(RailsConfig.from_path(BOX / "config"), Settings())
    try:
        there = [verdict for batch in (rows[:5], rows[5:]) for verdict, _ in judge.judge(batch)]
    finally:
        judge.close()
    assert there == here
