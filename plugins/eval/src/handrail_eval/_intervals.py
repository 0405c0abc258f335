"""How sure a share is: Wilson's interval, Newcombe's for a difference of pairs, McNemar's exact test."""

from __future__ import annotations

from fractions import Fraction
from math import sqrt
from typing import Final

Z: Final = 1.959963984540054
"""Standard deviations to both sides of the mean that hold 95% of a normal distribution."""


def wilson(hits: int, total: int) -> tuple[float, float]:
    """Return the 95% interval of a share by Wilson's score; all of [0, 1] where nothing was counted."""
    if total == 0:
        return 0.0, 1.0
    share, square = hits / total, Z * Z
    middle = share + square / (2 * total)
    around = Z * sqrt(share * (1 - share) / total + square / (4 * total * total))
    scale = 1 + square / total
    return max(0.0, (middle - around) / scale), min(1.0, (middle + around) / scale)


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the two-sided exact probability that pairs differ so unevenly by chance."""
    total = only_first + only_second
    if total == 0:
        return 1.0
    tail = term = 1
    for k in range(min(only_first, only_second)):
        term = term * (total - k) // (k + 1)
        tail += term
    return min(1.0, float(Fraction(2 * tail, 1 << total)))


def paired_difference(both: int, only_first: int, only_second: int, neither: int) -> tuple[float, float]:
    """Return the 95% interval of the second share less the first, of the same rows (Newcombe's method 10)."""
    total = both + only_first + only_second + neither
    if total == 0:
        return -1.0, 1.0
    first, second = (both + only_first) / total, (both + only_second) / total
    (low1, high1), (low2, high2) = wilson(both + only_first, total), wilson(both + only_second, total)
    product = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
    phi = 0.0
    if product:
        cross = both * neither - only_first * only_second
        phi = (max(cross - total / 2, 0) if cross > 0 else cross) / sqrt(product)
    low = _distance(second - low2, high1 - first, phi)
    high = _distance(high2 - second, first - low1, phi)
    difference = second - first
    return max(-1.0, difference - low), min(1.0, difference + high)


def _distance(one: float, other: float, phi: float) -> float:
    return sqrt(max(0.0, one * one - 2 * phi * one * other + other * other))
