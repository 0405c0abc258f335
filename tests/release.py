"""Builds every distribution into `dist/` and checks it as its users will get it. `make release`.

Nothing is published here: that is done by a workflow, for a tag, with what this has built.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))

import release_checks as checks
from distributions import ROOT, Environment, build

QUICKSTART = ROOT / "docs" / "examples" / "quickstart"
QUESTION = "How do the tides work?"


def problems_of_files(folder: Path) -> Iterator[str]:
    """Look at everything that was built."""
    wheels = checks.wheels(folder)
    for wheel in wheels:
        found = [*checks.problems_of_contents(wheel), *checks.problems_of_metadata(wheel)]
        yield from (f"{wheel.file.name} {problem}" for problem in found)
        archive = wheel.file.with_name(wheel.file.name.replace("-py3-none-any.whl", ".tar.gz"))
        yield from (f"{archive.name} {problem}" for problem in checks.problems_of_source(archive, wheel.member))
    kernel = next(wheel for wheel in wheels if wheel.distribution == "handrail")
    yield from checks.problems_of_extras(kernel, [wheel.distribution for wheel in wheels])
    yield from checks.problems_that_tools_find(sorted(folder.iterdir()))


def problems_of_installation(folder: Path, scratch: Path) -> Iterator[str]:
    """Install all wheels into an empty environment, and use them where the repository is not."""
    environment = Environment.create(scratch / "environment")
    wheels = checks.wheels(folder)
    environment.install(*(wheel.file for wheel in wheels), wheels=folder)
    listed = json.loads(environment.run("handrail", "plugins", "--json").stdout)
    plugins = {plugin["distribution"]: plugin for plugin in listed["plugins"]}
    for wheel in wheels:
        if not wheel.entry_points:
            continue
        plugin = plugins.get(wheel.distribution)
        if plugin is None or plugin["problem"] or plugin["version"] != wheel.metadata["Version"]:
            yield f"{wheel.distribution} is not found as a plugin after its installation: {plugin}"
    where = environment.run("python", "-c", "import handrail; print(handrail.__file__)").stdout
    if not where.startswith(str(environment.folder)):
        yield f"handrail is imported from {where.strip()}, which is not what was installed"
    quickstart = shutil.copytree(QUICKSTART, scratch / "quickstart")
    said = environment.run("handrail", "chat", quickstart, "--streaming", "--message", QUESTION).stdout
    if not said.startswith("Tides happen because"):
        yield f"the quickstart does not answer: {said!r}"


def problems_of_repetition(folder: Path, scratch: Path) -> Iterator[str]:
    """Build everything again; the same commit must give the same bytes."""
    build(again := scratch / "again")
    first, second = checks.digests(folder), checks.digests(again)
    yield from (f"{name} differs when it is built again" for name in first if second.get(name) != first[name])


def main() -> int:
    """Build, check, and say what was found."""
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    build(dist)
    steps: dict[str, Callable[[Path], Iterator[str]]] = {
        "contents, metadata, entry points, extras": problems_of_files,
        "installed where the repository is not": lambda folder: problems_of_installation(folder, scratch),
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
