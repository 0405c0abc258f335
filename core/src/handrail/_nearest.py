"""What somebody probably meant who wrote a name that is unknown, for messages."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from handrail.errors import InvalidArgumentError

_LONGEST = 64  # characters that are compared: a name may come from anybody, and comparing long ones takes long
_SHOWN = 200  # characters


def shown(name: object) -> str:
    """Return a name as messages repeat it: quoted, without control characters, and of a long one the beginning."""
    text = str(name)
    return repr(name if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def nearest(name: object, names: Iterable[str]) -> str | None:
    """Return the name that was probably meant; case makes no difference."""
    from difflib import get_close_matches

    folded = {known.lower(): known for known in names}
    close = get_close_matches(str(name)[:_LONGEST].lower(), folded, n=1)
    return folded[close[0]] if close else None


def refuse_other_than_names(argument: str, value: object, what: str) -> None:
    """Raise if an argument is no collection of names; of a text, each letter would be one.

    Raises:
        InvalidArgumentError: it is something else.
    """
    if isinstance(value, str) or not isinstance(value, Collection):
        raise InvalidArgumentError(f"{argument} takes a list of names of {what}, not {shown(value)}")


def did_you_mean(name: object, names: Iterable[str]) -> str:
    """Write what was probably meant, as the end of a message; empty if nothing is near."""
    near = nearest(name, names)
    return f"; did you mean '{near}'?" if near is not None else ""
