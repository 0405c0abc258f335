"""The figures of a run, counted in one pass over its records. `docs/howto/evaluate.md` has the formula of each."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from handrail.errors import InvalidArgumentError

from handrail_eval._cascades import Cascades
from handrail_eval._intervals import wilson

STOPPED: Final = ("blocked", "rewritten")
"""What counts as found. A rail that failed stops the answer too, and is counted apart."""

_TOKENS: Final = (0, 10, 25, 50, 100)
_SENTENCES: Final = (1, 2, 3)
_LENGTHS: Final = ((400, "under 400"), (1600, "400 to 1,599"), (6400, "1,600 to 6,399"))

Json = dict[str, Any]


class _Confusion:
    """Verdicts against labels."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, label: bool | None, outcome: str) -> None:  # noqa: FBT001  # what it is
        if outcome == "failed":
            self.counts["failed"] += 1
        elif label is None:
            self.counts["unlabelled stopped" if outcome in STOPPED else "unlabelled passed"] += 1
        else:
            found = "stopped" if outcome in STOPPED else "passed"
            self.counts[f"{'violation' if label else 'harmless'} {found}"] += 1

    def figures(self) -> Json:
        count = self.counts
        hits, missed = count["violation stopped"], count["violation passed"]
        false, right = count["harmless stopped"], count["harmless passed"]
        return {
            "hits": hits,
            "missed": missed,
            "false": false,
            "right": right,
            "failed": count["failed"],
            "unlabelled": count["unlabelled stopped"] + count["unlabelled passed"],
            "unlabelled_stopped": count["unlabelled stopped"],
            "recall": _share(hits, hits + missed),
            "precision": _share(hits, hits + false),
            "false_stops": _share(false, false + right),
        }


class Figures:
    """Counts records; memory does not grow with them but for three numbers a row."""

    def __init__(self, prices: Mapping[str, tuple[float, float]] | None = None) -> None:
        self._prices = prices or {}
        self._stream, self._whole, self._input = _Confusion(), _Confusion(), _Confusion()
        self._groups: dict[str, dict[str, _Confusion]] = defaultdict(lambda: defaultdict(_Confusion))
        self._sum: Counter[str] = Counter()
        self._within: Counter[str] = Counter()
        self._differ: Counter[str] = Counter()
        self._delays, self._first = array("d"), array("d")
        self._models: dict[str, Counter[str]] = defaultdict(Counter)
        self._rails: dict[str, Counter[str]] = defaultdict(Counter)
        self._cascades = Cascades()

    def add(self, verdict: Mapping[str, Any], times: Mapping[str, Any]) -> None:
        """Count a row."""
        self._sum["rows"] += 1
        if "error" in verdict:
            self._sum["failed_rows"] += 1
            return
        label = verdict["label"]
        if (judged := verdict.get("input")) is not None:
            self._input.add(label if "stream" not in verdict else None, judged["outcome"])
        if (stream := verdict.get("stream")) is not None:
            self._add_stream(verdict, stream)
            self._add_times(times)

    def _add_stream(self, verdict: Mapping[str, Any], stream: Mapping[str, Any]) -> None:
        label = verdict["label"]
        self._stream.add(label, stream["outcome"])
        for group, name in _groups(verdict, stream):
            self._groups[group][name].add(label, stream["outcome"])
        self._sum["generated"] += verdict["characters"]
        self._sum["judged"] += stream["judged"]
        self._sum["checks"] += len(stream["checks"])
        self._sum["timed_out"] += bool(stream.get("timed_out"))
        if stream["outcome"] != "failed":
            self._cascades.add(label, stream["checks"], stopped=stream["outcome"] in STOPPED)
        if stream.get("rail"):
            self._rails[stream["rail"]][_side(label, stream["outcome"])] += 1
        if (whole := verdict.get("whole")) is not None:
            self._whole.add(label, whole["outcome"])
            if (whole["outcome"] in STOPPED) != (stream["outcome"] in STOPPED):
                self._differ["only whole" if whole["outcome"] in STOPPED else "only stream"] += 1
        if label is True and stream.get("place") is not None:
            self._add_place(verdict, stream)

    def _add_place(self, verdict: Mapping[str, Any], stream: Mapping[str, Any]) -> None:
        spans = verdict["spans"] or [[stream["place"], verdict["characters"]]]
        self._sum["placed"] += 1
        self._sum["violating"] += sum(end - start for start, end in spans)
        self._sum["leaked"] += stream["leaked"]
        self._sum["leaking_rows"] += stream["leaked"] > 0
        self._sum["delivered_of_violations"] += stream["delivered"]
        if stream["outcome"] == "rewritten":  # it was not to be stopped
            return
        self._sum["stoppable"] += 1
        for limit in _TOKENS:
            self._within[f"tokens {limit}"] += stream.get("within_tokens", limit + 1) <= limit
        for limit in _SENTENCES:
            self._within[f"sentences {limit}"] += stream.get("within_sentences", limit + 1) <= limit

    def _add_times(self, times: Mapping[str, Any]) -> None:
        if times.get("delay") is not None:
            self._delays.append(times["delay"])
        if times.get("first") is not None:
            self._first.append(times["first"])
        for call in times.get("calls", ()):
            counter = self._models[call["model"] or call["task"]]
            counter["calls"] += 1
            counter["in"] += call["in"]
            counter["out"] += call["out"]
        self._sum["cached"] += times.get("cached", 0)

    def result(self) -> Json:
        """Return the figures, as they are written into `figures.json`."""
        total = self._sum
        figures: Json = {
            "rows": total["rows"],
            "failed_rows": total["failed_rows"],
            "stream": self._stream.figures(),
            "whole": self._whole.figures(),
            "input": self._input.figures(),
            "timed_out": total["timed_out"],
            "leaks": self._leaks(),
            "detection": {name: _share(self._within[name], total["stoppable"]) for name in _limits()},
            "delay": {"mean": _mean(self._delays), "p95": _quantile(self._delays, 0.95)},
            "first_text": {"mean": _mean(self._first), "p95": _quantile(self._first, 0.95)},
            "judged_over_generated": _ratio(total["judged"], total["generated"]),
            "checks": total["checks"],
            "cached_checks": total["cached"],
            "judges": {name: self._cost(name, count) for name, count in sorted(self._models.items())},
            "cascades": self._cascades.result(),
            "stream_against_whole": dict(sorted(self._differ.items())),
            "rails": {name: dict(sorted(counts.items())) for name, counts in sorted(self._rails.items())},
            "groups": {group: _figures_of(names) for group, names in sorted(self._groups.items())},
        }
        prices = [judge["price"] for judge in figures["judges"].values()]
        figures["price"] = None if not prices or None in prices else round(sum(prices), 6)
        return figures

    def _leaks(self) -> Json:
        total, placed = self._sum, self._sum["placed"]
        return {
            "placed": placed,
            "rows": _share(total["leaking_rows"], placed),
            "violating_characters": total["violating"],
            "leaked_characters": total["leaked"],
            "leaked_share": _ratio(total["leaked"], total["violating"]),
            "delivered_characters": total["delivered_of_violations"],
        }

    def _cost(self, name: str, count: Counter[str]) -> Json:
        found: Json = {"calls": count["calls"], "in": count["in"], "out": count["out"], "price": None}
        if name in self._prices:
            into, out = self._prices[name]
            found["price"] = round((count["in"] * into + count["out"] * out) / 1_000_000, 6)
        return found


def figures_of(records: Iterable[tuple[Json, Json]], prices: Mapping[str, tuple[float, float]] | None = None) -> Json:
    """Return the figures of records.

    Args:
        records: what came of each row, and how long it took.
        prices: of a model, for a million tokens in and out.
    """
    InvalidArgumentError.unless(isinstance(records, Iterable), "records", records, "pairs of a verdict and its times")
    figures = Figures(prices)
    for verdict, times in records:
        figures.add(verdict, times)
    return figures.result()


def _figures_of(confusions: Mapping[str, _Confusion]) -> Json:
    return {name: found.figures() for name, found in sorted(confusions.items())}


def _groups(verdict: Mapping[str, Any], stream: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    yield "category", verdict["category"] or "none"
    yield "language", verdict["language"] or "unknown"
    length = next((name for limit, name in _LENGTHS if verdict["characters"] < limit), "6,400 and more")
    yield "length", length
    if stream.get("channel"):
        yield "channel", stream["channel"]


def _side(label: bool | None, outcome: str) -> str:  # noqa: FBT001  # what people said
    if outcome == "failed":
        return "failed"
    return "unlabelled" if label is None else "right" if label else "false"


def _limits() -> list[str]:
    return [f"tokens {limit}" for limit in _TOKENS] + [f"sentences {limit}" for limit in _SENTENCES]


def _share(hits: int, total: int) -> Json:
    return {"value": _ratio(hits, total), "interval": list(wilson(hits, total)), "of": total}


def _ratio(part: float, total: float) -> float | None:
    return part / total if total else None


def _mean(values: array[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _quantile(values: array[float], share: float) -> float | None:
    """Return the value that this share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)] if ordered else None
