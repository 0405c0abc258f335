"""The files of a configuration, packed for machines that do not have them."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from handrail import ConfigurationError, RailsConfig

_WRITTEN = ".handrail-written"  # is in folders that plugins write
MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bundle:
    """The files of a configuration.

    Attributes:
        files: their contents by path, relative to the configuration's folder.
        entry: the file to read, if the configuration is a file; else empty.
    """

    files: tuple[tuple[str, bytes], ...]
    entry: str = ""

    @classmethod
    def of(cls, config: Path) -> Bundle:
        """Pack a folder, or the folder of a file.

        What is hidden, such as a `.env`, stays behind, and so does what plugins write, such as a record of decisions.

        Raises:
            ConfigurationError: there is no such file or folder, or it has too much in it.
        """
        if not config.exists():
            raise ConfigurationError(f"{config} does not exist")
        folder = config if config.is_dir() else config.parent
        found, size = [], 0
        written = {mark.parent for mark in folder.rglob(_WRITTEN)} - {folder}
        for path in sorted(folder.rglob("*")):
            parts = path.relative_to(folder).parts
            if not path.is_file() or any(part.startswith(".") or part == "__pycache__" for part in parts):
                continue
            if not written.isdisjoint(path.parents):  # else each decision would make it another configuration
                continue
            size += path.stat().st_size
            if size > MOST_BYTES:
                raise ConfigurationError(
                    f"{folder} has more than {MOST_BYTES // 1024**2} MiB of files, which is too much to deploy; "
                    "keep models elsewhere, such as in the image, and name them by absolute paths"
                )
            found.append(("/".join(parts), path.read_bytes()))
        return cls(tuple(found), "" if config.is_dir() else config.name)

    @property
    def digest(self) -> str:
        """A digest of all of it, by which two are told apart."""
        found = sha256(self.entry.encode())
        for name, content in self.files:
            found.update(f"\0{name}\0{len(content)}\0".encode() + content)
        return found.hexdigest()[:16]

    def unpack(self, folder: Path) -> RailsConfig:
        """Write the files into an empty folder, and read the configuration.

        Raises:
            ConfigurationError: it cannot be used.
        """
        for name, content in self.files:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return RailsConfig.from_path(folder / self.entry)
