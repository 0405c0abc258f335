"""Measure `handrail eval`: rows with pattern rails, rows with a slow judge, and its memory over many rows.

    python tests/bench/evaluation.py [--write]

Each is a command of its own, as a user gives it, its start included. It takes three minutes on a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from _document import machine, table, write_part
from _guarded import words

SEED = 5
ROWS, TOKENS, MOST_SECONDS = 10_000, 300, 60.0
JUDGED, LATENCY, AT_ONCE, MOST_OVER = 1_500, 0.2, 32, 1.1
MANY, SHORT, MOST_GROWTH = 100_000, 40, 1.1
_MILLION = 2**20

PATTERNS = "rails: {output: {flows: [personal data check], streaming: {enabled: true}}}\n"
JUDGE = f"""
models:
  - type: self_check_output
    engine: scripted
    model: judge
    parameters: {{delay: {LATENCY}, answers: [{{contains: no text has this, text: "yes"}}], default: "no"}}
prompts:
  - task: self_check_output
    content: "Is this bad? {{{{ bot_response }}}} Answer yes or no."
rails: {{output: {{flows: [self check output], streaming: {{enabled: true}}}}}}
"""


@dataclass(frozen=True)
class Took:
    """What a run took.

    Attributes:
        seconds: in all.
        memory: bytes of its processes together, every half second.
        figures: what it wrote of them.
    """

    seconds: float
    memory: list[int]
    figures: dict[str, Any]


def rows(count: int, tokens: int) -> Iterator[str]:
    """Yield lines of data: prose, with an e-mail address in every tenth."""
    chance, prose = random.Random(SEED), words(4 * tokens)
    for number in range(count):
        begin = chance.randrange(tokens)
        said = list(islice(cycle(prose), begin, begin + tokens))
        if number % 10 == 0:
            said[chance.randrange(tokens)] = f"joe{number}@example.com "
        label = "harmless" if number % 10 else "violation"
        yield json.dumps({"id": str(number), "response": "".join(said), "label": label}) + "\n"


def evaluated(folder: Path, config: str, count: int, tokens: int) -> Took:
    """Run `handrail eval` over so many rows.

    Raises:
        SystemExit: it failed.
    """
    with (folder / "data.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(rows(count, tokens))
    (folder / "config.yml").write_text(config, encoding="utf-8")
    command = (sys.executable, "-m", "handrail_cli.app", "eval", "config.yml", "data.jsonl", "--out", "out")
    began, memory = time.monotonic(), []
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        os.set_blocking(process.stderr.fileno(), False)  # type: ignore[union-attr]  # it is a pipe
        while process.poll() is None:
            process.stderr.read()  # type: ignore[union-attr]  # progress, which nobody reads here
            memory.append(_memory_of(process.pid))
            time.sleep(0.5)
        if process.returncode:
            raise SystemExit(f"the run ended with {process.returncode}")
    return Took(time.monotonic() - began, memory, json.loads((folder / "out" / "figures.json").read_text()))


def _memory_of(process: int) -> int:
    """Return the bytes of a process and those that it has started; 0 for one that is gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
        children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8").split()
    except OSError:
        return 0
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return (int(found[1]) * 1024 if found else 0) + sum(_memory_of(int(child)) for child in children)


def growth(memory: list[int]) -> float:
    """Return the most of the second half of a run over the most of the quarter before that, start excluded."""
    quarter = len(memory) // 4
    return max(memory[2 * quarter :]) / max(memory[quarter : 2 * quarter])


def measure() -> list[tuple[str, float, float, str]]:
    """Return what was measured: a name, the most that it may be, what it is, and how that is written."""
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name, kind) for kind in ("patterns", "judge", "many")]
        for folder in folders:
            folder.mkdir()
        many = evaluated(folders[0], PATTERNS, ROWS, TOKENS)
        judged = evaluated(folders[1], JUDGE, JUDGED, TOKENS)
        asked = int(judged.figures["checks"]) + JUDGED  # of the streams, and of each answer whole
        long = evaluated(folders[2], PATTERNS, MANY, SHORT)
    ideal = asked * LATENCY / AT_ONCE
    patterns = f"{ROWS:,} answers of {TOKENS} tokens as streams and whole, pattern rails, seconds"
    judge = f"a judge of {LATENCY * 1000:.0f} ms, {AT_ONCE} at once: time over what the judge needs"
    memory = f"memory of {MANY:,} rows: the second half of the run over the quarter before"
    return [
        (patterns, MOST_SECONDS, many.seconds, "{:.0f}"),
        (judge, MOST_OVER, judged.seconds / ideal, "{:.2f}"),
        (memory, MOST_GROWTH, growth(long.memory), "{:.2f}"),
        ("its processes together, MiB", 400, max(long.memory) / _MILLION, "{:.0f}"),
    ]


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    chosen = parser.parse_args()
    found = measure()
    text = table(
        ["", "at most", "measured", "met"],
        [
            [name, shown.format(most), shown.format(value), "yes" if value <= most else "**no**"]
            for name, most, value, shown in found
        ],
    )
    text = f"Measured on {machine()}.\n\n{text}"
    print(text)
    if chosen.write:
        write_part("evaluation", text)


if __name__ == "__main__":
    main()
