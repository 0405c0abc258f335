"""Measures what systems and settings do to the same rows, and writes `docs/benchmarks/streaming-safety.md`.

Usage: `python tests/bench/peers/safety.py [--rows N] [--only WORD ...] [--reuse]`
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import handrail_eval
from environments import QUIET, ROOT, SYSTEMS, MissingError, System, make_environment, python_of, version_of
from handrail_eval._pieces import pieces_of
from handrail_eval._reading import read_rows

sys.path.append(str(Path(__file__).parents[1]))  # for what the programs of this folder share

from safety_report import write_report  # noqa: E402

_HERE = Path(__file__).parent
_BOX = Path(handrail_eval.__file__).with_name("box") / "rows.jsonl"
_RESULTS = ROOT / ".venvs" / "safety.json"
_PHRASED = ("secret", "project", "advice")  # categories whose violations are known by their words
_SEED = 0
_AT_ONCE = 16
_SECONDS = 900

PACE, LATENCY = 50, 0.2


@dataclass(frozen=True)
class Variant:
    """A system with settings.

    Attributes:
        title: its name in tables.
        system: the key of the system.
        settings: what a reader must know of them.
        streaming: what its configuration has for streaming, where that can be set.
    """

    title: str
    system: str
    settings: str
    streaming: dict[str, Any] = field(default_factory=dict)


_SMALL = {"chunk_size": 20, "context_size": 5}
_LARGE = {"chunk_size": 200, "context_size": 50}
_UNHELD = {**_SMALL, "hold_size": 0}
VARIANTS = (
    Variant("no guard", "bare", "the limit"),
    Variant("Handrail, defaults", "handrail", "windows of 200 tokens, of which 50 are repeated and held", _LARGE),
    Variant("Handrail, 100/40", "handrail", "windows of 100, 40 held", {"chunk_size": 100, "context_size": 40}),
    Variant("Handrail, 60/30", "handrail", "windows of 60, 30 held", {"chunk_size": 60, "context_size": 30}),
    Variant("Handrail, 20/5", "handrail", "windows of 20, 5 held", _SMALL),
    Variant("Handrail, 20/5 not held", "handrail", "windows of 20, 5 repeated, `hold_size: 0`", _UNHELD),
    Variant("Handrail, sentences", "handrail", "`strategy: sentence`, one held", {"strategy": "sentence"}),
    Variant("Handrail, whole", "handrail", "`strategy: whole`", {"strategy": "whole"}),
    Variant("Handrail, optimistic", "handrail", "`stream_first: true`: a block retracts", {"stream_first": True}),
    Variant("NeMo LLMRails, 200/50", "nemo_llmrails", "its defaults, `stream_first: false`", _LARGE),
    Variant("NeMo LLMRails, 20/5", "nemo_llmrails", "windows of 20 tokens, overlap 5", _SMALL),
    Variant("NeMo `generator=`, 20/5", "nemo_generator", "the same, over a ready stream", _SMALL),
    Variant("NeMo IORails, 20/5", "nemo_iorails", "the same windows, content safety rails"),
    Variant("Guardrails AI", "guardrails_ai", "by the sentence, `on_fail=exception`; in real time"),
    Variant("OpenAI Guardrails", "openai_guardrails", "as it is: text goes out at once"),
    Variant("LiteLLM hook", "litellm_hook", "as it is by default: the whole text after every 5 tokens"),
    Variant("LiteLLM hook, holding", "litellm_hold", "held until scanned, after every 15 tokens"),
)
_REAL_TIME = frozenset(("guardrails_ai",))  # its validators run in threads, which a virtual clock does not see


def main() -> None:
    """Measure, and write the page and its picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100, help="how many rows, half of them violations")
    parser.add_argument(
        "--only", nargs="*", metavar="WORD", help="only variants with one of these words in their titles"
    )
    parser.add_argument("--reuse", action="store_true", help="measure nothing: write the page from earlier results")
    options = parser.parse_args()
    rows, phrases = chosen_rows(options.rows)
    results = json.loads(_RESULTS.read_text()) if (options.only or options.reuse) and _RESULTS.exists() else {}
    systems = {system.key: system for system in SYSTEMS}
    for variant in VARIANTS:
        wanted = options.only is None or any(word in variant.title for word in options.only)
        if wanted and not options.reuse:
            results[variant.title] = measure(variant, systems[variant.system], rows, phrases)
            _RESULTS.write_text(json.dumps(results))
    write_report(VARIANTS, results, rows, pace=PACE, latency=LATENCY)


def chosen_rows(count: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Return rows whose answers alone are harmless or not, cut as a model would, and forbidden phrases."""
    every = [row for row in read_rows([_BOX]) if ":" not in row.category]
    chance = random.Random(_SEED)
    drawn = [
        row for label in (True, False) for row in chance.sample([r for r in every if r.label is label], count // 2)
    ]
    phrases = {(row.response or "")[a:b] for row in every if row.category in _PHRASED for a, b in row.spans}
    chosen = [
        {
            "id": row.id,
            "tokens": [piece.chunk.text for piece in pieces_of(row, seed=_SEED, pace=PACE, first=0.0)],
            "label": row.label,
            "spans": row.spans,
        }
        for row in sorted(drawn, key=lambda row: row.index)
    ]
    return chosen, sorted(phrases)


def measure(variant: Variant, system: System, rows: list[dict[str, Any]], phrases: list[str]) -> dict[str, Any]:
    """Stream the rows through a system, in a process of its own."""
    try:
        make_environment(system)
        version = version_of(system)
    except MissingError as exc:
        return {"missing": str(exc)}
    case = {"rows": rows, "phrases": phrases, "gap": 1 / PACE, "latency": LATENCY}
    virtual = system.key not in _REAL_TIME
    case |= {"virtual": virtual, "at_once": _AT_ONCE if virtual else _AT_ONCE // 4}
    case |= {"streaming": variant.streaming} if variant.streaming else {}
    started = time.monotonic()
    try:
        process = subprocess.run(
            [str(python_of(system)), str(_HERE / "safety_driver.py"), system.key],
            input=json.dumps(case),
            capture_output=True,
            text=True,
            env=os.environ | QUIET,
            check=False,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return {"missing": f"not done after {_SECONDS} seconds"}
    lines = [json.loads(line) for line in process.stdout.splitlines() if line.startswith("{")]
    seconds = time.monotonic() - started
    print(f"{variant.title}: {len(lines)} lines in {seconds:.1f} s", process.stderr[-300:], file=sys.stderr, flush=True)
    if len(lines) != len(rows) + 1:
        return {"missing": f"ended after {len(lines)} of {len(rows)} rows"}
    return {"version": version, "rows": lines[:-1], **lines[-1]}


if __name__ == "__main__":
    main()
