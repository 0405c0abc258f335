"""The log of commands that serve, on a stream that is read, slowly read, not read, or gone."""

from __future__ import annotations

import logging
import os
import re
import threading

import pytest
from handrail_cli._log import LineWriter


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    yield reading, writing
    for end in (reading, writing):
        try:
            os.close(end)
        except OSError:  # the test has closed it
            continue


@pytest.fixture
def logger():
    """Make a logger that writes to a descriptor."""
    found = logging.getLogger("handrail-test-of-the-log")
    found.setLevel(logging.INFO)
    found.propagate = False

    def make(descriptor: int) -> logging.Logger:
        found.addHandler(LineWriter(descriptor))
        return found

    yield make
    found.handlers.clear()


def flush(log: logging.Logger) -> None:
    for handler in log.handlers:
        handler.flush()


def read_to_end(reading: int) -> list[str]:
    with os.fdopen(os.dup(reading), encoding="utf-8") as stream:
        return stream.read().splitlines()


def test_lines_come_whole_and_in_order(pipe):
    reading, writing = pipe
    handler = LineWriter(writing)
    for number in range(100):  # by hand, for pytest keeps what a logger logs, and cannot pass on half a character
        handler.handle(logging.makeLogRecord({"msg": "line %d é \ud83d", "args": (number,)}))
    handler.flush()
    os.close(writing)
    assert read_to_end(reading) == [f"line {number} é \\ud83d" for number in range(100)]


def test_lines_of_several_threads_do_not_get_into_one_another(pipe, logger):
    reading, writing = pipe
    log = logger(writing)

    def write(name: str) -> None:
        for _ in range(300):
            log.info(name * 70)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(read_to_end(reading)))
    reader.start()
    for thread in threads:
        thread.join()
    flush(log)
    os.close(writing)
    reader.join()
    assert sorted(lines) == [name * 70 for name in "abcd" for _ in range(300)]


def test_stream_that_nobody_reads_stops_nobody_and_what_was_dropped_is_counted(pipe, logger):
    reading, writing = pipe
    log = logger(writing)
    number = 4000
    for index in range(number):
        log.info("%06d %s", index, "x" * 993)  # a thousand bytes with the end of the line
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(read_to_end(reading)))
    reader.start()
    flush(log)
    os.close(writing)
    reader.join()
    found = [re.fullmatch(r"(\d{6}) x{993}", line) for line in lines]
    notes = [line for line, match in zip(lines, found, strict=True) if match is None]
    indices = [int(match[1]) for match in found if match is not None]
    assert notes  # one, unless the reader is slow, too
    assert all(line.endswith("lines of the log were dropped: nobody read them in time") for line in notes)
    assert sum(int(line.split()[0]) for line in notes) + len(indices) == number
    assert indices == sorted(indices)
    assert indices[-1] == number - 1
    assert len(indices) < 1300  # the bound, and what the pipe holds


def test_end_does_not_wait_for_ever_for_a_stream_that_nobody_reads(pipe, logger):
    log = logger(pipe[1])
    for _ in range(200):
        log.info("x" * 1000)
    flush(log)  # and returns, which is what is tested


def test_stream_whose_reader_has_gone_is_no_failure(pipe, logger, capsys):
    reading, writing = pipe
    log = logger(writing)
    os.close(reading)
    log.info("to nobody")
    flush(log)
    log.info("to nobody")
    flush(log)
    assert capsys.readouterr().err == ""


def test_stream_that_takes_nothing_for_a_moment_gets_all_lines(pipe, logger):
    reading, writing = pipe
    os.set_blocking(writing, False)
    log = logger(writing)
    for number in range(2000):
        log.info("%0100d", number)
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(read_to_end(reading)))
    reader.start()
    flush(log)
    os.close(writing)
    reader.join()
    assert lines == [f"{number:0100d}" for number in range(2000)]
