"""Matches that overlap, joined: the strictest of their actions is taken on all of the text that they cover."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from handrail_patterns._hit import Found


class Cluster(NamedTuple):
    """Matches that overlap one another, in characters of the whole text."""

    start: int
    end: int
    strictest: Found


class Clusters:
    """Clusters in the order of the text, none of which overlaps another."""

    __slots__ = ("_clusters",)

    def __init__(self) -> None:
        self._clusters: list[Cluster] = []

    def add(self, match: Found) -> None:
        """Add a match; what it overlaps becomes one with it."""
        clusters = self._clusters
        first = bisect_right(clusters, match.start, key=_end)
        last = first
        start, end, strictest = match.start, match.end, match
        while last < len(clusters) and clusters[last].start < match.end:
            other = clusters[last]
            start, end = min(start, other.start), max(end, other.end)
            strictest = min(strictest, other.strictest, key=_strictness)
            last += 1
        clusters[first:last] = [Cluster(start, end, strictest)]

    def first(self) -> Cluster | None:
        """Return the first cluster."""
        return self._clusters[0] if self._clusters else None

    def drop_first(self) -> None:
        """Take the first cluster away."""
        del self._clusters[0]


def _end(cluster: Cluster) -> int:
    return cluster.end


def _strictness(match: Found) -> tuple[int, int, int, int]:
    """Of equally strict matches the first counts, then the longest, then the one whose rule comes first."""
    return (match.rule.action.rank, match.start, -match.end, match.rule.order)
