"""`handrail audit`, with its commands `verify`, `show`, `mark` and `usage`."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from cyclopts import App

from handrail_audit._chain import lines, verify
from handrail_audit._usage import By, summed

app = App(name="audit", help="Read, check and review a record of decisions.", help_format="plaintext")

_MARKS = "marks.jsonl"


@app.command(name="verify")
def verify_record(folder: Path, /, *, key_env_var: str | None = None) -> int:
    """Check that no line of a record was changed or taken out.

    Exit codes: 0 every line fits, 1 one does not, 2 there is no record or no key.

    Args:
        folder: The folder of the record.
        key_env_var: The environment variable with the key, if the record has one.
    """
    key = os.environ.get(key_env_var, "") if key_env_var else ""
    if (key_env_var and not key) or not any(folder.glob("audit-*.jsonl")):
        wrong = f"{key_env_var!r} is not set" if key_env_var and not key else f"{folder}: no record found"
        print(wrong, file=sys.stderr)  # noqa: T201  # a command
        return 2
    faults = list(verify(folder, key.encode()))
    for fault in faults:
        print(f"{fault.file}:{fault.line}: {fault.kind}")  # noqa: T201  # a command
    if not faults:
        print("every line fits")  # noqa: T201  # a command
    return 1 if faults else 0


@app.command
def show(folder: Path, /, *, rail: str | None = None, call: str | None = None, last: int = 50) -> int:
    """Print the decisions of a record, the newest last, with what reviewers said of them.

    Args:
        folder: The folder of the record.
        rail: Only those of this rail.
        call: Only those of this call.
        last: How many.
    """
    marks = _marks(folder)
    found = [
        fields
        for fields in lines(folder)
        if (rail is None or fields["rail"] == rail) and (call is None or fields["call"] == call)
    ]
    for fields in sorted(found, key=lambda fields: float(fields["at"]))[-last:]:
        print(_described(fields, marks.get((fields["call"], fields["rail"]))))  # noqa: T201  # a command
    return 0


@app.command
def mark(folder: Path, call: str, rail: str, label: Literal["right", "wrong"], /, *, by: str = "") -> int:
    """Say of a decision that it was right or wrong; the last mark of a decision counts.

    Exit codes: 0 marked, 2 the record has no such decision.

    Args:
        folder: The folder of the record.
        call: The call, as `show` prints it.
        rail: The rail.
        label: What the decision was.
        by: Who says so.
    """
    if not any(fields["call"] == call and fields["rail"] == rail for fields in lines(folder)):
        print(f"{folder}: no decision of rail {rail!r} in call {call!r}", file=sys.stderr)  # noqa: T201  # a command
        return 2
    said = {"at": time.time(), "call": call, "rail": rail, "label": label, "by": by}
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
    sums = summed(folder, by)
    if not sums:
        print(f"{folder}: no usage recorded; set observers.audit.usage to true", file=sys.stderr)  # noqa: T201  # a command
        return 2
    for name, one in sorted(sums.items()):
        parts = [name, f"requests={one.requests}", f"input={one.input_tokens}", f"output={one.output_tokens}"]
        parts += [f"{cost:.6g} {currency}" for currency, cost in sorted(one.costs.items())]
        parts += [f"without a price: {one.unpriced}"] if one.unpriced else []
        print("  ".join(parts))  # noqa: T201  # a command
    return 0


def _marks(folder: Path) -> Mapping[tuple[str, str], str]:
    file = folder / _MARKS
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return {(said["call"], said["rail"]): said["label"] for said in map(json.loads, text.splitlines())}


def _described(fields: Mapping[str, Any], label: str | None) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(fields["at"]))
    did = f"would have: {fields['would_have']}" if "would_have" in fields else fields["decision"]
    parts = [when, fields["call"], fields.get("caller") or "-", fields["direction"], fields["rail"], did]
    parts += [f"{name}={fields[name]}" for name in ("category", "score", "span", "failure") if name in fields]
    if label is not None:
        parts.append(f"[{label}]")
    return "  ".join(map(str, parts))
