"""The check of the English finds what it is meant to find, where it is."""

from __future__ import annotations

from pathlib import Path

import prose
import pytest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    (tmp_path / "part").mkdir()
    return tmp_path / "part"


def test_a_docstring_of_a_function_begins_with_a_usual_verb(folder: Path):
    (folder / "a.py").write_text(
        '"""Gives."""\n\n\ndef f():\n    """Give the text."""\n\n\ndef g():\n    """Return it."""\n'
    )
    (problem,) = prose.problems(("part",))
    assert problem == "part/a.py:5: a docstring begins with 'Give'; use a verb such as 'Return'"


def test_phrases_are_found_in_docstrings_and_pages_with_their_lines(folder: Path):
    (folder / "a.py").write_text('"""One.\n\nIt is no YAML.\n"""\nx = "is no YAML"\n')
    (folder / "b.md").write_text("# Page\n\n```text\nis no JSON\n```\n`is no JSON`\nmend it\n")
    assert [problem.split(";")[0] for problem in prose.problems(("part",))] == [
        "part/a.py:3: 'is no YAML'",
        "part/b.md:7: 'mend'",
    ]


def test_phrases_are_found_in_the_messages_of_what_is_shipped_once_each(folder: Path):
    (folder / "src").mkdir()
    (folder / "src" / "a.py").write_text('"""It is no YAML."""\nx = f"{1} is no JSON"\n')
    assert [problem.split(";")[0] for problem in prose.problems(("part",))] == [
        "part/src/a.py:1: 'is no YAML'",
        "part/src/a.py:2: 'is no JSON'",
    ]


def test_a_version_of_the_changelog_has_each_heading_once(folder: Path):
    log = folder.parent / "CHANGELOG.md"
    log.write_text("## 2\n### Added\n### Fixed\n### Added\n## 1\n### Added\nIt is no YAML.\n")
    assert list(prose.problems(("part",))) == ["CHANGELOG.md:4: '### Added' comes twice; join the two"]
