"""A value of the configuration is read, validated and resolved once: few functions stand between file and rail."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

import handrail
import pytest
from fakes import FunctionRail
from handrail import LLMRails, RailsConfig, Registry, Verdict
from handrail._builtin import plugin as builtin
from handrail.plugins import RailSpec, hookimpl

ROOT = str(Path(handrail.__file__).parent)
MOST = 40
WRITTEN = {"chunk_size": 137, "threshold": 0.51234}  # as nothing else is
RECORDS = ("RailOptions", "StreamingConfig", "RailPlan", "_Cut", "Node")
PARTS = (*WRITTEN, "sizes", "streaming", "strategy_settings", "value", "entries")

CONFIG = f"""
rails:
  output:
    flows: [word check]
    streaming: {{enabled: true, chunk_size: {WRITTEN["chunk_size"]}, context_size: 20}}
  config:
    word check: {{threshold: {WRITTEN["threshold"]}}}
"""


class Plugin:
    @hookimpl
    def handrail_rails(self):
        yield RailSpec("word check", lambda settings, context: FunctionRail(lambda window: Verdict.allow()))


def holds(found: object, wanted: float, depth: int = 0) -> bool:
    """Return whether something is the value, or a container or a record that has it."""
    if isinstance(found, int | float | str):
        return str(found) == str(wanted)
    if depth > 3:
        return False
    if isinstance(found, dict):
        found = tuple(found.values())
    elif type(found).__name__ in RECORDS:
        found = tuple(getattr(found, part, None) for part in PARTS)
    return isinstance(found, list | tuple) and any(holds(each, wanted, depth + 1) for each in found)


def way_of(wanted: float) -> set[tuple[str, str]]:
    """Load a configuration; return the kernel's functions with the value among what they are given, keep or return."""
    seen: set[tuple[str, str]] = set()

    def look(frame: FrameType, event: str, result: object) -> None:
        code = frame.f_code
        if event not in ("call", "return") or not code.co_filename.startswith(ROOT):
            return
        if holds((*frame.f_locals.values(), result), wanted):
            seen.add((code.co_filename, code.co_qualname.partition(".<locals>.<")[0]))  # a comprehension is no function

    registry = Registry().with_plugins(builtin, Plugin())
    before = sys.getprofile()
    sys.setprofile(look)
    try:
        LLMRails(RailsConfig.from_content(yaml_content=CONFIG), registry=registry)
    finally:
        sys.setprofile(before)
    return seen


@pytest.mark.parametrize("key", WRITTEN)
def test_few_functions_stand_between_the_file_and_the_running_rail(key):
    way = way_of(WRITTEN[key])
    assert 10 < len(way) <= MOST, sorted(way)
