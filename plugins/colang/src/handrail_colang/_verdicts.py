"""What the result of an action says by itself, where no flow looks at it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from handrail.errors import RailError, message_of

from handrail_colang._outcomes import RailOutcome

_FINDS = re.compile(r"detect|hallucination")
_LEAST = 0.5  # of a number that says how well the text is supported

Mapping: TypeAlias = Callable[[Any], object]
"""An action's `output_mapping`: returns whether its result forbids the text."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a flow lets nothing more pass, and what it tells the user, if it says so."""

    reason: str
    category: str | None = None
    message: str = ""


def refusal_of(result: Any, name: str, rail: str, mapping: Mapping | None = None) -> Refusal | None:
    """Read the result of an action; return None if the text may pass.

    Args:
        result: what it returned.
        name: the action's name, or that of the rail in whose place it is.
        rail: the rail that executes it.
        mapping: how its author reads the result.

    Raises:
        RailError: it says neither yes nor no.
    """
    if isinstance(result, RailOutcome):  # carried out already
        return None
    if mapping is not None:
        return Refusal(f"{name} refused") if _mapped(mapping, result, name, rail) else None
    if isinstance(result, bool) and not _FINDS.search(name):
        return None if result else Refusal(f"{name} refused")
    if isinstance(result, int | float) and not isinstance(result, bool):
        return None if result >= _LEAST else Refusal(f"{name}: {result} is below {_LEAST}")
    raise RailError(
        f"the action that decides for {name!r} returned {type(result).__name__}, which does not say whether the text "
        f"may pass; return RailOutcome.allow() or RailOutcome.block()",
        rail=rail,
    )


def plain(result: Any) -> Any:
    """Return a result, a single number or bool of NumPy as one of Python: `numpy.False_` is not `False`."""
    item = getattr(result, "item", None)
    return item() if callable(item) and getattr(result, "shape", None) == () else result


def _mapped(mapping: Mapping, result: Any, name: str, rail: str) -> bool:
    try:
        return bool(plain(mapping(result[0] if isinstance(result, tuple) and result else result)))
    except Exception as exc:
        raise RailError(
            f"the output_mapping of {name!r} raised {type(exc).__name__}: {message_of(exc)}", rail=rail
        ) from exc
