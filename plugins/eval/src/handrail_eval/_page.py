"""One page of HTML that works from disk: figures, a confusion table, rows to read first, a strip for each of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush, nlargest
from html import escape
from importlib.resources import files
from itertools import islice, pairwise
from typing import Any, Final

from handrail_eval._places import Span, delivered_spans
from handrail_eval._reports import number, seconds, share

_LISTED: Final = 40  # rows of each kind
_WIDTH: Final = 720
_LANE: Final = 9
_TOP: Final = 34  # where nothing is released yet
_BARS: Final = 400  # checks of a row that are drawn
_POINTS: Final = 1000  # of a curve
_NAMES: Final = 50  # of a group, those with the most rows
_LONGEST_SHOWN: Final = 4000  # characters of an answer
_LONGEST_NAME: Final = 300

_TONES: Final = {"hits": "good", "missed": "bad", "false": "bad", "right": "good", "failed": "bad"}

Json = dict[str, Any]


class Shown:
    """The rows to read first, chosen in one pass: few of each kind, whatever the size of a run."""

    def __init__(self) -> None:
        self._kinds: dict[str, list[tuple[int, int, Json, Json]]] = {}

    def add(self, verdict: Json, times: Json) -> None:
        """Take a row, if it is among those to read first."""
        for kind, weight in _kinds(verdict):
            heap = self._kinds.setdefault(kind, [])
            heappush(heap, (weight, -verdict["row"], verdict, times))
            if len(heap) > _LISTED:
                heappop(heap)

    def rows(self, kind: str) -> list[tuple[Json, Json]]:
        """Return the rows of a kind, the worst first."""
        return [(verdict, times) for *_, verdict, times in sorted(self._kinds.get(kind, []), key=_order)]


TITLES: Final = {
    "leak": "Leaks",
    "missed": "Missed violations",
    "false": "False stops",
    "failed": "Failures",
    "differs": "Stream and whole differ",
    "found": "Found",
}


def page(figures: Mapping[str, Any], shown: Shown, asked: Mapping[str, Any], changes: Iterable[str] = ()) -> str:
    """Return the page."""
    sections = [_section(title, shown.rows(kind)) for kind, title in TITLES.items()]
    style = files("handrail_eval").joinpath("page.css").read_text(encoding="utf-8")
    body = [_tiles(figures), _confusion(figures), _detection(figures), _groups(figures["groups"]), *sections, *changes]
    title = escape(f"{asked.get('config', '')} on {asked.get('data', '')}")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{style}</style></head>'
        f"<body><h1>{title}</h1>{''.join(body)}</body></html>\n"
    )


def _kinds(verdict: Json) -> Iterable[tuple[str, int]]:
    stream = verdict.get("stream")
    if "error" in verdict or stream is None:
        if "error" in verdict:
            yield "failed", 0
        return
    stopped, whole = stream["outcome"] in ("blocked", "rewritten"), verdict.get("whole")
    if stream["outcome"] == "failed":
        yield "failed", 1
        return
    if verdict["label"] is True and stream.get("leaked"):
        yield "leak", stream["leaked"]
    elif verdict["label"] is True:
        yield ("found", 0) if stopped else ("missed", 0)
    if verdict["label"] is False and stopped:
        yield "false", 0
    if whole is not None and (whole["outcome"] in ("blocked", "rewritten")) != stopped:
        yield "differs", 0


def _order(entry: tuple[int, int, Json, Json]) -> tuple[int, int]:
    return -entry[0], -entry[1]


def _tiles(figures: Mapping[str, Any]) -> str:
    stream, leaks = figures["stream"], figures["leaks"]
    tiles = [
        ("recall", share(stream["recall"])),
        ("false stops", share(stream["false_stops"])),
        ("precision", share(stream["precision"])),
        ("leaked characters", f"{leaks['leaked_characters']} of {leaks['violating_characters']}"),
        ("violations that leaked", share(leaks["rows"])),
        ("delay, mean", seconds(figures["delay"]["mean"])),
        ("delay, p95", seconds(figures["delay"]["p95"])),
        ("first text later by", seconds(figures["first_text"]["mean"])),
        ("judged over generated", number(figures["judged_over_generated"])),
        ("checks", str(figures["checks"])),
        ("failures", f"{stream['failed']}, {figures['timed_out']} timed out"),
        ("rows that failed", str(figures["failed_rows"])),
    ]
    cells = "".join(
        f"<div class=tile><b>{escape(value.split(' (')[0])}</b><span>{escape(name)}</span>"
        f"<small>{escape(value.partition(' (')[2].rstrip(')'))}</small></div>"
        for name, value in tiles
    )
    return f"<section class=tiles>{cells}</section>"


def _confusion(figures: Mapping[str, Any]) -> str:
    rows = ""
    for way in ("stream", "whole"):
        cells = "".join(_count(figures[way][name], tone) for name, tone in _TONES.items())
        rows += f"<tr><th>{way}</th>{cells}</tr>"
    return (
        "<h2>Verdicts</h2><table><tr><th></th><th>violation, stopped</th><th>violation, passed</th>"
        f"<th>harmless, stopped</th><th>harmless, passed</th><th>rail failed</th></tr>{rows}</table>"
    )


def _count(value: int, tone: str) -> str:
    return f"<td class={tone}>{value}</td>" if value else f"<td>{value}</td>"


def _detection(figures: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(share(found))}</td></tr>"
        for name, found in figures["detection"].items()
    )
    return f"<h2>Stopped within</h2><table>{rows}</table>"


def _groups(groups: Mapping[str, Any]) -> str:
    parts = []
    for group, names in groups.items():
        most = nlargest(_NAMES, names.items(), key=lambda item: _rows_of(item[1]))
        rows = "".join(
            f"<tr><th><bdi>{escape(name[:_LONGEST_NAME])}</bdi></th><td>{escape(share(found['recall']))}</td>"
            f"<td>{escape(share(found['false_stops']))}</td><td>{found['failed']}</td></tr>"
            for name, found in sorted(most)
        )
        more = f"<caption>{len(names):,} in all</caption>" if len(names) > _NAMES else ""
        parts.append(
            f"<table>{more}<tr><th>{group}</th><th>recall</th><th>false stops</th><th>failed</th></tr>{rows}</table>"
        )
    return f"<h2>By group</h2>{''.join(parts)}"


def _rows_of(found: Mapping[str, Any]) -> int:
    return sum(found[name] for name in ("hits", "missed", "false", "right", "failed", "unlabelled"))


def _section(title: str, rows: Sequence[tuple[Json, Json]]) -> str:
    if not rows:
        return ""
    return f"<h2>{title}</h2>{''.join(_row(verdict, times) for verdict, times in rows)}"


def _row(verdict: Json, times: Json) -> str:
    stream = verdict.get("stream") or {}
    told = [f"row {verdict['id']}", verdict["category"], verdict["language"]]
    if "error" in verdict:
        told.append(verdict["error"])
    elif stream.get("rail"):
        told.append(f"{stream['outcome']} by {stream['rail']}")
        told += [str(stream[name]) for name in ("category", "reason") if stream.get(name)]
    else:
        told.append(stream["outcome"])
    if (whole := verdict.get("whole")) is not None:
        told.append(f"whole: {whole['outcome']}")
    head = " · ".join(f"<bdi>{escape(part[:_LONGEST_NAME])}</bdi>" for part in told if part)
    return f"<article><header>{head}</header>{_strip(verdict, times)}{_text(verdict, stream)}</article>"


def _text(verdict: Json, stream: Json) -> str:
    """Return the answer: delivered text plain, the rest grey, the violation underlined, and leaks marked."""
    text = verdict.get("response")
    if not text:
        return ""
    delivered = stream.get("text", text[: stream.get("delivered", 0)])
    marks = [("out", *span) for span in delivered_spans(text, delivered)]
    marks += [("span", start, end) for start, end in verdict["spans"]]
    if stream.get("span") and stream["channel"] == "text" and "text" not in stream:
        marks.append(("blamed", stream["span"][0], min(stream["span"][1], len(text))))
    low, high = _shown_part(len(text), [start for name, start, _ in marks if name != "out"])
    edges = sorted({low, high, *(edge for _, start, end in marks for edge in (start, end) if low < edge < high)})
    parts = []
    for start, end in pairwise(edges):
        names = {name for name, first, last in marks if first <= start and end <= last}
        kind = " ".join(sorted(names | ({"leaked"} if {"out", "span"} <= names else set())))
        parts.append(f'<span class="{kind}">{escape(text[start:end])}</span>')
    before, after = (f"<i>{count:,} characters</i>" if count else "" for count in (low, len(text) - high))
    return f'<p dir="auto">{before}{"".join(parts)}{after}</p>'


def _shown_part(length: int, places: Sequence[int]) -> Span:
    """Return which part of an answer is shown: one that is long, from a little before the first mark."""
    first = min((place for place in places if place < length), default=0)
    low = max(0, min(first - _LONGEST_SHOWN // 4, length - _LONGEST_SHOWN))
    return low, min(length, low + _LONGEST_SHOWN)


def _strip(verdict: Json, times: Json) -> str:
    """Return a picture: text as it is released over the seconds, and the checks below."""
    stream = verdict.get("stream")
    if stream is None or not times.get("ended"):
        return ""
    end = max(times["ended"], times["generated"], 0.001)
    height, scale = 48 + _LANE * min(len(times["checks"]), 12), _WIDTH / end
    released = _released(stream, times, tallest=max(verdict["characters"], 1), scale=scale)
    bars = _bars(stream, times, scale)
    generated = f"0,{_TOP} {times['generated'] * scale:.1f},4"
    foot = height - 1 if bars else _TOP + 12
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img"><title>characters over {end:.2f} seconds</title>'
        f'<polyline class="came" points="{generated}"/><polyline class="went" points="{released}"/>'
        f'{bars}<text x="{_WIDTH}" y="{foot}" text-anchor="end">{end:.2f} s</text></svg>'
    )


def _released(stream: Json, times: Json, *, tallest: int, scale: float) -> str:
    """Return the points of a line that rises with each release."""
    points, last = [f"0,{_TOP}"], float(_TOP)
    released = list(zip(stream["released"], times["released"], strict=True))
    for (_, upto), at in released[:: 1 + len(released) // _POINTS]:
        y = _TOP - 30 * min(upto, tallest) / tallest
        points += [f"{at * scale:.1f},{last:.1f}", f"{at * scale:.1f},{y:.1f}"]
        last = y
    points.append(f"{times['ended'] * scale:.1f},{last:.1f}")
    return " ".join(points)


def _bars(stream: Json, times: Json, scale: float) -> str:
    """Return a bar for each check."""
    return "".join(
        f'<rect class="{escape(check["decision"])}" x="{start * scale:.1f}" y="{_TOP + 4 + _LANE * (i % 12)}" '
        f'width="{max(1.5, (stop - start) * scale):.1f}" height="{_LANE - 2}"><title>{escape(check["rail"])}: '
        f"{escape(check['decision'])}, characters {check['window'][0]} to {check['window'][2]}, "
        f"{stop - start:.3f} s</title></rect>"
        for i, (check, (start, stop)) in enumerate(islice(zip(stream["checks"], times["checks"], strict=True), _BARS))
    )
