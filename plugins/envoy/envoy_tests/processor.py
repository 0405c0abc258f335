"""A processor with rails of the tests, as a process: `python processor.py CONFIG PORT`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import anyio
from handrail import Registry, Verdict
from handrail.plugins import RailSpec, hookimpl
from handrail_envoy._routes import load
from handrail_envoy._serve import serve


class Slow:
    """Blocks what says `FORBIDDEN`, and takes as long as a text says with `WAIT 0.5`."""

    def __init__(self, settings, context):
        pass

    async def check(self, window, turn):
        if wait := re.search(r"WAIT ([\d.]+)", window.text):
            await anyio.sleep(float(wait[1]))
        if "RAISE" in window.text:
            raise RuntimeError(window.text)
        return Verdict.block("forbidden") if "FORBIDDEN" in window.text else Verdict.allow()


class Plugin:
    @hookimpl
    def handrail_rails(self):
        yield RailSpec("slow", Slow, directions=("input", "output"))


if __name__ == "__main__":
    routes = load(Path(sys.argv[1]), unguarded=["/v1/models"], registry=Registry.discover().with_plugins(Plugin()))
    sys.exit(serve(routes, f"127.0.0.1:{sys.argv[2]}", drain_seconds=1))
