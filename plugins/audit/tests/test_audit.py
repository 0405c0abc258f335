"""Decisions are written down whole, in a chain, without text, and survive a kill."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from fakes import FakeProvider, FunctionRail, Guarded
from handrail import CheckRecord, Chunk, ObservedCall, Usage, Verdict
from handrail.errors import ConfigurationError
from handrail_audit import _webhook, verify
from handrail_audit._chain import Chain, checked, lines
from handrail_audit._command import app
from handrail_audit._files import Files
from handrail_audit._webhook import Webhook

SECRET = "quandary"


@pytest.fixture
def anyio_backend(virtual_clock):
    return virtual_clock


def refuse(window):
    if SECRET in window.text:
        at = window.context_start + window.text.index(SECRET)
        return Verdict.block(f"it says {SECRET}", category="words", span=(at, at + 8), detail={"found": SECRET})
    return Verdict.allow()


def broken(window):
    raise ValueError(SECRET)


def rails_in(folder, *answers, rails=None, observers=None, **config):
    rails = rails or {"words": FunctionRail(refuse)}
    top = {"observers": {"audit": {"folder": str(folder), **(observers or {})}}}
    return Guarded(FakeProvider(list(answers)), rails, top=top, **config).rails


async def test_a_refusal_is_one_line_without_any_text(tmp_path):
    rails = rails_in(tmp_path, f"It is a {SECRET}.")
    await rails.generate_async("hello", caller="ann", conversation="c1")
    (line,) = lines(tmp_path)
    assert (line["rail"], line["decision"], line["stopped"], line["caller"]) == ("words", "block", True, "ann")
    assert (line["category"], line["span"], line["direction"]) == ("words", [8, 16], "output")
    assert line["conversation"] not in ("c1", None)
    text = "".join(file.read_text() for file in tmp_path.glob("audit-*"))
    assert SECRET not in text
    await rails.aclose()


async def test_what_passes_is_not_written_down(tmp_path):
    rails = rails_in(tmp_path, "Fine.")
    await rails.generate_async("hello")
    await rails.aclose()
    assert list(tmp_path.glob("audit-*")) == []


@pytest.mark.parametrize(("judge", "expected"), [(refuse, "block"), (broken, "failed")])
async def test_what_an_observing_rail_would_have_done_is_written_down(tmp_path, judge, expected):
    rails = rails_in(
        tmp_path, f"A {SECRET}.", rails={"words": FunctionRail(judge)}, options={"words": {"mode": "observe"}}
    )
    assert await rails.generate_async("hello") == f"A {SECRET}."
    await rails.aclose()
    (line,) = lines(tmp_path)
    assert (line["would_have"], line["stopped"]) == (expected, False)


async def test_a_failure_is_one_line(tmp_path):
    rails = rails_in(tmp_path, "Hi", rails={"words": FunctionRail(broken)})
    async with rails.stream("hello") as stream:
        _ = [event async for event in stream]
    await rails.aclose()
    (line,) = lines(tmp_path)
    assert (line["decision"], line["failure"]) == ("failed", "raised")
    assert SECRET not in "".join(file.read_text() for file in tmp_path.glob("audit-*"))


async def test_a_line_is_there_before_the_refusal_goes_out(tmp_path):
    rails = rails_in(tmp_path, f"A {SECRET}.")
    async with rails.stream("hello") as stream:
        async for _ in stream:
            assert len(list(lines(tmp_path))) == 1
    await rails.aclose()


def test_a_descriptor_that_cannot_be_had_keeps_nothing_from_the_disk_for_good(tmp_path, monkeypatch, caplog):
    forced, system, answers = threading.Event(), os.dup, [OSError(24, "Too many open files")]

    def duplicate(file):
        if answers:
            raise answers.pop()
        forced.set()
        return system(file)

    monkeypatch.setattr(os, "dup", duplicate)
    files = Files(tmp_path, b"", {}, max_bytes=10_000, sync_seconds=0.001)
    number = 0
    while answers or not forced.wait(0.001):
        files.write(decision(number))
        number += 1
        assert number < 50_000
    files.close()
    assert "could not be forced to the disk: Too many open files" in caplog.text


async def test_nothing_is_forced_to_the_disk_in_the_thread_of_the_loop(tmp_path, monkeypatch):
    forced, system = [], os.fsync

    def force(file):
        forced.append(threading.get_ident())
        system(file)

    monkeypatch.setattr(os, "fsync", force)
    rails = rails_in(tmp_path, f"A {SECRET}.", observers={"max_bytes": 1024, "sync_seconds": 0.001, "usage": True})
    for _ in range(9):
        await rails.generate_async("hello")
    await rails.aclose()
    assert len(list(tmp_path.glob("audit-*"))) > 2
    assert len(forced) >= len(list(tmp_path.glob("audit-*")))
    assert threading.get_ident() not in forced


def write(folder, count, *, key=b"", max_bytes=10_000_000):
    files = Files(folder, key, {"begun": 1.0, "config": "c"}, max_bytes=max_bytes, sync_seconds=0.01)
    for number in range(count):
        files.write(decision(number))
    files.close()


@pytest.mark.parametrize("key", [b"", b"key"])
def test_an_untouched_record_fits_also_across_files(tmp_path, key):
    write(tmp_path, 40, key=key, max_bytes=1024)
    assert len(list(tmp_path.glob("audit-*"))) > 3
    assert list(verify(tmp_path, key)) == []
    assert [line["at"] for line in lines(tmp_path)] == list(range(40))


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda raw: raw[:3] + [raw[3].replace(b'"block"', b'"allow"')] + raw[4:], "changed"),
        (lambda raw: raw[:3] + raw[4:], "missing"),
        (lambda raw: [raw[0], raw[2], raw[1], *raw[3:]], "moved"),
        (lambda raw: [*raw[:3], raw[1], *raw[3:]], "moved"),
        (lambda raw: [*raw[:3], b"\n", *raw[3:]], "torn"),
        (lambda raw: [*raw[:3], raw[3][:-2] + b',"rail":"another"}\n', *raw[4:]], "changed"),
        (lambda raw: [*raw[:3], raw[3].replace(b"{", b"{ ", 1), *raw[4:]], "changed"),
        (lambda raw: [*raw[:3], b'{"hash": "h", "previous": "p"}\n', *raw[4:]], "changed"),
        (lambda raw: [*raw[:3], raw[3].replace(b"block", b"\xff"), *raw[4:]], "torn"),
        (lambda raw: [*raw[:3], b"[" * 100_000 + b"\n", *raw[4:]], "torn"),
        (lambda raw: raw[1:], "missing"),
        (lambda raw: [*raw[:-1], raw[-1][:-9]], "torn"),
    ],
)
def test_a_changed_record_does_not_fit(tmp_path, change, kind):
    write(tmp_path, 9, key=b"key")
    (file,) = tmp_path.glob("audit-*")
    file.write_bytes(b"".join(change(file.read_bytes().splitlines(keepends=True))))
    assert kind in {fault.kind for fault in verify(tmp_path, b"key")}


def test_a_file_that_is_taken_out_is_missed(tmp_path):
    write(tmp_path, 40, max_bytes=1024)
    sorted(tmp_path.glob("audit-*"))[1].unlink()
    assert [fault.kind for fault in verify(tmp_path)] == ["missing"]


def test_files_that_are_swapped_are_named(tmp_path):
    write(tmp_path, 40, max_bytes=1024)
    one, other = sorted(tmp_path.glob("audit-*"))[1:3]
    contents = one.read_bytes(), other.read_bytes()
    one.write_bytes(contents[1])
    other.write_bytes(contents[0])
    found = {(fault.file, fault.kind) for fault in verify(tmp_path)}
    assert {(one, "renamed"), (other, "renamed")} <= found


def test_lines_that_are_taken_from_the_end_are_missed_by_a_hash_that_was_noted(tmp_path, capsys):
    write(tmp_path, 9)
    noted = checked(tmp_path).ends[0]
    assert noted.closed
    (file,) = tmp_path.glob("audit-*")
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-2]))
    assert list(verify(tmp_path)) == []
    assert [end.closed for end in checked(tmp_path).ends] == [False]
    assert [fault.kind for fault in verify(tmp_path, has=[noted.hash])] == ["absent"]
    code, told = command(capsys, "verify", tmp_path, "--has", noted.hash)
    assert (code, "absent" in told, "not closed" in told) == (1, True, True)


def test_threads_write_one_chain(tmp_path):
    files = Files(tmp_path, b"", {}, max_bytes=4096, sync_seconds=0.01)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: files.write(decision(number)), range(400)))
    finally:
        sys.setswitchinterval(before)
        files.close()
    assert list(verify(tmp_path)) == []
    assert sorted(line["at"] for line in lines(tmp_path)) == list(range(400))


_FORKS = """
import os, sys
from pathlib import Path
from handrail_audit._files import Files
files = Files(Path(sys.argv[1]), b"", {}, max_bytes=20_000, sync_seconds=0.01)
def write(numbers):
    for number in numbers:
        files.write({"at": number, "call": "c", "rail": "r", "direction": "output", "decision": "block"})
write(range(3))
child = os.fork()
write(range(3, 6) if child else range(6, 9))
files.close()
if child:
    sys.exit(os.waitpid(child, 0)[1])
"""


def test_a_process_that_is_forked_writes_a_chain_of_its_own(tmp_path):
    subprocess.run([sys.executable, "-c", _FORKS, str(tmp_path)], check=True, timeout=300)
    record = checked(tmp_path)
    assert record.faults == []
    assert [end.closed for end in record.ends] == [True, True]
    assert sorted(line["at"] for line in lines(tmp_path)) == list(range(9))


@pytest.mark.parametrize("room", range(0, 1600, 37))
def test_a_full_disk_tears_at_most_a_line_and_the_next_one_says_what_was_lost(tmp_path, monkeypatch, room):
    left, system = [room], os.write

    def write(file, line):
        taken = line[: left[0]]
        left[0] -= len(taken)
        if line and not taken:
            raise OSError(28, "No space left on device")
        return system(file, taken)

    files, lost = Files(tmp_path, b"", {}, max_bytes=1000, sync_seconds=0.01), 0
    monkeypatch.setattr(os, "write", write)
    for number in range(10):
        try:
            files.write(decision(number))
        except OSError:
            lost += 1
    left[0] = 1_000_000
    files.write(decision(10))
    files.close()
    assert {fault.kind for fault in verify(tmp_path)} <= {"torn", "lost"}
    read = list(lines(tmp_path))
    assert [line["at"] for line in read] == [*range(10 - lost), 10]
    assert read[-1].get("lost", 0) == lost


def decision(number):
    return {"at": number, "call": f"c{number}", "rail": "r", "direction": "output", "decision": "block"}


def test_who_lacks_the_key_can_make_no_chain(tmp_path):
    write(tmp_path, 3, key=b"another")
    assert {fault.kind for fault in verify(tmp_path, b"key")} == {"changed"}


def test_a_folder_that_nothing_can_be_written_to_is_an_error_at_the_start(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot write to .*file.*; set 'folder'"):
        rails_in(tmp_path, "Hi", observers={"folder": str(tmp_path / "file")})
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(ConfigurationError, match="Read-only file system; set 'folder'"):
        rails_in(tmp_path, "Hi")


def test_a_key_that_is_not_set_is_an_error(tmp_path):
    with pytest.raises(ConfigurationError, match="'NO_SUCH_KEY', which is not set"):
        rails_in(tmp_path, "Hi", observers={"key_env_var": "NO_SUCH_KEY"})


def test_no_line_crosses_a_page_for_a_kill_can_end_a_write_between_two(tmp_path):
    write(tmp_path, 100, key=b"key")
    (file,) = tmp_path.glob("audit-*.jsonl")
    at, crossing = 0, []
    for raw in file.read_bytes().splitlines(keepends=True):
        crossing += [raw] if at // 4096 != (at + len(raw) - 1) // 4096 else []
        at += len(raw)
    assert at > 5 * 4096
    assert crossing == []
    assert list(verify(tmp_path, b"key")) == []


_WRITER = """
import sys
from pathlib import Path
from handrail_audit._files import Files
files = Files(Path(sys.argv[1]), b"key", {"begun": 1.0}, max_bytes=20_000, sync_seconds=0.01)
number = 0
while True:
    files.write({"at": number, "call": str(number), "rail": "r", "direction": "output", "decision": "block"})
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
    number += 1
"""


@pytest.mark.parametrize("attempt", range(int(os.environ.get("HANDRAIL_KILLS", "3"))))
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_a_kill_at_any_time_loses_no_line_that_was_acknowledged(tmp_path, by, attempt):
    with subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE) as process:
        wanted = 200 + 97 * attempt
        for _ in range(wanted):
            last = process.stdout.readline()
        process.send_signal(by)
        rest = process.stdout.read().split(b"\n")
    whole = [int(number) for number in [last.strip(), *rest[:-1]] if number]
    assert list(verify(tmp_path, b"key")) == []
    found = [line["at"] for line in lines(tmp_path)]
    assert found == list(range(len(found)))
    assert len(found) > whole[-1]


def test_a_disk_that_is_full_loses_the_line_and_says_so(tmp_path, caplog, monkeypatch):
    rails = rails_in(tmp_path, "Hi")
    (audit,) = rails.composition.observers.members
    monkeypatch.setattr(os, "write", lambda file, line: 3)
    record = CheckRecord("words", "output", decision="block")
    audit.check_ended(ObservedCall("c"), record)
    assert audit.lost == 1
    assert "(1 lost)" in caplog.text


def test_a_webhook_gets_what_fits_and_says_what_does_not(caplog):
    posted, release = [], []

    def post(url, body):
        posted.append((url, body))
        while not release:
            time.sleep(0.001)

    webhook = Webhook("http://there", queue_size=2, post=post)
    webhook.put(b"1\n")
    while not posted:
        time.sleep(0.001)
    for line in (b"2\n", b"3\n", b"4\n"):
        webhook.put(line)
    release.append(True)
    webhook.close()
    assert posted == [("http://there", b"1\n"), ("http://there", b"2\n3\n")]
    assert webhook.dropped == 1
    assert "too slow: 1 lines dropped" in caplog.text
    assert "did not get 1 lines" in caplog.text


def test_a_webhook_that_hangs_does_not_hold_up_the_end_for_every_line_that_waits(caplog):
    posted, release = [], threading.Event()

    def post(url, body):
        posted.append(body)
        release.wait()

    webhook = Webhook("http://there", queue_size=500, closing_seconds=0, post=post)
    webhook.put(b"1\n")
    while not posted:
        time.sleep(0.001)
    for _ in range(500):
        webhook.put(b"2\n")
    worker, closing = webhook._worker, threading.Thread(target=webhook.close)
    closing.start()
    while worker._closes_at is None:
        time.sleep(0.001)
    release.set()
    closing.join()
    assert webhook.dropped + sum(body.count(b"\n") for body in posted) == 501
    assert webhook.dropped >= 400
    assert f"did not get {webhook.dropped} lines" in caplog.text


def test_a_webhook_that_never_ends_its_answer_does_not_keep_a_program_from_ending(caplog, monkeypatch):
    monkeypatch.setattr(_webhook, "_SECONDS", 0.0)
    begun, release = threading.Event(), threading.Event()

    def post(url, body):
        begun.set()
        release.wait()

    webhook = Webhook("http://there", queue_size=3, closing_seconds=0, post=post)
    webhook.put(b"1\n")
    begun.wait()
    for _ in range(5):
        webhook.put(b"2\n")
    thread = webhook._worker._thread
    webhook.close()
    assert thread.is_alive()
    assert "did not get 6 lines" in caplog.text
    release.set()
    thread.join()
    assert webhook.dropped == 6


def test_a_webhook_posts_lines_that_come_after_its_end_too():
    posted = []
    webhook = Webhook("http://there", queue_size=2, post=lambda url, body: posted.append(body))
    for line in (b"1\n", b"2\n"):
        webhook.put(line)
        webhook.close()
    assert (posted, webhook.dropped) == ([b"1\n", b"2\n"], 0)


async def test_a_configuration_that_cannot_be_loaded_leaves_no_thread(tmp_path):
    before = set(threading.enumerate())
    with pytest.raises(ConfigurationError, match="unknown rail"):
        rails_in(tmp_path, "Hi", observers={"webhook": "http://127.0.0.1:9"}, input_flows=["no such rail"])
    assert set(threading.enumerate()) == before


def test_a_webhook_that_fails_is_counted(caplog):
    def post(url, body):
        raise OSError("gone")

    webhook = Webhook("http://there", queue_size=2, post=post)
    webhook.put(b"1\n")
    webhook.close()
    assert webhook.dropped == 1
    assert "failed: OSError" in caplog.text


def audit(*words):
    return app(list(map(str, words)), exit_on_error=False, result_action="return_value")


def command(capsys, *words):
    return audit(*words), capsys.readouterr().out


def test_commands_verify_show_and_mark(tmp_path, capsys):
    write(tmp_path, 3)
    code, told = command(capsys, "verify", tmp_path)
    assert (code, told.endswith("every line fits (5)\n")) == (0, True)
    assert ": closed, last hash " in told
    assert command(capsys, "mark", tmp_path, "c1", "r", "wrong", "--by", "ann")[0] == 0
    assert command(capsys, "mark", tmp_path, "c9", "r", "wrong")[0] == 2
    code, shown = command(capsys, "show", tmp_path, "--call", "c1")
    assert (code, shown.count("\n"), "[wrong]" in shown) == (0, 1, True)
    (file,) = tmp_path.glob("audit-*.jsonl")
    file.write_bytes(file.read_bytes().replace(b'"c1"', b'"c7"'))
    code, told = command(capsys, "verify", tmp_path)
    assert (code, told.startswith(f"{file}:3: changed\n")) == (1, True)
    for name in ("verify", "show", "usage"):
        assert command(capsys, name, tmp_path / "nothing")[0] == 2


def test_a_folder_beside_the_record_is_told_from_one_without_decisions(tmp_path, capsys):
    write(tmp_path / "audit", 1)
    assert audit("show", tmp_path) == 2
    assert f"{tmp_path}: no record found; did you mean '{tmp_path / 'audit'}'?" in capsys.readouterr().err


def test_a_key_that_was_not_given_is_told_from_lines_that_were_changed(tmp_path, capsys):
    write(tmp_path, 3, key=b"a key")
    assert audit("verify", tmp_path) == 1
    assert "name its variable with --key-env-var" in capsys.readouterr().err
    (file,) = tmp_path.glob("audit-*.jsonl")
    file.unlink()
    write(tmp_path, 3)
    (file,) = tmp_path.glob("audit-*.jsonl")
    file.write_bytes(file.read_bytes().replace(b'"c1"', b'"c7"'))
    assert audit("verify", tmp_path) == 1
    assert "--key-env-var" not in capsys.readouterr().err


def test_nothing_in_a_record_is_obeyed_by_a_terminal(tmp_path, capsys):
    said = {"call": "c", "rail": "r", "direction": "input", "decision": "block", "caller": "a\x1b[2J\u202eb\n", "at": 1}
    entry = {"model": "m\x1b[2J", "requests": 1, "input": 1, "output": 1, "costs": {}, "unpriced": 0}
    chain = Chain()
    forged = b'{"hash":"\\u001b[2J","previous":"p"}\n'
    (tmp_path / "audit-1.jsonl").write_bytes(chain.line(said) + chain.line({"used": [entry]}) + forged)
    assert "last hash \\x1b[2J" in command(capsys, "verify", tmp_path)[1]
    assert "a\\x1b[2J\\u202eb\\n  input" in command(capsys, "show", tmp_path)[1]
    assert "m\\x1b[2J  requests" in command(capsys, "usage", tmp_path, "--by", "model")[1]


_DECISION = {"call": "c", "rail": "r", "direction": "input", "decision": "block", "at": 1}
_USED = {"model": "m", "requests": 1, "input": 1, "output": 1, "costs": {}, "unpriced": 0}


@pytest.mark.parametrize(
    "forged",
    [
        *({**_DECISION, "at": at} for at in (1e300, -1, float("nan"), "now")),
        *({**_DECISION, name: {}} for name in ("call", "rail", "direction", "decision")),
        *({"used": used} for used in (5, [1], [{}], [{**_USED, "requests": "1"}], [{**_USED, "costs": []}])),
        *({"used": [{**_USED, name: odd}]} for name in ("input", "unpriced") for odd in (10**400, float("nan"), -1)),
        *({"used": [{**_USED, "costs": {"EUR": odd}}]} for odd in (10**400, float("inf"), -1.0)),
    ],
    ids=repr,
)
def test_a_line_that_somebody_else_wrote_keeps_no_command_from_the_others(tmp_path, capsys, forged):
    chain = Chain()
    written = [_DECISION, forged, {"used": [_USED]}, {**_DECISION, "call": "last"}]
    (tmp_path / "audit-1.jsonl").write_bytes(b"".join(map(chain.line, written)))
    assert [line.split("  ")[1] for line in command(capsys, "show", tmp_path)[1].splitlines()] == ["c", "last"]
    assert command(capsys, "usage", tmp_path)[1] == "-  requests=1  input=1  output=1\n"
    assert command(capsys, "mark", tmp_path, "c", "r", "right")[0] == 0


@pytest.mark.parametrize("odd", [{}, [], 1])
def test_a_decision_that_somebody_else_wrote_can_be_marked(tmp_path, capsys, odd):
    (tmp_path / "audit-1.jsonl").write_bytes(Chain().line({**_DECISION, "would_have": odd}))
    assert command(capsys, "mark", tmp_path, "c", "r", "right")[0] == 0


def test_marks_that_are_no_json_keep_no_decision_back(tmp_path, capsys):
    (tmp_path / "audit-1.jsonl").write_bytes(Chain().line(_DECISION))
    (tmp_path / "marks.jsonl").write_bytes(b"[" * 100_000)
    assert len(command(capsys, "show", tmp_path)[1].splitlines()) == 1


def test_no_decisions_are_shown_where_none_are_asked_for(tmp_path, capsys):
    (tmp_path / "audit-1.jsonl").write_bytes(Chain().line(_DECISION))
    for last, count in (0, 0), (-1, 0), (1, 1), (9, 1):
        assert len(command(capsys, "show", tmp_path, f"--last={last}")[1].splitlines()) == count


@pytest.mark.parametrize("odd", [Path("there"), b"there"])
async def test_an_odd_category_ends_neither_a_block_nor_the_record(tmp_path, odd):
    rails = rails_in(tmp_path, "Hi", rails={"words": FunctionRail(lambda window: Verdict.block(category=odd))})
    for _ in range(2):
        await rails.generate_async("hello")
    await rails.aclose()
    assert ["category" in line for line in lines(tmp_path)] == [False] * 2


async def test_what_a_call_has_used_is_one_line_and_commands_sum_it_up(tmp_path, capsys):
    models = [{"type": "main", "engine": "fake", "model": "m"}]
    top = {
        "models": models,
        "prices": {"currency": "EUR", "models": {"m": {"input": 2, "output": 10}}},
        "observers": {"audit": {"folder": str(tmp_path), "usage": True}},
    }
    provider = FakeProvider(["Fine.", Chunk(usage=Usage(500_000, 100_000))])
    rails = Guarded(provider, {}, top=top).rails
    for caller in ("ann", "ann", "bob"):
        await rails.generate_async("hello", caller=caller, conversation=f"of {caller}")
    await rails.generate_async("hello", options={"llm_params": {"model": "unknown"}})
    await rails.aclose()
    assert list(verify(tmp_path)) == []
    assert list(lines(tmp_path)) == []  # decisions
    assert command(capsys, "usage", tmp_path)[1].splitlines() == [
        "-  requests=1  input=500000  output=100000  without a price: 1",
        "ann  requests=2  input=1000000  output=200000  4 EUR",
        "bob  requests=1  input=500000  output=100000  2 EUR",
    ]
    assert len(command(capsys, "usage", tmp_path, "--by", "conversation")[1].splitlines()) == 3
    assert command(capsys, "usage", tmp_path, "--by", "model")[1].startswith("m  requests=3")
    assert "of ann" not in "".join(file.read_text() for file in tmp_path.glob("audit-*"))
    assert command(capsys, "usage", tmp_path / "nothing")[0] == 2


def test_a_webhook_posts_lines_to_a_real_receiver_and_counts_those_it_refuses(caplog):
    received = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append((self.path, self.headers["content-type"], body))
            self.send_response(204 if len(received) == 1 else 503)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        for line in (b"1\n", b"2\n"):
            webhook = Webhook(f"http://127.0.0.1:{server.server_port}/audit", queue_size=9)
            webhook.put(line)
            webhook.close()
        server.shutdown()
        thread.join()
    assert received == [("/audit", "application/x-ndjson", b"1\n"), ("/audit", "application/x-ndjson", b"2\n")]
    assert webhook.dropped == 1
    assert "failed: HTTPError" in caplog.text


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_webhook_that_is_elsewhere_by_now_did_not_get_the_line(caplog, status):
    asked = []

    class Moved(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("location", "/elsewhere")
            self.end_headers()

        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Moved) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        webhook = Webhook(f"http://127.0.0.1:{server.server_port}/audit", queue_size=9)
        webhook.put(b"1\n")
        webhook.close()
        server.shutdown()
        thread.join()
    assert (webhook.dropped, asked) == (1, [])
    assert "failed: HTTPError" in caplog.text
