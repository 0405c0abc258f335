"""Gathers what many streams ask at once into batches: for classifiers, which answer dozens of texts in one pass.

A window rail that has `async def check_batch(windows, turns)` in place of `check` is batched without further ado; a
`Batcher` does the same for anything else that is asked one by one and answered in batches.
"""

from __future__ import annotations

from handrail._stream.batch_limits import BatchLimits as BatchLimits
from handrail._stream.batcher import Batcher as Batcher

__all__ = ["BatchLimits", "Batcher"]
