"""Who judges the rows of a run: this machine, or an engine that a package offers."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, Protocol, cast

from handrail import ConfigurationError

from handrail_eval._engine import Settings, Write, judge_rows
from handrail_eval._rows import Row

LOCAL: Final = "local"
_GROUP: Final = "handrail.eval_engines"


class JudgeRows(Protocol):
    """Judges rows."""

    def __call__(self, config: Path, rows: Iterable[Row], settings: Settings, write: Write) -> None:
        """Judge rows by a configuration, and write what came of each, in their order.

        Raises:
            ConfigurationError: the configuration, the data or the engine cannot be used.
        """
        ...


def engine_of(name: str) -> JudgeRows:
    """Return an engine.

    Raises:
        ConfigurationError: it is not installed.
    """
    if name == LOCAL:
        return judge_rows
    found = {point.name: point for point in entry_points(group=_GROUP)}
    if name not in found:
        known = ", ".join(map(repr, sorted({LOCAL, *found})))
        raise ConfigurationError(f"unknown engine {name!r} in --engine; installed: {known}")
    return cast("JudgeRows", found[name].load())
