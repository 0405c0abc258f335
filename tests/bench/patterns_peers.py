"""What Handrail, LiteLLM's content filter, LangChain's PII middleware and Presidio make of one corpus, cut alike.

Writes `docs/benchmarks/patterns.md`. Run by `make bench-peers`; makes a virtual environment for each peer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from _document import machine, table
from handrail_patterns import __version__
from handrail_patterns._actions import Action
from handrail_patterns._fold import Folding
from handrail_patterns._making import rules_of
from handrail_patterns._personal import PERSONAL_DATA
from handrail_patterns._regex import Patterns
from handrail_patterns._secrets import SECRETS
from handrail_patterns._session import PatternSession
from patterns_measure import KINDS, Document, Gold, Result, Score, corpus, pieces, score, write_job
from patterns_rows import Score as ExactScore
from patterns_rows import rows, score_of_documents

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "benchmarks" / "patterns.md"
SPLITS = ("tokens", "whole")
LONG = ("long_email", "long_url_credentials")
PEERS = {
    "litellm": ("litellm[proxy]>=1.106", "patterns_peer_litellm.py"),
    "langchain": ("langchain>=1.4", "patterns_peer_langchain.py"),
    "presidio_analyzer": ("presidio-analyzer>=2.2", "patterns_peer_presidio.py"),
}
CLAIMED = {
    "Handrail": {*KINDS, *LONG},
    "LiteLLM": {
        *("email", "payment_card", "phone", "us_ssn", "ip_address", "iban", "aws_access_key", "github_token"),
        "long_email",
    },
    "LangChain": {"email", "payment_card", "ip_address", "mac_address", "url_credentials", *LONG},
    "Presidio": {"email", "payment_card", "phone", "us_ssn", "ip_address", "mac_address", "iban", "long_email"},
}
"""The kinds that each system has a detector for; others do not count against it."""

_SESSIONS = [
    Patterns(rules_of(kinds, {kind.name: Action("redact", kind.label) for kind in kinds}))
    for kinds in (PERSONAL_DATA, SECRETS)
]
_FOLDING = Folding(("unicode", "invisible", "marks"))
_ROWS = [Document(row.text, tuple(Gold(*span, row.kind) for span in row.values)) for row in rows()]


def python_of(peer: str) -> Path:
    """Return the interpreter of a peer's environment, made with uv where it is not there yet."""
    home = ROOT / ".venvs" / peer
    python = home / "bin" / "python"
    if not python.exists() or subprocess.run([python, "-c", f"import {peer}"], check=False).returncode:
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, home], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, PEERS[peer][0]], check=True)
    return python


def run_peer(peer: str, job: Path, texts_of_streams: Sequence[Document]) -> Iterator[Result]:
    """Have a peer stream the job in its own environment."""
    out = job.with_name(f"{peer}.json")
    program = Path(__file__).with_name(PEERS[peer][1])
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONWARNINGS": "ignore"}
    subprocess.run([python_of(peer), program, job, out], check=True, env=environment)
    answer = json.loads(out.read_text("utf-8"))
    for split, result in answer["results"].items():
        early = result["early"] / len("".join(result["outputs"]))
        texts = _ROWS if split == "rows" else texts_of_streams
        yield Result(answer["system"], split, score(texts, result["outputs"]), result["microseconds"], early)


def run_handrail(texts: Sequence[Document]) -> Iterator[Result]:
    """Stream the corpus through both shipped rails, one after the other, with every pattern that they have."""
    for split in (*SPLITS, "rows"):
        chosen = _ROWS if split == "rows" else texts
        cut = [pieces(document.text, split, seed) for seed, document in enumerate(chosen)]
        started = time.process_time()
        done = [_streamed(part) for part in cut]
        microseconds = (time.process_time() - started) / sum(map(len, cut)) * 1e6
        outputs, early = [text for text, _ in done], sum(before for _, before in done)
        name = f"Handrail {__version__}"
        yield Result(name, split, score(chosen, outputs), microseconds, early / len("".join(outputs)))


def _streamed(cut: Sequence[str]) -> tuple[str, int]:
    first, second = (PatternSession(each.open(), _FOLDING.open(), lambda _: None) for each in _SESSIONS)
    given = []
    for piece in cut:
        if text := first.feed(piece).text:
            given.append(second.feed(text).text)
    early = len("".join(given))
    given.append(second.feed(first.finish().text).text)
    given.append(second.finish().text)
    return "".join(given), early


def _claimed(result: Result) -> set[str]:
    return next(kinds for name, kinds in CLAIMED.items() if result.system.startswith(name))


def _total(result: Result) -> Score:
    total = Score()
    for kind, one in result.scores.items():
        if kind in _claimed(result) or (result.split == "rows" and result.system.startswith("Handrail") and kind):
            total.values += one.values
            total.found += one.found
            total.leaked += one.leaked
    return total


def summary(results: Sequence[Result]) -> str:
    """Return one row for each system and split."""
    lines = []
    for result in results:
        if result.split == "rows":
            continue
        total, ordinary = _total(result), result.scores[""]
        lines.append(
            [
                result.system,
                result.split,
                f"{total.found} of {total.values}",
                f"{total.leaked:,}",
                str(ordinary.removed),
                f"{ordinary.damaged:,}",
                f"{result.early:.0%}",
                f"{result.microseconds:,.1f}",
            ]
        )
    head = [
        "system",
        "split",
        "values withheld",
        "characters leaked",
        "wrong removals",
        "characters lost",
        "before the end",
        "µs a piece",
    ]
    return table(head, lines)


def of_rows(results: Sequence[Result]) -> str:
    """Return one row for each system: what it made of the rows of real shapes."""
    lines = []
    for result in results:
        if result.split == "rows":
            total, ordinary = _total(result), result.scores[""]
            every = sum(one.values for kind, one in result.scores.items() if kind)
            lines.append(
                [
                    result.system,
                    f"{total.found} of {total.values}",
                    f"{total.found / total.values:.2f}",
                    f"{total.found} of {every}",
                    str(ordinary.removed),
                    f"{total.found / (total.found + ordinary.removed):.2f}",
                ]
            )
    head = ["system", "values of its kinds withheld", "recall", "of all values", "wrong removals", "precision"]
    return table(head, lines)


def by_kind(results: Sequence[Result]) -> str:
    """Return one row for each kind: values withheld in full, and characters that leaked, cut into tokens."""
    chosen = [result for result in results if result.split == "tokens"]
    lines = []
    for kind in (*KINDS, *LONG):
        cells = [kind.replace("_", " ")]
        for result in chosen:
            one = result.scores.get(kind, Score())
            cells.append(f"{one.found} of {one.values}, {one.leaked:,}" if kind in _claimed(result) else "no detector")
        lines.append(cells)
    return table(["kind", *(result.system for result in chosen)], lines)


def precision(count: int) -> str:
    """Return one row for each shipped kind: how many of its values were found to the character, and how much else."""
    measured: ExactScore = score_of_documents(count)
    lines = [
        [kind, str(measured.values[kind]), f"{measured.recall(kind):.3f}", f"{measured.precision(kind):.3f}"]
        for kind in sorted(measured.values)
    ]
    return table(["kind", "values", "recall", "precision"], lines)


def main() -> None:
    """Measure, and write the page."""
    texts = corpus(30, (*KINDS, *LONG), parts=6)
    job = ROOT / ".venvs" / "patterns-job.json"
    job.parent.mkdir(exist_ok=True)
    write_job(job, texts, SPLITS)
    work = json.loads(job.read_text("utf-8")) | {"rows": [[document.text] for document in _ROWS]}
    job.write_text(json.dumps(work), encoding="utf-8")
    results = [*run_handrail(texts), *(result for peer in PEERS for result in run_peer(peer, job, texts))]
    characters = sum(len(document.text) for document in texts)
    text = "\n".join(_page(texts, characters, results))
    DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
    DOCUMENT.write_text(text, encoding="utf-8")
    print(text)


def _page(texts: Sequence[Document], characters: int, results: Sequence[Result]) -> list[str]:
    about = (
        f"Written by `tests/bench/patterns_peers.py` on {machine()}. {len(texts)} made-up texts with {characters:,} "
        "characters, from a fixed seed; the same texts, cut in the same ways, for every system. A value counts as "
        "withheld if no four characters of it in a row were delivered; values of a kind for which a system has no "
        "detector do not count against it (LiteLLM's detector of telephone numbers is one for North America). Wrong "
        "removals are stretches of ordinary text that were taken away; characters lost are all characters of ordinary "
        "text that did not arrive; before the end came what did not wait for the stream to end. Handrail runs every "
        "pattern that it ships, in two rails one after the other; "
        "LiteLLM nine patterns of its own, LangChain its five detectors, Presidio what it recognizes by default on a "
        "blank pipeline, without names, and on whole texts, for it has no streams."
    )
    about_rows = (
        f"{len(_ROWS)} pieces of text in the shapes of real ones, with {sum(len(one.gold) for one in _ROWS)} values: "
        "mails, code, logs, JSON, tables, and prose in ten languages; `tests/corpus/patterns_rows.txt` has them, and "
        "says where each form comes from. They were written along with the patterns, so they flatter Handrail."
    )
    about_kinds = (
        "On 3,000 further texts with values of every kind and with look-alikes: order numbers, dates, times, versions, "
        "decimals, ISBNs, UUIDs, hashes, and numbers of twelve digits with no check digit. A value counts as found if "
        "it and nothing beside it was taken. Numbers that are digits alone stand after their names."
    )
    return [
        "# Patterns: what is found, what leaks, what it costs",
        "",
        about,
        "",
        summary(results),
        "",
        "Values withheld in full, and characters that leaked, cut into tokens:",
        "",
        by_kind(results),
        "",
        "## On rows of real shapes",
        "",
        about_rows,
        "",
        of_rows(results),
        "",
        "## Recall and precision of every shipped kind",
        "",
        about_kinds,
        "",
        precision(3000),
        "",
    ]


if __name__ == "__main__":
    main()
