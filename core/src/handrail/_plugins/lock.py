"""A lock on plugins: which distributions are installed that offer some, in which versions, with which files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import file_digest, sha256
from importlib.metadata import Distribution
from importlib.util import find_spec
from pathlib import Path

from handrail._plugins.points import read_points
from handrail.errors import ConfigurationError, InvalidArgumentError

FILE_NAME = "handrail.lock"

_FORMAT = 1
_OF_THE_INSTALLER = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_build.json", "uv_cache.json")
"""Files that differ between installations of one distribution."""


@dataclass(frozen=True, slots=True)
class LockedDistribution:
    """A distribution that offers plugins.

    Attributes:
        name: its name.
        version: its version.
        digest: the SHA-256 of its files, their names included, as `sha256:` and hexadecimal digits.
    """

    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class Lock:
    """Every distribution that offers plugins, by name. Nothing of them is imported to find that out.

    Attributes:
        distributions: they.
    """

    distributions: tuple[LockedDistribution, ...]

    @classmethod
    def of_installed(cls) -> Lock:
        """Look at what is installed."""
        found: dict[str, tuple[Distribution, set[str]]] = {}
        for point in read_points():
            if point.entry.dist is not None and point.distribution is not None:
                of_it = found.setdefault(point.distribution, (point.entry.dist, set()))
                of_it[1].add(point.entry.module.partition(".")[0])
        return cls(tuple(_locked(*found[name]) for name in sorted(found)))

    @classmethod
    def read(cls, path: Path) -> Lock:
        """Read a lock that was written.

        Raises:
            ConfigurationError: the file cannot be read, or is not a lock.
        """
        InvalidArgumentError.unless(isinstance(path, Path), "path", path, "a Path")
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["lock"] != _FORMAT:
                raise ValueError("another format")
            entries = content["distributions"]
            return cls(tuple(LockedDistribution(e["name"], e["version"], e["digest"]) for e in entries))
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise ConfigurationError(f"{path} is not a lock that this version can read; write it again") from exc

    @property
    def text(self) -> str:
        """The lock as it is written to a file."""
        entries = [{"name": one.name, "version": one.version, "digest": one.digest} for one in self.distributions]
        return json.dumps({"lock": _FORMAT, "distributions": entries}, indent=2) + "\n"

    @staticmethod
    def file_of(root: Path) -> Path:
        """Return where the lock of a configuration, or of a folder with some, is."""
        InvalidArgumentError.unless(isinstance(root, Path), "root", root, "a Path")
        return (root if root.is_dir() else root.parent) / FILE_NAME

    @classmethod
    def refuse_changed(cls, root: Path) -> None:
        """Raise if there is a lock beside a configuration, and other plugins are installed than it says.

        Raises:
            ConfigurationError: what differs; or the lock cannot be read.
        """
        place = cls.file_of(root)
        if place.is_file() and (differences := cls.read(place).differences(cls.of_installed())):
            raise ConfigurationError(
                f"the installed plugins are not those of {place}: {'; '.join(differences)}. Install what it says, or "
                f"write it again with 'handrail lock'",
                problems=tuple(f"{place}: {line}" for line in differences),
            )

    def differences(self, installed: Lock) -> tuple[str, ...]:
        """Return what is installed otherwise than it is locked, a line each."""
        locked, found = ({one.name: one for one in lock.distributions} for lock in (self, installed))
        return tuple(
            line for name in sorted({*locked, *found}) if (line := _difference(locked.get(name), found.get(name)))
        )


def _difference(locked: LockedDistribution | None, found: LockedDistribution | None) -> str | None:
    if found is None:
        return f"{locked.name} {locked.version} is locked, and not installed" if locked is not None else None
    if locked is None:
        return f"{found.name} {found.version} is installed, and not locked"
    if locked.version != found.version:
        return f"{locked.name} is locked as {locked.version}, and installed as {found.version}"
    return None if locked.digest == found.digest else f"{locked.name} {locked.version} has other files than it had"


def _locked(distribution: Distribution, packages: set[str]) -> LockedDistribution:
    files = dict(_files(distribution, packages))
    total = sha256()
    for name in sorted(files):
        with files[name].open("rb") as file:
            total.update(f"{name}\0{file_digest(file, 'sha256').hexdigest()}\n".encode())
    return LockedDistribution(distribution.name, distribution.version, f"sha256:{total.hexdigest()}")


def _files(distribution: Distribution, packages: set[str]) -> Iterator[tuple[str, Path]]:
    """Yield what a distribution has installed, and what an editable one runs from elsewhere."""
    for file in distribution.files or ():
        path = Path(str(distribution.locate_file(file)))
        if file.parts[0] != ".." and file.name not in _OF_THE_INSTALLER and _is_kept(path):
            yield file.as_posix(), path
    for package in packages:
        for folder in _folders(package):
            for path in folder.rglob("*"):
                if _is_kept(path):
                    yield f"{package}/{path.relative_to(folder).as_posix()}", path


def _folders(package: str) -> list[Path]:
    spec = find_spec(package)
    return [Path(place) for place in spec.submodule_search_locations or ()] if spec is not None else []


def _is_kept(path: Path) -> bool:
    return path.suffix != ".pyc" and path.is_file()
