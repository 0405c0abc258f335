"""A run from its command to its files: it goes on after a kill, fails builds, and is compared with another one."""

from __future__ import annotations

import errno
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from xml.etree import ElementTree as ET

import pytest
from handrail import ConfigurationError
from handrail_audit._files import Files
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


REDACTS = """
rails:
  output: {flows: [personal data check], streaming: {enabled: true}}
  config: {personal data check: {action: redact}}
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


def many(folder):
    with (folder / "data.csv").open("w") as file:
        file.write("answer,bad,id\n")
        file.writelines(f"{'word ' * (i % 40)} forbidden secret,{i % 2},{i}\n" for i in range(200))


# SIGINT is ignored in what a background job starts. A run that must not end before it is ended is slow from a row on.
_COMMAND = """
import signal, time
from handrail_cli.app import main
from handrail_eval._run import Run
signal.signal(signal.SIGINT, signal.default_int_handler)
write = Run.write
def write_slowly(run, *records):
    write(run, *records)
    if run.done >= {slow_from}:
        time.sleep(0.2)
Run.write = write_slowly
main()
"""


def start(processes, slow_from=10**9):
    command = _COMMAND.format(slow_from=slow_from)
    words = ["config.yml", "data.csv", "--map", "response=answer,label=bad", "--processes", processes, "--out", "cut"]
    return subprocess.Popen(
        [sys.executable, "-c", command, "eval", *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def size(run):
    written = (run / name for name in ("verdicts.jsonl", "times.jsonl", "figures.json", "report.html"))
    return sum(file.stat().st_size for file in written if file.exists())  # none of these is ever removed


def end_at(process, run, bytes_written, by):
    """End a run as soon as so many bytes are in its folder; return its exit code."""
    with process:
        while process.poll() is None and size(run) < bytes_written:
            time.sleep(0.001)
        process.send_signal(by)
        process.stdout.read()  # ends when no process has it open any more
    return process.returncode


def test_a_run_that_is_ended_by_ctrl_c_goes_on_with_the_same_bytes(folder):
    many(folder)
    evaluate(out="whole")
    verdicts = folder / "cut" / "verdicts.jsonl"
    assert end_at(start("1", slow_from=50), folder / "cut", 4000, signal.SIGINT) == 130
    assert verdicts.stat().st_size < (folder / "whole" / "verdicts.jsonl").stat().st_size
    assert evaluate(out="cut") == 0
    assert verdicts.read_bytes() == (folder / "whole" / "verdicts.jsonl").read_bytes()
    assert len(list(records_of(folder / "cut"))) == 200


@pytest.mark.parametrize("attempt", range(int(os.environ.get("HANDRAIL_KILLS", "1"))))
def test_a_run_that_is_killed_at_any_moment_goes_on_with_the_same_bytes(folder, attempt):
    """In the midst of a row as well as of the page: it is killed twice, at sizes that the attempt draws."""
    many(folder)
    evaluate(out="whole")
    chance, cut = random.Random(attempt), folder / "cut"
    for share in sorted((chance.random(), chance.random())):
        assert end_at(start("2"), cut, share * size(folder / "whole"), signal.SIGKILL) in (-signal.SIGKILL, 0)
        for name in ("figures.json", "run.json"):
            assert not (cut / name).exists() or json.loads((cut / name).read_text())
    assert evaluate(out="cut") == 0
    assert (cut / "verdicts.jsonl").read_bytes() == (folder / "whole" / "verdicts.jsonl").read_bytes()
    before, after = ((folder / run / "summary.md").read_text().splitlines() for run in ("whole", "cut"))
    assert [line for line in after if "delay" not in line and "first text" not in line] == [
        line for line in before if "delay" not in line and "first text" not in line
    ]


def test_several_processes_give_what_one_gives(folder):
    evaluate()
    evaluate(out="two", processes="2")
    assert (folder / "two" / "verdicts.jsonl").read_bytes() == (folder / "out" / "verdicts.jsonl").read_bytes()


def test_a_sample_is_the_same_for_the_same_seed(folder):
    evaluate("--sample", "2", out="a")
    evaluate("--sample", "2", out="b")
    assert (folder / "a" / "verdicts.jsonl").read_bytes() == (folder / "b" / "verdicts.jsonl").read_bytes()
    assert len(list(records_of(folder / "a"))) == 2


def test_a_folder_that_another_run_writes_is_refused(folder, capsys):
    with Run(folder / "out", {"a": 1}):
        assert evaluate() == 2
    assert "is being written by another run" in capsys.readouterr().err


def test_a_run_that_failed_at_its_first_row_leaves_its_folder_free(folder, capsys):
    words = ["eval", "config.yml", "data.csv", "--out", "out", "--map"]
    assert handrail([*words, "response=nope"]) == 2
    assert handrail([*words, "response=answer,label=bad"]) == 0
    assert handrail([*words, "response=answer"]) == 2
    assert "out has another run (different: map)" in capsys.readouterr().err


def test_a_run_goes_on_though_its_folder_lies_among_configuration_and_data(folder, capsys):
    words = ["eval", ".", ".", "--map", "response=answer,label=bad", "--processes", "1"]
    assert handrail(words) == 0
    assert handrail(words) == 0
    assert capsys.readouterr().err.endswith("3 rows, all judged before                                   \n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--out", "data.csv"], "data.csv cannot be read or written: File exists"),
        (["--summary", "absent/summary.md"], "absent/summary.md cannot be read or written: No such file"),
        (["--junit", "absent/junit.xml"], "absent/junit.xml cannot be read or written: No such file"),
        (["--cache", "data.csv"], "has something else than the answers that --cache writes"),
        (["--baseline", "empty.json"], "is not a figures.json of a run"),
        (["--baseline", "list.json"], "is not a figures.json of a run"),
        (["--baseline", "words.json"], "is not a figures.json of a run"),
        (["--pace", "inf"], "--pace must be above 0"),
    ],
)
def test_files_and_numbers_that_cannot_be_used_are_said(folder, capsys, words, told):
    for name, text in (("empty", "{}"), ("list", "[]"), ("words", '{"stream": {"failed": "x"}}')):
        (folder / f"{name}.json").write_text(text)
    out = [] if "--out" in words else ["--out", "out"]
    data = ["data.csv", "--map", "response=answer,label=bad"]
    assert handrail(["eval", waiting(folder), *data, *out, *words]) == 2
    assert told in capsys.readouterr().err
    assert (folder / "data.csv").read_text().startswith("answer,bad,id\nthe forbidden")


def waiting(folder):
    """Write a configuration whose rail is waited for, so that its answers may be kept."""
    (folder / "waiting.yml").write_text(
        "rails: {output: {flows: [classifier], streaming: {enabled: true}}, config: {classifier: {threshold: 0.5}}}"
    )
    return "waiting.yml"


def test_a_run_json_that_is_none_is_said(folder, capsys):
    (folder / "out").mkdir()
    (folder / "out" / "run.json").write_text('{"half')
    assert evaluate() == 2
    assert "is not the file of a run" in capsys.readouterr().err


def test_a_full_disk_is_said_and_the_run_goes_on_when_there_is_room(folder, capsys, monkeypatch):
    evaluate(out="whole")
    opened, room = os.fdopen, [1]

    class Full(io.BufferedRandom):
        def flush(self):
            room[0] -= 1
            if room[0] < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            super().flush()

    monkeypatch.setattr(os, "fdopen", lambda file, mode: Full(io.FileIO(file, "r+b")))
    assert evaluate() == 2
    assert "No space left on device" in capsys.readouterr().err
    monkeypatch.setattr(os, "fdopen", opened)
    assert evaluate() == 0
    assert (folder / "out" / "verdicts.jsonl").read_bytes() == (folder / "whole" / "verdicts.jsonl").read_bytes()


def test_without_texts_nothing_of_the_data_is_written(folder, capsys):
    (folder / "data.csv").write_text(
        "answer,bad,id\nwrite to quandary@mail.example.com about the forbidden secret,1,a\n"
    )
    (folder / "redacts.yml").write_text(REDACTS)
    for config in ("config.yml", "redacts.yml", waiting(folder)):
        assert evaluate("--no-texts", "--parquet", "--cache", f"{config}.answers", out=config[:5], config=config) == 0
        shown = "".join(capsys.readouterr())
        written = [file.read_bytes() for file in (folder / config[:5]).iterdir()]
        kept = folder / f"{config}.answers"
        for text in [shown.encode(), *written, *([kept.read_bytes()] if kept.exists() else [])]:
            assert not re.search(b"quandary|secret|about", text)


def test_what_is_lacking_is_said(folder, capsys):
    (folder / "data.csv").write_text("answer,bad,id\nfine,,a\n")
    evaluate()
    assert "no row has a label" in capsys.readouterr().err
    words = ["eval", "config.yml", "data.csv", "--map", "prompt=answer", "--out", "prompts", "--processes", "1"]
    assert handrail(words) == 0
    assert "no rail has judged anything: output rails judge the column 'response'" in capsys.readouterr().err


def test_long_data_without_labels_are_told_before_they_are_judged(folder, capsys, monkeypatch):
    monkeypatch.setattr("handrail_eval._work._EARLY", 2)
    evaluate()
    assert "none of the first" not in capsys.readouterr().err
    (folder / "data.csv").write_text("answer,bad,id\nfine,,a\nwell,,b\ngood,1,c\n")
    evaluate(out="late")
    assert "none of the first 2 rows has a label; name its column" in capsys.readouterr().err.partition("3 rows")[0]


def test_files_of_a_folder_that_are_not_read_are_named(folder, capsys):
    (folder / "rows").mkdir()
    (folder / "data.csv").rename(folder / "rows" / "data.csv")
    (folder / "rows" / "more.json.gz").write_text("")
    assert handrail(["eval", "config.yml", "rows", "--map", "response=answer,label=bad", "--processes", "1"]) == 0
    assert "not read, for they are neither of .jsonl" in (told := capsys.readouterr().err)
    assert "rows/more.json.gz" in told


def test_a_page_stays_small_and_its_directions_apart_whatever_the_data(folder):
    text = "\u202e\u0627 </script><svg onload=x> " + "word " * 3_000 + "forbidden secret" + " word" * 3_000
    rows = [f'"{text}",0,{"long" * 300}{i}\n' for i in range(3)]
    (folder / "data.csv").write_text("answer,bad,id\n" + "".join(rows))
    evaluate()
    page = (folder / "out" / "report.html").read_text()
    assert len(page) < 80_000
    assert "forbidden secret" in page
    assert "onload=x>" not in page.replace("&gt;", "")
    assert page.count('<p dir="auto">') == 3
    assert all(part.count("<bdi>") == part.count("</bdi>") >= 2 for part in page.split("<article>")[1:])


def test_rows_of_other_data_are_not_compared(folder):
    evaluate()
    (folder / "data.csv").write_text((folder / "data.csv").read_text().replace("harbour", "port"))
    evaluate(out="other")
    with pytest.raises(ConfigurationError, match="row 'r1' has another label or text"):
        compare_runs(folder / "out", folder / "other")


def audited(folder, decisions):
    """Write a record in which the calls r0, r1 ... had these decisions."""
    files = Files(folder / "audit", b"", {}, max_bytes=100_000, sync_seconds=0.01)
    for call, (rail, decision) in enumerate(decisions):
        files.write({"at": call, "call": f"r{call}", "rail": rail, "direction": "output", "decision": decision})
    files.close()


def test_decisions_that_reviewers_marked_are_labels(folder, capsys):
    audited(folder, [("a", "block"), ("b", "rewrite"), ("a", "failed")])
    for call, rail, label in (("r0", "a", "right"), ("r0", "a", "wrong"), ("r1", "b", "right"), ("r2", "a", "right")):
        assert handrail(["audit", "mark", "audit", call, rail, label]) == 0
    assert evaluate("--labels", "audit") == 0
    assert [verdict["label"] for verdict, _ in records_of(folder / "out")] == [False, True, False]
    assert handrail(["audit", "mark", "audit", "r0", "a", "right"]) == 0
    assert evaluate("--labels", "audit") == 2
    assert "has another run (different: labels);" in capsys.readouterr().err
    assert evaluate("--labels", "audit/marks.jsonl", out="again") == 0
    assert [verdict["label"] for verdict, _ in records_of(folder / "again")] == [True, True, False]


@pytest.mark.parametrize(
    ("marks", "told"),
    [
        (None, "does not exist; 'handrail audit mark' writes it"),
        ("{", "marks.jsonl:1 is not a mark"),
        ("[" * 100_000, "marks.jsonl:1 is not a mark"),
        ('{"call": "r0", "rail": "a", "refused": ["output"], "label": "perhaps"}', "marks.jsonl:1 is not a mark"),
        ('{"call": "r0", "rail": "a", "refused": [], "label": "right"}', "has no mark of a decision"),
        ('{"call": "r9", "rail": "a", "refused": ["output"], "label": "right"}', "no row has the id of a call"),
    ],
)
def test_marks_that_label_nothing_are_refused(folder, capsys, marks, told):
    if marks is not None:
        (folder / "marks.jsonl").write_text(f"{marks}\n")
    assert evaluate("--labels", "marks.jsonl") == 2
    assert told in capsys.readouterr().err
