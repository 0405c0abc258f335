"""A run as Markdown, for people and pull requests, and its gates as JUnit XML, for build servers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from handrail_eval import _cascades as cascades
from handrail_eval._gates import Gate

_NOT_IN_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def markdown(figures: Mapping[str, Any], gates: Sequence[Gate] = ()) -> str:
    """Return the figures as a page of Markdown."""
    stream, whole, leaks = figures["stream"], figures["whole"], figures["leaks"]
    lines = [f"# {figures['rows']} rows", ""]
    lines += ["| | stream | whole |", "|---|---|---|"]
    for name in ("recall", "precision", "false_stops"):
        lines.append(f"| {name.replace('_', ' ')} | {share(stream[name])} | {share(whole[name])} |")
    lines += [
        f"| failed | {stream['failed']} | {whole['failed']} |",
        "",
        "| | |",
        "|---|---|",
        f"| violations that leaked | {share(leaks['rows'])} |",
        f"| leaked characters | {leaks['leaked_characters']} of {leaks['violating_characters']} |",
        f"| delay, mean and p95 | {seconds(figures['delay']['mean'])}, {seconds(figures['delay']['p95'])} |",
        f"| first text later by | {seconds(figures['first_text']['mean'])} |",
        f"| judged over generated | {number(figures['judged_over_generated'])} |",
        f"| checks | {figures['checks']}, {figures['cached_checks']} of them known |",
        f"| timed out | {figures['timed_out']} |",
        f"| rows that failed | {figures['failed_rows']} |",
    ]
    lines += cascades.lines_of(figures["cascades"])
    if figures["price"] is not None:
        lines.append(f"| price | {figures['price']:.4f} |")
    lines += _conditions(gates)
    return "\n".join(lines) + "\n"


def _conditions(gates: Sequence[Gate]) -> list[str]:
    if not gates:
        return []
    rows = [f"| `{gate.name}` | {'passed' if gate.passed else '**failed**'} | {gate.told} |" for gate in gates]
    return ["", "| condition | | |", "|---|---|---|", *rows]


def notes(figures: Mapping[str, Any]) -> list[str]:
    """Return what the figures of a run lack, and how to get it."""
    found = []
    judged = [figures[way] for way in ("stream", "input")]
    counted = sum(way[name] for way in judged for name in ("hits", "missed", "false", "right", "failed"))
    if not counted and any(way["unlabelled"] for way in judged):
        found.append("no row has a label, so that nothing is right or wrong; name its column by --map label=COLUMN")
    if not counted and not any(way["unlabelled"] for way in judged) and figures["rows"] > figures["failed_rows"]:
        found.append(
            "no rail has judged anything: output rails judge the column 'response' (--map response=COLUMN), and input "
            "rails 'prompt' or 'messages'"
        )
    if figures["failed_rows"]:
        found.append(f"{figures['failed_rows']} rows failed; verdicts.jsonl says of each why")
    return found


def junit(gates: Sequence[Gate]) -> bytes:
    """Return the gates as JUnit XML."""
    failed = sum(not gate.passed for gate in gates)
    suite = ET.Element("testsuite", name="handrail eval", tests=str(len(gates)), failures=str(failed))
    for gate in gates:
        case = ET.SubElement(suite, "testcase", classname="handrail.eval", name=_clean(gate.name))
        if not gate.passed:
            ET.SubElement(case, "failure", message=_clean(gate.told))
    written: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return written


def share(found: Mapping[str, Any]) -> str:
    """Return a share with its interval."""
    if found["value"] is None:
        return "not counted"
    low, high = found["interval"]
    return f"{found['value']:.1%} ({low:.1%} to {high:.1%} of {found['of']})"


def seconds(value: float | None) -> str:
    """Return a time."""
    return "not counted" if value is None else f"{value:.3f} s"


def number(value: float | None) -> str:
    """Return a number."""
    return "not counted" if value is None else f"{value:.2f}"


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
