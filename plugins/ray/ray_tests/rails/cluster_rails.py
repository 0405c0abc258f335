"""Rails that wait as a judge or a classifier does, and say which process judged."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager
from pathlib import Path

import anyio
from handrail import Verdict
from handrail.plugins import RailSpec, hookimpl


class Judge:
    """Waits, and refuses the word `bad`, or another that its settings name."""

    def __init__(self, settings, context):
        self.seconds = settings.get("seconds", 0.1)
        self.word = settings.get("word", "bad")
        self.checks = settings.get("checks")
        self.now = self.most = 0

    async def check(self, window, turn):
        with self.counted():
            await anyio.sleep(self.seconds)
        detail = {"pid": os.getpid(), "word": self.word, "at once": self.most}
        if self.word in window.text.split():
            return Verdict.block(f"it says {self.word}", detail=detail)
        return Verdict.allow(detail=detail)

    @contextmanager
    def counted(self):
        """Count a check, and keep a file for as long as it takes, if the settings name a folder."""
        path = Path(self.checks, uuid.uuid4().hex) if self.checks else None
        self.now += 1
        self.most = max(self.most, self.now)
        if path is not None:
            path.touch()
        try:
            yield
        finally:
            self.now -= 1
            if path is not None:
                path.unlink()


class Classifier:
    """Waits 20 ms for a batch of any size, and says how large it was."""

    def __init__(self, settings, context):
        pass

    async def check_batch(self, windows, turns):
        await anyio.sleep(0.02)
        return [Verdict.allow(detail={"size": len(windows)})] * len(windows)


class Counter:
    """Refuses the fourth window of a stream."""

    def __init__(self, settings, context):
        pass

    def open(self, turn):
        return _Counted()


class _Counted:
    def __init__(self):
        self.seen = 0

    async def check(self, window):
        self.seen += 1
        return Verdict.block("the fourth") if self.seen == 4 else Verdict.allow(detail={"pid": os.getpid()})


@hookimpl
def handrail_rails():
    for name in ("judge", "one judge", "mortal judge"):
        yield RailSpec(name, Judge, rewrites=False)
    yield RailSpec("batches", Classifier, rewrites=False)
    yield RailSpec("counter", Counter, rewrites=False, stateful=True)
