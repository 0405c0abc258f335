"""`handrail migrate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handrail import Registry

from handrail_cli._check import examine
from handrail_cli._exit import ExitCode
from handrail_cli._parameters import Flag, configurations_in, one_path
from handrail_cli._patching import patch_of
from handrail_cli._table import aligned
from handrail_cli._visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_OUTSIDE = ("missing-variable", "missing-package")  # problems that no change of the configuration solves


def migrate(path: Path | None = None, /, *, config: Path | None = None, patch: Flag = False) -> int:
    """Explain a configuration that was written for another system: what runs, what differs, what to change.

    Nothing is written, and no model is asked. What can be changed without a
    decision is shown as a patch, which takes no rail away.

    Exit codes: 0 it can be used as it is, 2 something must be changed or set up first.

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
    to_set_up = [problem for problem in problems if problem["code"] in _OUTSIDE]
    to_change = [problem for problem in problems if problem["code"] not in _OUTSIDE]
    yield f"{result['path']} {_verdict(to_change, to_set_up)}"
    if problems and not names:
        yield "which plugins it needs is known once it can be read"
    served = [(name["kind"], name["name"], name["plugin"]) for name in names if name["plugin"]]
    yield from _section("runs" if not problems else "would run", [*aligned(served)])
    absent = [(name["kind"], name["name"], name["where"]) for name in names if not name["plugin"]]
    yield from _section("not installed", [*aligned(absent)])
    yield from _section("differs", [*result.get("notes", ()), *result.get("warnings", ())])
    yield from _section("to set up", [_placed(problem) for problem in to_set_up])
    yield from _section("to change", [_placed(problem) for problem in to_change])
    yield from _section("patch", diff.splitlines())


def _verdict(to_change: Sequence[object], to_set_up: Sequence[object]) -> str:
    if to_change:
        return "must be changed before Handrail runs it"
    return "runs once what is listed under 'to set up' is there" if to_set_up else "runs as it is"


def _placed(problem: Mapping[str, Any]) -> str:
    place = f"{problem['file']}:{problem['line']}:{problem['column']}: " if "file" in problem else ""
    return f"{place}{problem['message']}"


def _section(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield title
        yield from (f"  {line}" for line in lines)
