"""The records of a run as a table in Parquet, for whoever analyses them further."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

from handrail import ConfigurationError

from handrail_eval._run import records_of

TABLE: Final = "verdicts.parquet"
_AT_ONCE: Final = 5000  # rows, by which memory is bounded

_COLUMNS: Final = {
    "row": "int64",
    "id": "string",
    "where": "string",
    "label": "bool",
    "category": "string",
    "language": "string",
    "characters": "int64",
    "tokens": "int64",
    "error": "string",
    "input": "string",
    "whole": "string",
    "stream": "string",
    "rail": "string",
    "rail_category": "string",
    "channel": "string",
    "score": "double",
    "delivered": "int64",
    "leaked": "int64",
    "place": "int64",
    "within_tokens": "int64",
    "judged": "int64",
    "checks": "int64",
    "delay": "double",
    "first": "double",
    "seconds": "double",
}
"""Times are in seconds, sizes in characters but for those that name tokens; `score` is the row's highest."""


def write_table(folder: Path) -> Path:
    """Write the table of a run; no text of the data is in it.

    Raises:
        ConfigurationError: pyarrow is not installed, or there is no run in the folder.
    """
    try:
        from pyarrow import Table, parquet, type_for_alias  # type: ignore[import-untyped]  # it has no types
        from pyarrow import schema as schema_of
    except ImportError:
        raise ConfigurationError(
            '--parquet needs pyarrow; install it with: pip install "handrail-eval[parquet]"'
        ) from None
    schema = schema_of([(name, type_for_alias(kind)) for name, kind in _COLUMNS.items()])
    rows = _rows(folder)
    new = (folder / TABLE).with_suffix(".new")
    with parquet.ParquetWriter(new, schema) as writer:
        while some := list(islice(rows, _AT_ONCE)):
            writer.write_table(Table.from_pylist(some, schema=schema))
    return new.replace(folder / TABLE)


def _rows(folder: Path) -> Iterator[dict[str, Any]]:
    for verdict, times in records_of(folder):
        row = {name: verdict.get(name) for name in ("row", "id", "where", "label", "category", "language")}
        row |= {name: verdict.get(name) for name in ("characters", "tokens", "error")}
        for part in ("input", "whole", "stream"):
            row[part] = verdict[part]["outcome"] if verdict.get(part) else None
        row |= _stream(verdict.get("stream") or {})
        row |= {"delay": times.get("delay"), "first": times.get("first"), "seconds": times.get("ended")}
        yield row


def _stream(stream: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: stream.get(name) for name in ("rail", "channel", "delivered", "leaked", "place", "within_tokens")}
    checks = stream.get("checks", ())
    scores = [check["score"] for check in checks if "score" in check]
    found |= {"rail_category": stream.get("category"), "judged": stream.get("judged"), "checks": len(checks)}
    return {**found, "score": max(scores, default=None)}
