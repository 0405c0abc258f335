"""The names under which an action may be known."""

from __future__ import annotations

import re
from collections.abc import Iterable

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def names_of(name: str) -> tuple[str, ...]:
    """Return the names under which an action may be known: `SelfCheckOutputAction` is `self_check_output` too."""
    snake = _HUMP.sub("_", name).lower().replace(" ", "_")
    return (name, snake, snake.removesuffix("_action"))


def named_so(name: str, actions: Iterable[str]) -> str | None:
    """Return the action of this name, which may be registered as `SelfCheckOutputAction` for `self_check_output`."""
    return name if name in actions else next((known for known in actions if name in names_of(known)), None)
