"""`handrail migrate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handrail import Registry

from handrail_cli._check import configurations_in, examine
from handrail_cli._exit import ExitCode
from handrail_cli._parameters import Flag, one_path
from handrail_cli._patching import patch_of
from handrail_cli._table import aligned
from handrail_cli._visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def migrate(path: Path | None = None, /, *, config: Path | None = None, patch: Flag = False) -> int:
    """Explain a configuration that was written for another system: what runs, what differs, what to change.

    Nothing is written, and no model is asked. What can be changed without a decision is shown as a patch, which
    takes no rail away.

    Exit codes: 0 it can be used as it is, 2 something must be changed first.

    Args:
        path: A folder with a configuration, or its file; or a folder of such folders, each of which is explained.
        config: Another way to write PATH.
        patch: Write the patch alone, for `patch -p1 -d PATH`.
    """
    root, registry = one_path(path, config), Registry.discover()
    folders = configurations_in(root) or [root]
    results = {folder: examine(folder, registry) for folder in folders}
    diffs = {folder: patch_of(folder, result["problems"]) for folder, result in results.items()}
    if patch:
        sys.stdout.write("".join(diffs.values()))
    else:
        pages = ("\n".join(_lines(result, diffs[folder])) for folder, result in results.items())
        sys.stdout.write(visible("\n\n".join(pages)) + "\n")
    return ExitCode.USAGE if any(result["problems"] for result in results.values()) else ExitCode.OK


def _lines(result: Mapping[str, Any], diff: str) -> Iterator[str]:
    problems, names = result["problems"], result.get("names", ())
    yield f"{result['path']} {'must be changed before Handrail runs it' if problems else 'runs as it is'}"
    if problems and not names:
        yield "which plugins it needs is known once it can be read"
    served = [(name["kind"], name["name"], name["plugin"]) for name in names if name["plugin"]]
    yield from _section("runs" if not problems else "would run", [*aligned(served)])
    absent = [(name["kind"], name["name"], name["where"]) for name in names if not name["plugin"]]
    yield from _section("not installed", [*aligned(absent)])
    yield from _section("differs", [*result.get("notes", ()), *result.get("warnings", ())])
    yield from _section("to change", [_placed(problem) for problem in problems])
    yield from _section("patch", diff.splitlines())


def _placed(problem: Mapping[str, Any]) -> str:
    place = f"{problem['file']}:{problem['line']}:{problem['column']}: " if "file" in problem else ""
    return f"{place}{problem['message']}"


def _section(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield title
        yield from (f"  {line}" for line in lines)
