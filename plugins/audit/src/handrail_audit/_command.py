"""`handrail audit`, with its commands `verify`, `show`, `mark` and `usage`."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from handrail_audit._chain import checked, files, lines
from handrail_audit._usage import By, summed

app = App(name="audit", help="Read, check and review a record of decisions.", help_format="plaintext")

_MARKS = "marks.jsonl"


@app.command(name="verify")
def verify_record(
    folder: Path,
    /,
    *,
    key_env_var: str | None = None,
    has: Annotated[tuple[str, ...], Parameter(negative=())] = (),
) -> int:
    """Check that no line of a record was changed, moved or taken out, and print where each process's record ends.

    Exit codes: 0 every line fits, 1 one does not, 2 there is no record or no key.

    Args:
        folder: The folder of the record.
        key_env_var: The environment variable with the key, if the record has one.
        has: The hash of a line that must be there, such as the last one of an earlier check.
    """
    key = os.environ.get(key_env_var, "") if key_env_var else ""
    if key_env_var and not key:
        print(f"{key_env_var!r} is not set", file=sys.stderr)  # noqa: T201  # a command
        return 2
    if _has_none(folder):
        return 2
    record = checked(folder, key.encode(), has=has)
    for fault in record.faults:
        print(_shown(f"{fault.file}:{fault.line}: {fault.kind}"))  # noqa: T201  # a command
    for end in record.ends:
        state = "closed" if end.closed else "not closed"
        print(_shown(f"{end.file}: {state}, last hash {end.hash}"))  # noqa: T201  # a command
    if not key and sum(fault.kind == "changed" for fault in record.faults) == record.lines:
        text = "no hash fits without a key; if the record has one, name its variable with --key-env-var"
        print(text, file=sys.stderr)  # noqa: T201  # a command
    if not record.faults:
        print(f"every line fits ({record.lines})")  # noqa: T201  # a command
    return 1 if record.faults else 0


@app.command
def show(folder: Path, /, *, rail: str | None = None, call: str | None = None, last: int = 50) -> int:
    """Print the decisions of a record, the newest last, with what reviewers said of them.

    Exit codes: 0 printed, 2 there is no record.

    Args:
        folder: The folder of the record.
        rail: Only those of this rail.
        call: Only those of this call.
        last: How many.
    """
    if _has_none(folder):
        return 2
    marks = _marks(folder)
    found = [
        fields
        for fields in lines(folder)
        if (rail is None or fields["rail"] == rail) and (call is None or fields["call"] == call)
    ]
    for fields in sorted(found, key=lambda fields: float(fields["at"]))[max(len(found) - last, 0) :]:
        print(_described(fields, marks.get((fields["call"], fields["rail"]))))  # noqa: T201  # a command
    return 0


@app.command
def mark(folder: Path, call: str, rail: str, label: Literal["right", "wrong"], /, *, by: str = "") -> int:
    """Mark a decision as right or wrong; the last mark of a decision counts.

    Exit codes: 0 marked, 2 the record has no such decision.

    Args:
        folder: The folder of the record.
        call: The call, as `show` prints it.
        rail: The rail.
        label: What the decision was.
        by: Who says so.
    """
    found = [fields for fields in lines(folder) if fields["call"] == call and fields["rail"] == rail]
    if not found:
        print(f"{folder}: no decision of rail {rail!r} in call {call!r}", file=sys.stderr)  # noqa: T201  # a command
        return 2
    said = {"at": time.time(), "call": call, "rail": rail, "label": label, "by": by, "refused": _refused(found)}
    with (folder / _MARKS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(said) + "\n")
    return 0


@app.command
def usage(folder: Path, /, *, by: By = "caller") -> int:
    """Print what calls have used and cost; the record has that if `usage` of its observer is true.

    Exit codes: 0 printed, 2 the record does not have it.

    Args:
        folder: The folder of the record.
        by: What to sum up by.
    """
    if _has_none(folder):
        return 2
    sums = summed(folder, by)
    if not sums:
        print(f"{folder}: no usage recorded; set observers.audit.usage to true", file=sys.stderr)  # noqa: T201  # a command
        return 2
    for name, one in sorted(sums.items()):
        parts = [name, f"requests={one.requests}", f"input={one.input_tokens}", f"output={one.output_tokens}"]
        parts += [f"{cost:.6g} {currency}" for currency, cost in sorted(one.costs.items())]
        parts += [f"without a price: {one.unpriced}"] if one.unpriced else []
        print("  ".join(map(_shown, parts)))  # noqa: T201  # a command
    return 0


def _has_none(folder: Path) -> bool:
    """Return whether a folder has no record, and say so."""
    if any(files(folder)):
        return False
    inside = folder / "audit"
    more = f"; did you mean {str(inside)!r}?" if any(files(inside)) else ""
    print(f"{folder}: no record found{more}", file=sys.stderr)  # noqa: T201  # a command
    return True


def _refused(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return in which directions a rail refused or rewrote, or would have; that it failed says nothing of the text."""
    did = [(fields["direction"], fields.get("would_have", fields["decision"])) for fields in found]
    return sorted({str(direction) for direction, decision in did if decision in ("block", "rewrite")})


def _marks(folder: Path) -> Mapping[tuple[str, str], str]:
    file = folder / _MARKS
    raws = file.read_bytes().splitlines() if file.exists() else []
    found = {}
    for number, raw in enumerate(raws, 1):
        try:
            said = json.loads(raw)
            found[said["call"], said["rail"]] = said["label"]
        except (KeyError, RecursionError, TypeError, ValueError):
            print(f"{file}:{number}: torn", file=sys.stderr)  # noqa: T201  # a command
    return found


def _described(fields: Mapping[str, Any], label: str | None) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(fields["at"]))
    did = f"would have: {fields['would_have']}" if "would_have" in fields else fields["decision"]
    parts = [when, fields["call"], fields.get("caller") or "-", fields["direction"], fields["rail"], did]
    parts += [f"{name}={fields[name]}" for name in ("category", "score", "span", "failure") if name in fields]
    if label is not None:
        parts.append(f"[{label}]")
    return "  ".join(map(_shown, parts))


def _shown(value: object) -> str:
    """Return a value without characters that a terminal would obey."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in str(value))
