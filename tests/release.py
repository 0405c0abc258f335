"""Builds every distribution into `dist/`, checks it as its users will get it, and writes what it needs into `sbom/`.

`make release`.
Nothing is published here: that is done by a workflow, for a tag, with what this has built.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))

import release_checks as checks
import sboms
from distributions import ROOT, Environment, build


def problems_of_files(folder: Path) -> Iterator[str]:
    """Look at everything that was built."""
    wheels = checks.wheels(folder)
    for wheel in wheels:
        found = [*checks.problems_of_contents(wheel), *checks.problems_of_metadata(wheel)]
        found += checks.problems_of_description(wheel)
        yield from (f"{wheel.file.name} {problem}" for problem in found)
        archive = wheel.file.with_name(wheel.file.name.replace("-py3-none-any.whl", ".tar.gz"))
        yield from (f"{archive.name} {problem}" for problem in checks.problems_of_source(archive, wheel.member))
    kernel = next(wheel for wheel in wheels if wheel.distribution == "handrail")
    yield from checks.problems_of_extras(kernel, [wheel.distribution for wheel in wheels])
    yield from checks.problems_that_tools_find(sorted(folder.iterdir()))


def problems_of_repetition(folder: Path, scratch: Path) -> Iterator[str]:
    """Build everything again; the same commit must give the same bytes."""
    build(again := scratch / "again")
    first, second = checks.digests(folder), checks.digests(again)
    yield from (f"{name} differs when it is built again" for name in first if second.get(name) != first[name])


def problems_of_bills(folder: Path, scratch: Path) -> Iterator[str]:
    """Write a bill of materials for each member, from the environment that has them all; none may name this machine."""
    shutil.rmtree(bills := ROOT / "sbom", ignore_errors=True)
    names = [wheel.distribution for wheel in checks.wheels(folder)]
    for file in sboms.write(bills, names, Environment(scratch / "environment")):
        if str(scratch) in (text := file.read_text(encoding="utf-8")) or str(ROOT) in text:
            yield f"{file.name} names a folder of this machine"


def main() -> int:
    """Build, check, and say what was found."""
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    build(dist)
    steps: dict[str, Callable[[Path], Iterator[str]]] = {
        "contents, metadata, entry points, extras": problems_of_files,
        "installed where the repository is not": lambda folder: checks.problems_of_installation(folder, scratch),
        "bills of materials": lambda folder: problems_of_bills(folder, scratch),
        "built again": lambda folder: problems_of_repetition(folder, scratch),
    }
    found: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for title, step in steps.items():
            problems = list(step(dist))
            print(f"{title}: {'; '.join(problems) or 'sound'}")
            found += problems
    print(f"{len(list(dist.iterdir()))} files in {dist}, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
