"""A run from its command to its files: it goes on after a kill, fails builds, and is compared with another one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest
from handrail import ConfigurationError
from handrail_cli.app import run as handrail
from handrail_eval._compare import compare_runs
from handrail_eval._gates import against_baseline, conditions_of
from handrail_eval._run import Run, records_of
from handrail_eval._work import EXIT_GATE
from pyarrow import parquet

CONFIG = """
rails:
  output:
    flows: [phrase check]
    streaming: {enabled: true}
  config:
    phrase check: {phrases: [forbidden secret], action: block}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yml").write_text(CONFIG)
    rows = [("the forbidden secret is here", 1), ("the harbour at noon", 0), ("a forbidden secret of bees", 0)]
    with (tmp_path / "data.csv").open("w") as file:
        file.write("answer,bad,id\n" + "".join(f"{text},{label},r{i}\n" for i, (text, label) in enumerate(rows)))
    return tmp_path


def evaluate(*more, out="out", config="config.yml", processes="1"):
    return handrail(
        [
            "eval",
            config,
            "data.csv",
            "--map",
            "response=answer,label=bad",
            "--processes",
            processes,
            "--out",
            out,
            *more,
        ]
    )


def test_a_run_writes_figures_records_and_a_page(folder, capsys):
    assert evaluate() == 0
    figures = json.loads((folder / "out" / "figures.json").read_text())
    stream = figures["stream"]
    assert (stream["hits"], stream["false"], stream["right"]) == (1, 1, 1)
    page = (folder / "out" / "report.html").read_text()
    assert "False stops" in page
    assert "http:" not in page.replace("http-equiv", "")
    assert "<script" not in page
    assert (folder / "out" / "report.html").stat().st_mode & 0o077 == 0
    assert "recall" in capsys.readouterr().out


def test_a_run_that_is_whole_says_so_when_it_is_asked_for_again(folder, capsys):
    assert evaluate() == 0
    assert "3 rows, " in (shown := capsys.readouterr().err)
    assert "1 row" not in shown
    assert evaluate() == 0
    assert capsys.readouterr().err.strip() == "3 rows, all judged before"


def test_numbers_of_a_run_are_written_as_a_table_without_texts(folder):
    assert evaluate("--parquet") == 0
    table = parquet.read_table(folder / "out" / "verdicts.parquet")
    rows = table.to_pylist()
    assert [(row["id"], row["label"], row["stream"]) for row in rows] == [
        ("r0", True, "blocked"),
        ("r1", False, "finished"),
        ("r2", False, "blocked"),
    ]
    assert rows[0]["rail"] == "phrase check"
    assert "secret is here" not in str(rows)


def test_text_of_the_data_is_never_markup(folder):
    (folder / "data.csv").write_text("answer,bad,id\nforbidden secret <script>alert(1)</script>,0,<b>\n")
    evaluate()
    page = (folder / "out" / "report.html").read_text()
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "<b>" not in page.partition("</section>")[2]


def test_a_condition_fails_the_build_with_a_code_of_its_own(folder):
    assert evaluate("--fail-if", "false_stops > 0.01", "--fail-if", "recall < 0.5", "--junit", "j.xml") == EXIT_GATE
    suite = ET.parse(folder / "j.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")


def test_a_figure_that_cannot_be_counted_fails_the_build(folder):
    (folder / "data.csv").write_text("answer,bad,id\nfine,,a\n")
    assert evaluate("--fail-if", "false_stops > 0.01") == EXIT_GATE


def test_worse_figures_than_the_baseline_fail_the_build(folder):
    evaluate()
    (folder / "open.yml").write_text(CONFIG.replace("forbidden", "another"))
    assert evaluate("--baseline", "out/figures.json", out="same") == 0
    assert evaluate("--baseline", "out/figures.json", out="worse", config="open.yml") == EXIT_GATE


def test_a_figure_that_the_baseline_had_and_that_is_gone_is_worse():
    (gate,) = against_baseline({}, {"leaks": {"leaked_share": 0.0}})
    assert not gate.passed


@pytest.mark.parametrize("text", ["false_stops", "false_stop > 1", "recall > much", "recall > 1.2.3"])
def test_a_condition_that_is_none_is_refused(text):
    with pytest.raises(ConfigurationError, match="--fail-if"):
        conditions_of([text])


def test_two_runs_are_compared_by_their_rows(folder, capsys):
    evaluate()
    (folder / "open.yml").write_text(CONFIG.replace("forbidden", "another"))
    evaluate(out="other", config="open.yml")
    found = compare_runs(folder / "out", folder / "other")
    assert found["recall"]["difference"] == -1
    assert [row["id"] for row in found["changed"]] == ["r0", "r2"]
    assert handrail(["eval", "compare", "out", "other"]) == 0
    assert "stopped before, passed now" in capsys.readouterr().out


def test_another_run_is_not_written_over(folder):
    evaluate()
    assert evaluate("--seed", "7") == 2


def test_a_row_that_was_half_written_is_judged_again(tmp_path):
    with Run(tmp_path, {"a": 1}) as run:
        run.write({"row": 0}, {"t": 0})
        run.write({"row": 1}, {"t": 1})
    whole = (tmp_path / "verdicts.jsonl").read_bytes()
    times = (tmp_path / "times.jsonl").read_bytes()
    for cut_verdicts in range(len(whole) + 1):
        (tmp_path / "verdicts.jsonl").write_bytes(whole[:cut_verdicts])
        (tmp_path / "times.jsonl").write_bytes(times)
        with Run(tmp_path, {"a": 1}) as run:
            for row in range(run.done, 2):
                run.write({"row": row}, {"t": row})
        assert (tmp_path / "verdicts.jsonl").read_bytes() == whole
        assert (tmp_path / "times.jsonl").read_bytes() == times


def test_a_run_that_is_killed_goes_on_and_ends_with_the_same_bytes(folder):
    with (folder / "data.csv").open("w") as file:
        file.write("answer,bad,id\n")
        file.writelines(f"{'word ' * (i % 40)} forbidden secret,{i % 2},{i}\n" for i in range(400))
    evaluate(out="whole")
    command = "from handrail_cli.app import main; main()"
    words = ["eval", "config.yml", "data.csv", "--map", "response=answer,label=bad", "--processes", "1", "--out", "cut"]
    process = subprocess.Popen([sys.executable, "-c", command, *words], stdout=subprocess.DEVNULL, stderr=-3)
    verdicts = folder / "cut" / "verdicts.jsonl"
    while process.poll() is None and not (verdicts.exists() and verdicts.stat().st_size > 2000):
        os.sched_yield()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert verdicts.stat().st_size < (folder / "whole" / "verdicts.jsonl").stat().st_size
    assert evaluate(out="cut") == 0
    assert verdicts.read_bytes() == (folder / "whole" / "verdicts.jsonl").read_bytes()
    assert len(list(records_of(folder / "cut"))) == 400


def test_several_processes_give_what_one_gives(folder):
    evaluate()
    evaluate(out="two", processes="2")
    assert (folder / "two" / "verdicts.jsonl").read_bytes() == (folder / "out" / "verdicts.jsonl").read_bytes()


def test_a_sample_is_the_same_for_the_same_seed(folder):
    evaluate("--sample", "2", out="a")
    evaluate("--sample", "2", out="b")
    assert (folder / "a" / "verdicts.jsonl").read_bytes() == (folder / "b" / "verdicts.jsonl").read_bytes()
    assert len(list(records_of(folder / "a"))) == 2
