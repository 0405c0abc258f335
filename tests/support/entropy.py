"""Bytes of which property tests make their cases by `Choices`, and how many examples such a test tries.

Hypothesis draws bytes one by one, and remembers in a tree what it has drawn; both take longer than most of these
tests. So its provider is one that draws all bytes at once, of which no tree is kept: 200 random bytes do not come
twice. What fails is still made small by Hypothesis.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from model import Choices

EXAMPLES = int(os.environ.get("HANDRAIL_EXAMPLES", "300"))  # `make thorough` tries 2,000


class AtOnce(HypothesisProvider):
    """Draws bytes of a fixed length at once, and everything else as Hypothesis does."""

    def draw_bytes(self, min_size: int = 0, max_size: int = 0) -> bytes:
        assert min_size == max_size, "only entropy of a fixed length is drawn so"
        return self._random.randbytes(min_size)


AVAILABLE_PROVIDERS["at once"] = f"{__name__}.{AtOnce.__name__}"

thorough = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), backend="at once")
entropy = st.binary(min_size=480, max_size=480).map(Choices)
