"""What somebody probably meant who wrote a name that is unknown, for messages."""

from __future__ import annotations

from collections.abc import Iterable

_LONGEST = 64  # characters that are compared: a name may come from anybody, and comparing long ones takes long


def nearest(name: object, names: Iterable[str]) -> str | None:
    """Return the name that was probably meant; case makes no difference."""
    from difflib import get_close_matches

    folded = {known.lower(): known for known in names}
    close = get_close_matches(str(name)[:_LONGEST].lower(), folded, n=1)
    return folded[close[0]] if close else None


def did_you_mean(name: object, names: Iterable[str]) -> str:
    """Write what was probably meant, as the end of a message; empty if nothing is near."""
    near = nearest(name, names)
    return f"; did you mean '{near}'?" if near is not None else ""
