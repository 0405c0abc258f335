"""Labels that reviewers gave: what `handrail audit mark` has written of refusals that were right or wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

from handrail import ConfigurationError

from handrail_eval._rows import Row

MARKS: Final = "marks.jsonl"
_LABELS: Final = ("right", "wrong")

Labels: TypeAlias = Mapping[tuple[str, str], bool]
"""By call and direction, whether it was a violation."""


def labels_of(path: Path) -> Labels:
    """Return what reviewers said of the refusals of a record.

    The last mark of a rail in a call counts. If one rail was right the text was a violation, whatever others did. What
    was said of a rail that failed is no label, for that says nothing of the text.

    Args:
        path: the folder of the record, or its file of marks.

    Raises:
        ConfigurationError: there are no marks, or the file has something else.
    """
    file = path / MARKS if path.is_dir() else path
    if not file.is_file():
        raise ConfigurationError(f"{file} does not exist; 'handrail audit mark' writes it")
    last: dict[tuple[str, str], tuple[list[str], bool]] = {}
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        call, rail, refused, is_right = _mark(line, f"{file}:{number}")
        last[call, rail] = refused, is_right
    found: dict[tuple[str, str], bool] = {}
    for (call, _), (refused, is_right) in last.items():
        for direction in refused:
            found[call, direction] = found.get((call, direction), False) or is_right
    if not found:
        raise ConfigurationError(f"{file} has no mark of a decision that refused or rewrote")
    return found


def labelled(rows: Iterable[Row], labels: Labels) -> Iterator[Row]:
    """Yield rows with the labels of their calls; a row's `id` is its call. Those of other rows stay.

    Raises:
        ConfigurationError: no row is of a call that was marked.
    """
    matched = 0
    for row in rows:
        label = labels.get((row.id, "input" if row.response is None else "output"))
        matched += label is not None
        yield row if label is None else replace(row, label=label)
    if not matched:
        raise ConfigurationError("no row has the id of a call that was marked; name its column by --map id=COLUMN")


def _mark(line: bytes, where: str) -> tuple[str, str, list[str], bool]:
    try:
        said = json.loads(line)
        call, rail, refused, label = said["call"], said["rail"], said["refused"], said["label"]
    except (KeyError, RecursionError, TypeError, ValueError):
        raise ConfigurationError(f"{where} is not a mark of 'handrail audit mark'") from None
    if not isinstance(call, str) or not isinstance(rail, str) or not isinstance(refused, list) or label not in _LABELS:
        raise ConfigurationError(f"{where} is not a mark of 'handrail audit mark'")
    return call, rail, [str(direction) for direction in refused], label == "right"
