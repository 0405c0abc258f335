"""Plugins last: wheels that were built against an edition of the contract run, unchanged, with this kernel.

`tests/contract/edition-N` has the wheels of the example plugins as they were when edition N was the newest. They are
never built again; a change of the kernel that breaks one of them breaks plugins that people have installed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from handrail.plugins import CONTRACT
from strangers import services, write

EDITIONS = sorted(Path(__file__).with_name("contract").iterdir())

ENABLED = "plugins: {enable: [handrail-clauses, handrail-moderation, handrail-teleprinter]}\n"

PROGRAM = """
import sys
import anyio
from handrail import LLMRails, RailsConfig

async def main():
    rails = LLMRails(RailsConfig.from_path(sys.argv[1]))
    places = [plugin.module for plugin in rails.composition.registry.plugins if plugin.problem is not None]
    assert not places, places
    import handrail_clauses, handrail_moderation, handrail_teleprinter
    assert all(".whl" in module.__file__ for module in (handrail_clauses, handrail_moderation, handrail_teleprinter))
    async with rails.stream("Tell me.") as stream:
        async for event in stream:
            pass
    print(stream.response.outcome, stream.response.text, sep="|")
    await rails.aclose()

anyio.run(main)
"""


def ask(edition: Path, folder: Path, text: str) -> str:
    """Have the wheels guard an answer in a process of its own; return how it ended, and what was delivered."""
    with services() as running:
        file = write(folder, running, text, also=ENABLED)
        wheels = os.pathsep.join(map(str, sorted(edition.glob("*.whl"))))
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(file)],
            env={**os.environ, "PYTHONPATH": wheels, "HARBOUR_TOKEN": "a-token-of-the-tests"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n")


@pytest.mark.parametrize("edition", EDITIONS, ids=lambda folder: folder.name)
def test_wheels_of_an_edition_guard_an_answer(edition: Path, tmp_path: Path):
    text = "First, the harbour; then, the pier; and at the end of it, the light."
    assert ask(edition, tmp_path, text) == f"finished|{text}"


@pytest.mark.parametrize("edition", EDITIONS, ids=lambda folder: folder.name)
def test_wheels_of_an_edition_stop_what_they_dislike(edition: Path, tmp_path: Path):
    text = "All is well, and all is calm; nobody is a fool. But you, my friend, are a blockhead, and so on."
    outcome, _, delivered = ask(edition, tmp_path, text).partition("|")
    assert outcome == "blocked"
    assert text.startswith(delivered)
    assert "blockhead" not in delivered


def test_each_edition_up_to_the_newest_has_its_wheels():
    assert [folder.name for folder in EDITIONS] == [f"edition-{number}" for number in range(1, CONTRACT + 1)]
    assert all(len([*folder.glob("*.whl")]) == 3 for folder in EDITIONS)


def test_plugins_are_not_made_uninstallable_by_the_next_version():
    for wheel in [wheel for folder in EDITIONS for wheel in folder.glob("*.whl")]:
        with zipfile.ZipFile(wheel) as opened:
            metadata = next(name for name in opened.namelist() if name.endswith("/METADATA"))
            lines = opened.read(metadata).decode().splitlines()
        wanted = [line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist: handrail")]
        assert wanted == ["handrail>=0.1"], wheel.name
