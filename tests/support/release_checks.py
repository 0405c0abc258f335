"""What must be true of a release: contents, metadata and entry points of each distribution, and of all together."""

from __future__ import annotations

import configparser
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from functools import cached_property
from pathlib import Path

from distributions import MEMBERS, ROOT, Environment, project, wheel_name
from readme_renderer import markdown

GROUP = "handrail"
QUICKSTART = ROOT / "docs" / "examples" / "quickstart"
QUESTION = "How do the tides work?"
LICENSE = (ROOT / "LICENSE").read_bytes()
_BESIDES_SOURCES = {"LICENSE", "PKG-INFO", "README.md", "pyproject.toml", ".gitignore"}


@dataclass(frozen=True)
class Wheel:
    """A built wheel, and the member that it was built from."""

    file: Path
    member: Path

    @cached_property
    def files(self) -> dict[str, bytes]:
        """Everything in it, by path."""
        with zipfile.ZipFile(self.file) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    @cached_property
    def info(self) -> str:
        """The folder of its metadata."""
        return next(name.split("/")[0] for name in self.files if ".dist-info/" in name)

    @cached_property
    def metadata(self) -> Message:
        """Its metadata."""
        return message_from_bytes(self.files[f"{self.info}/METADATA"])

    @property
    def distribution(self) -> str:
        """The distribution's name."""
        return str(self.metadata["Name"])

    @property
    def package(self) -> str:
        """The package that it has to install."""
        (package,) = (path.name for path in (self.member / "src").iterdir() if (path / "__init__.py").is_file())
        return package

    @property
    def entry_points(self) -> dict[str, str]:
        """Its entry points for Handrail."""
        parser = configparser.ConfigParser(delimiters=("=",))
        parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
        parser.read_string(self.files.get(f"{self.info}/entry_points.txt", b"").decode())
        return dict(parser[GROUP]) if parser.has_section(GROUP) else {}


def wheels(folder: Path) -> list[Wheel]:
    """Return the wheel of each member.

    Raises:
        AssertionError: one is missing, or there is one that belongs to no member.
    """
    found = [
        Wheel(file, member) for member in MEMBERS for file in folder.glob(wheel_name(project(member)["name"]) + "*.whl")
    ]
    assert {wheel.file for wheel in found} == set(folder.glob("*.whl")), "a wheel in the folder belongs to no member"
    missing = {member.name for member in MEMBERS} - {wheel.member.name for wheel in found}
    assert not missing, f"no wheel of {', '.join(sorted(missing))}"
    return found


def problems_of_contents(wheel: Wheel) -> Iterator[str]:
    """Yield what a wheel has and must not have, or has not and must have."""
    sources = wheel.member / "src"
    expected = {str(path.relative_to(sources)) for path in _known_to_git(sources)}
    found = {name for name in wheel.files if not name.startswith(wheel.info)}
    if stray := sorted(found - expected):
        yield f"has files that are not in the repository: {', '.join(stray)}"
    if missing := sorted(expected - found):
        yield f"lacks files of the repository: {', '.join(missing)}"
    if f"{wheel.package}/py.typed" not in found:
        yield f"lacks {wheel.package}/py.typed"
    if outside := sorted({name.split("/")[0] for name in found} - {wheel.package}):
        yield f"installs {', '.join(outside)} beside {wheel.package}"
    if tests := sorted(name for name in found if {"test", "tests"} & set(name.split("/")) or name.endswith(".pyc")):
        yield f"has tests or byte code: {', '.join(tests)}"
    if wheel.files.get(f"{wheel.info}/licenses/LICENSE") != LICENSE:
        yield "lacks the licence"


def problems_of_metadata(wheel: Wheel) -> Iterator[str]:
    """Yield what is wrong with a wheel's metadata and its entry points."""
    metadata, kernel = wheel.metadata, project(ROOT / "core")
    if metadata["Version"] != kernel["version"]:
        yield f"has version {metadata['Version']}, and the kernel {kernel['version']}"
    for name, wanted in {
        "License-Expression": "Apache-2.0",
        "License-File": "LICENSE",
        "Requires-Python": ">=3.11",
    }.items():
        if metadata[name] != wanted:
            yield f"has {name} {metadata[name]!r}; it must be {wanted!r}"
    yield from (f"has no {name}" for name in ("Summary", "Keywords", "Classifier") if not metadata[name])
    if not str(metadata.get_payload()).strip():
        yield "has no description"
    minor = ".".join(kernel["version"].split(".")[:2])
    following = f"0.{int(minor.split('.')[1]) + 1}"
    for requirement in metadata.get_all("Requires-Dist") or ():
        if requirement.startswith("handrail") and f"<{following},>={minor}" not in requirement:
            yield f"requires {requirement!r}; members ask for one another as '>={minor},<{following}'"
    for name, target in wheel.entry_points.items():
        if name != wheel.distribution.removeprefix("handrail-"):
            yield f"has an entry point {name!r}, which is not the distribution's name"
        if f"{target.replace('.', '/')}.py" not in wheel.files:
            yield f"has an entry point for {target!r}, which is no module of it"


def problems_of_description(wheel: Wheel) -> Iterator[str]:
    """Yield what the package index cannot show of a description: it has nothing that a relative link leads to."""
    shown = markdown.render(str(wheel.metadata.get_payload(decode=True), "utf-8"))
    if shown is None:
        yield "has a description that the index does not render"
        return
    targets = re.findall(r'(?:href|src)="([^"]*)"', shown)
    anchors = {f"#{name}" for name in re.findall(r'id="([^"]*)"', shown)}
    dead = [target for target in targets if not target.startswith("https://") and target not in anchors]
    yield from (f"has a description with a link to {target!r}, which is nowhere at the index" for target in dead)


def problems_of_source(archive: Path, member: Path) -> Iterator[str]:
    """Yield what a source distribution has and must not have, or has not and must have."""
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    expected = {str(path.relative_to(member)) for path in _known_to_git(member)}
    if stray := sorted(names - expected - _BESIDES_SOURCES):
        yield f"has files that are not in the repository: {', '.join(stray)}"
    if missing := sorted((expected | _BESIDES_SOURCES) - names):
        yield f"lacks files of the repository: {', '.join(missing)}"


def problems_of_extras(kernel: Wheel, distributions: Sequence[str]) -> Iterator[str]:
    """Yield which member no extra of the kernel names, and which extra names no member."""
    metadata = kernel.metadata
    named = {}
    for requirement in metadata.get_all("Requires-Dist") or ():
        name, _, marker = requirement.partition(";")
        if "extra ==" in marker:
            extra = marker.split("extra ==")[1].strip().strip("'\"")
            named.setdefault(extra, set()).add(name.split("<")[0].split(">")[0].split("[")[0].strip())
    members = {name.removeprefix("handrail-"): {name} for name in distributions if name != kernel.distribution}
    everything = named.pop("all", set())
    if named != members:
        differing = sorted(extra for extra in named.keys() | members.keys() if named.get(extra) != members.get(extra))
        yield f"extras and members differ: {', '.join(differing)}"
    if missing := sorted(set().union(*members.values()) - everything):
        yield f"the extra 'all' lacks {', '.join(missing)}"


def problems_that_tools_find(files: Sequence[Path]) -> Iterator[str]:
    """Yield what twine and check-wheel-contents say, if it is anything but praise."""
    programs = Path(sys.executable).parent
    checks = [
        [programs / "twine", "check", "--strict", *files],
        [programs / "check-wheel-contents", *(file for file in files if file.suffix == ".whl")],
    ]
    for command in checks:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            yield done.stdout + done.stderr


def problems_of_installation(folder: Path, scratch: Path) -> Iterator[str]:
    """Install all wheels into an empty environment, and use them where the repository is not."""
    environment = Environment.create(scratch / "environment")
    found = wheels(folder)
    environment.install("handrail[all]", wheels=folder)
    listed = json.loads(environment.run("handrail", "plugins", "--json").stdout)
    plugins = {plugin["distribution"]: plugin for plugin in listed["plugins"]}
    for wheel in found:
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


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


def _known_to_git(folder: Path) -> list[Path]:
    """Return the files below a folder that are part of the repository, or would be if they were added now."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "-z", "."]
    listed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := folder / name).is_file()]
