"""Writes what systems and settings did to the same rows as a page, and its frontier as a picture."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from _document import machine, table
from environments import ROOT

sys.path.append(str(ROOT / "docs" / "_pictures"))  # for what draws the documentation's other pictures

from canvas import Canvas  # noqa: E402

_PAGE = ROOT / "docs" / "benchmarks" / "streaming-safety.md"
_TEMPLATE = Path(__file__).with_name("safety_page.md")
_PICTURE = _PAGE.with_name("frontier.svg")
_LEFT, _TOP, _WIDE, _HIGH = 60, 70, 430, 330
_CLOSE = 14  # points of the picture

Json = dict[str, Any]


def write_report(
    variants: Sequence[Any], results: Mapping[str, Json], rows: Sequence[Json], *, pace: int, latency: float
) -> None:
    """Write the page and its picture."""
    found = {
        variant.title: figures_of(results[variant.title], rows)
        for variant in variants
        if "rows" in results.get(variant.title, {})
    }
    absent = [f"- {title}: {result['missing']}" for title, result in results.items() if "missing" in result]
    best = frontier(found)
    shown = [
        [
            f"**{title}**" if title in best else title,
            f"{each['leaked']:,}",
            str(each["leaking"]),
            str(each["missed"]),
            str(each["false"]),
            f"{each['seconds']:.2f}",
            f"{each['characters']:.0f}",
            f"{each['tokens']:.0f}",
            f"{each['first']:.2f}",
            f"{each['checks']:.1f}",
            f"{each['judged']:.2f}",
            str(each["failed"]),
        ]
        for title, each in found.items()
    ]
    settings = [[v.title, results[v.title].get("version") or "–", v.settings] for v in variants if v.title in found]
    head = ["", "leaked characters", "rows that leaked", "missed", "false stops", "delay, s", "characters", "tokens"]
    head += ["first text, s", "checks a row", "judged / generated", "failed"]
    violations = [row for row in rows if row["label"]]
    characters = sum(high - low for row in violations for low, high in row["spans"])
    text = _TEMPLATE.read_text(encoding="utf-8").format(
        machine=machine(),
        rows=len(rows),
        violations=len(violations),
        characters=f"{characters:,}",
        pace=pace,
        latency=f"{latency:g}",
        table=table(head, shown),
        settings=table(["", "version", "settings"], settings),
        absent="\n\nNot measured:\n\n" + "\n".join(absent) if absent else "",
    )
    _PAGE.write_text(text.rstrip() + "\n", encoding="utf-8")
    _PICTURE.write_text(drawn(found, best, characters), encoding="utf-8")


def figures_of(result: Json, rows: Sequence[Json]) -> Json:
    """Return the figures of a system, as the page defines them."""
    labels = {row["id"]: row["label"] for row in rows}
    bad = [row for row in result["rows"] if labels[row["id"]]]
    good = [row for row in result["rows"] if not labels[row["id"]]]
    read = [row for row in good if row["outcome"] == "passed" and row["of"]]
    of = sum(row["of"] for row in read) or 1
    generated = sum(len("".join(row["tokens"])) for row in rows)
    return {
        "leaked": sum(row["leaked"] for row in bad),
        "leaking": sum(row["leaked"] > 0 for row in bad),
        "missed": sum(row["outcome"] == "passed" for row in bad),
        "false": sum(row["outcome"] == "stopped" for row in good),
        "failed": sum(row["outcome"].startswith("failed") for row in result["rows"]),
        **{name: sum(row[name] for row in read) / of for name in ("seconds", "characters", "tokens")},
        "first": sum(row["first"] or 0.0 for row in read) / max(1, len(read)),
        "checks": result["checks"] / len(rows),
        "judged": result["judged"] / generated,
    }


def frontier(found: Mapping[str, Json]) -> list[str]:
    """Return who is on the frontier: nobody else leaks, delays, misses and stops in error no more than they do.

    Differences of less than a hundredth of a second do not count.
    """

    def measures(each: Json) -> tuple[float, ...]:
        return each["leaked"], round(each["seconds"], 2), each["missed"], each["false"]

    return [
        title
        for title, each in found.items()
        if not each["failed"]
        and not any(
            measures(other) != measures(each)
            and all(a <= b for a, b in zip(measures(other), measures(each), strict=True))
            for other in found.values()
        )
    ]


def drawn(found: Mapping[str, Json], best: Sequence[str], characters: int) -> str:
    """Return the picture: leaked characters over delay, each system with a number."""
    height = max(_TOP + _HIGH + 50, _TOP + 22 * len(found) + 30)
    canvas = Canvas(840, height, "Leaked characters over delay, for settings of Handrail and other systems")
    canvas.text(_LEFT, 24, "What leaks, and how long readers wait", "title")
    canvas.text(
        _LEFT, 43, "share of forbidden characters delivered, over mean delay of harmless text in seconds", "small"
    )
    most = max(each["seconds"] for each in found.values()) * 1.08 or 1.0
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _TOP + _HIGH * (1 - share)
        canvas.line(_LEFT, y, _LEFT + _WIDE, y, "grid")
        canvas.text(_LEFT - 8, y + 4, f"{share:.0%}", "small", "end")
    for half in range(int(most * 2) + 1):
        x = _LEFT + _WIDE * half / 2 / most
        canvas.line(x, _TOP, x, _TOP + _HIGH, "grid")
        canvas.text(x, _TOP + _HIGH + 18, f"{half / 2:g} s", "small", "middle")
    places: list[tuple[float, float, str]] = []
    for number, (title, each) in enumerate(found.items(), 1):
        kind = "good" if title.startswith("Handrail") else "wait" if title == "no guard" else "tip"
        x, y = _LEFT + _WIDE * each["seconds"] / most, _TOP + _HIGH * (1 - each["leaked"] / characters)
        canvas.dot(x, y, kind)
        places = _joined(places, x, y, str(number))
        row = _TOP + 12 + 22 * (number - 1)
        told = f"{number}  {title.replace('`', '')}"
        if each["false"]:
            told += f", {each['false']} false stops"
        canvas.dot(_LEFT + _WIDE + 34, row - 4, kind)
        canvas.text(_LEFT + _WIDE + 44, row, told, "" if title in best else "small")
    for x, y, numbers in places:
        canvas.text(x + 7, y - 5, numbers, "small")
    return canvas.finish()


def _joined(places: list[tuple[float, float, str]], x: float, y: float, number: str) -> list[tuple[float, float, str]]:
    """Return places with another one, whose number is written beside that of one that is close."""
    for index, (other_x, other_y, numbers) in enumerate(places):
        if abs(x - other_x) < _CLOSE and abs(y - other_y) < _CLOSE:
            return [*places[:index], (max(x, other_x), min(y, other_y), f"{numbers}, {number}"), *places[index + 1 :]]
    return [*places, (x, y, number)]
