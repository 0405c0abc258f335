"""The members as their users get them: built into distributions, and installed where the repository is not."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]
MEMBERS = sorted(
    file.parent for pattern in ("core", "plugins/*", "providers/*") for file in ROOT.glob(f"{pattern}/pyproject.toml")
)
CONSTRAINTS = ROOT / "constraints.txt"
UV = str(Path(sys.executable).with_name("uv"))
# Tables that Hypothesis computes once for a folder, which takes seconds.
HYPOTHESIS = {"HYPOTHESIS_STORAGE_DIRECTORY": str(ROOT / ".hypothesis")}


def project(member: Path) -> dict[str, Any]:
    """Return the table `project` of a member's pyproject."""
    return tomllib.loads((member / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def wheel_name(distribution: str) -> str:
    """Return how the name of a distribution's wheel begins."""
    return distribution.replace("-", "_") + "-"


def build(folder: Path, *, source: Path = ROOT, wheels_only: bool = False) -> list[Path]:
    """Build a distribution, or all members of the workspace, with the tools that are installed here.

    Unless only wheels are asked for, each wheel is built from its source distribution, so that both are known to be
    whole. The date of everything inside is that of the last commit, so that the same commit gives the same bytes.
    """
    command = [UV, "build", "--quiet", "--no-build-isolation", "--python", sys.executable, "--out-dir", str(folder)]
    command += ["--all-packages"] if source == ROOT else []
    command += ["--wheel"] if wheels_only else []
    environment = {**os.environ, "SOURCE_DATE_EPOCH": _date_of_commit()}
    subprocess.run([*command, str(source)], env=environment, check=True)
    (folder / ".gitignore").unlink(missing_ok=True)
    return sorted(folder.iterdir())


def _date_of_commit() -> str:
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return given
    asked = ["git", "log", "-1", "--format=%ct"]
    return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all processes of this run of the tests have in common."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def once(folder: Path, make: Callable[[Path], object]) -> Path:
    """Return a folder that is made by whichever process needs it first; the others wait for it."""
    done = folder.with_suffix(".done")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            done.touch()
    return folder


def release_of_members(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with every distribution as `make release` builds them, made once in a run of the tests."""
    return once(shared(tmp_path_factory) / "release", build)


def wheels_of_members(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with nothing but the wheels of all members as they are now."""
    release = release_of_members(tmp_path_factory)

    def copy(folder: Path) -> None:
        folder.mkdir()
        for wheel in release.glob("*.whl"):
            shutil.copy(wheel, folder)

    return once(shared(tmp_path_factory) / "wheels", copy)


@dataclass(frozen=True)
class Environment:
    """A virtual environment that has nothing of the repository, and nothing of whoever runs the tests."""

    folder: Path

    @classmethod
    def create(cls, folder: Path, python: str = sys.executable) -> Environment:
        """Make an empty one."""
        subprocess.run([UV, "venv", "--quiet", "--python", python, str(folder)], check=True)
        return cls(folder)

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    def install(self, *what: str | Path, wheels: Path | None = None) -> None:
        """Install distributions.

        Args:
            what: files, or names with their extras.
            wheels: a folder with wheels, which are taken and none of the package index that are called the same.
        """
        found = os.environ.get("UV_FIND_LINKS") or os.environ.get("PIP_FIND_LINKS", "")
        command = [UV, "pip", "install", "--quiet", "--python", str(self.python), "--constraint", str(CONSTRAINTS)]
        if wheels is not None:
            ours = self.folder / "ours.txt"
            ours.write_text(
                "".join(f"{file.name.partition('-')[0]} @ {file.as_uri()}\n" for file in wheels.glob("*.whl"))
            )
            command += ["--constraint", str(ours)]
        environment = {**os.environ, "UV_FIND_LINKS": found, "UV_HTTP_RETRIES": "10"}
        subprocess.run([*command, *map(str, what)], env=environment, check=True)

    def run(
        self, *command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run one of its programs; an exit code other than 0 is an error with all that was written."""
        program, *arguments = map(str, command)
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "HANDRAIL", "PYTEST"))
        }
        clean |= {"PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}", **HYPOTHESIS, **(env or {})}
        done = subprocess.run(
            [str(self.folder / "bin" / program), *arguments],
            cwd=cwd or self.folder,
            env=clean,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{program} {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done
