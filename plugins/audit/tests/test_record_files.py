"""What others do to the files of a record, and what a line is too long for: nothing is lost without a trace."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest
from handrail import CallEnded, CheckRecord, LLMCall, ObservedCall, ObserverContext, RailsConfig
from handrail_audit import Audit, AuditSettings
from handrail_audit._chain import PAGE, Chain, checked, files, lines, verify
from handrail_audit._files import Files
from handrail_audit._usage import summed

LONG = 100_000_000  # bytes of a file, and seconds, that no test reaches


def writing(folder, *, max_bytes=LONG, sync_seconds=1e-9):
    return Files(folder, b"", {"begun": 1.0}, max_bytes=max_bytes, sync_seconds=sync_seconds)


def decision(number):
    return {"at": number, "call": f"c{number}", "rail": "r", "direction": "output", "decision": "block"}


def written(folder):
    return [line["at"] for line in lines(folder)]


def test_a_descriptor_that_something_else_has_closed_loses_no_line(tmp_path):
    record = writing(tmp_path, sync_seconds=LONG)
    record.write(decision(0))
    opened = [int(link.name) for link in Path("/proc/self/fd").iterdir() if str(tmp_path) in str(link.resolve())]
    for number in opened:
        os.close(number)
    record.write(decision(1))
    record.close()
    assert written(tmp_path) == [0, 1]
    assert list(verify(tmp_path)) == []


def take_away(file):
    file.unlink()


def rotate(file):
    file.rename(file.with_suffix(".jsonl.1"))


def remove_folder(file):
    shutil.rmtree(file.parent)


def copy_and_truncate(file):
    shutil.copy(file, file.with_suffix(".jsonl.1"))
    os.truncate(file, 0)


@pytest.mark.parametrize("do", [take_away, rotate, remove_folder, copy_and_truncate])
def test_lines_go_into_a_new_file_where_somebody_has_taken_the_old_one(tmp_path, do):
    folder = tmp_path / "audit"
    record = writing(folder)
    record.write(decision(0))
    do(*files(folder))
    record.write(decision(1))
    record.write(decision(2))
    record.close()
    assert written(folder) == [1, 2]
    assert [fault.kind for fault in verify(folder)] == ["missing"]


def test_a_line_after_the_end_is_in_a_further_file_and_forced_to_the_disk_too(tmp_path, monkeypatch):
    forced = threading.Event()
    record = writing(tmp_path)
    record.write(decision(0))
    record.close()
    monkeypatch.setattr(os, "fsync", lambda file: forced.set())
    record.write(decision(1))
    assert forced.wait(300)
    monkeypatch.undo()
    record.close()
    assert written(tmp_path) == [0, 1]
    assert (list(verify(tmp_path)), [end.closed for end in checked(tmp_path).ends]) == ([], [True])
    assert not any(str(tmp_path) in str(link.resolve()) for link in Path("/proc/self/fd").iterdir())


def test_a_file_that_is_there_is_kept(tmp_path):
    record = writing(tmp_path)
    for number in range(100):
        record.write(decision(number))
    record.close()
    assert len(files(tmp_path)) == 1
    assert list(verify(tmp_path)) == []


def test_files_are_in_order_however_many_there_are(tmp_path):
    chain, name = Chain(), ""
    for number in (9_999, 10_000):
        follows, name = name, f"audit-20261130T000000Z-1-abcdef-{number:04}.jsonl"
        head = {"begun": 1.0, "file": name, **({"follows": follows} if follows else {})}
        (tmp_path / name).write_bytes(chain.line(head) + chain.line(decision(number)))
    assert written(tmp_path) == [9_999, 10_000]
    assert list(verify(tmp_path)) == []
    assert len(checked(tmp_path).ends) == 1


def audit_in(folder):
    config = RailsConfig.from_content(config={"models": []})
    return Audit(AuditSettings(folder=folder, usage=True), ObserverContext("audit", config))


@pytest.mark.parametrize("sign", ["a", "\u00e4", "\U0001f600", "\ud800", "\n"])
def test_no_name_makes_a_line_longer_than_what_a_kill_leaves_whole(tmp_path, sign):
    audit = audit_in(tmp_path)
    callers = [sign * 5_000 + end for end in "xy"]
    record = CheckRecord("words", "output", decision="block", category=sign * 5_000)
    for caller in callers:
        call = ObservedCall("c", caller=caller, conversation_id=sign * 5_000)
        asked = [LLMCall(model=f"{sign * 5_000}{number}", engine="e", task="t", prompt="") for number in range(40)]
        audit.check_ended(call, record)
        audit.call_ended(call, CallEnded("finished", 1.0, llm_calls=asked))
    audit._close()
    raws = [raw for file in files(tmp_path) for raw in file.read_bytes().splitlines()]
    assert max(map(len, raws)) < PAGE
    assert list(verify(tmp_path)) == []
    assert len({line["caller"] for line in lines(tmp_path)}) == 2
    assert not any("category" in line for line in lines(tmp_path))
    assert len(summed(tmp_path, "model")) == 40
    assert [one.requests for one in summed(tmp_path, "caller").values()] == [40, 40]


@pytest.mark.parametrize("odd", [Path("there"), b"there", ["there"]])
@pytest.mark.parametrize("decision", ["rewrite", "block"])
def test_a_category_that_is_no_text_is_left_out(tmp_path, odd, decision):
    audit = audit_in(tmp_path)
    audit.check_ended(ObservedCall("c"), CheckRecord("words", "output", decision=decision, category=odd))
    audit._close()
    assert ["category" in line for line in lines(tmp_path)] == [False]
