"""A lock knows which plugins are installed, by what is in their files, and imports none of them."""

from __future__ import annotations

import json
import sys
from importlib.metadata import PathDistribution

import pytest
from handrail import ConfigurationError, Lock
from handrail._plugins import points


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Return a folder into which distributions are installed, and the only one that is looked at."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))

    def entry_points(group):
        found = [PathDistribution(path) for path in folder.glob("*.dist-info")]
        return [point for distribution in found for point in distribution.entry_points if point.group == group]

    monkeypatch.setattr(points, "entry_points", entry_points)
    return folder


def install(site, name, version="1.0", *, code="raise SystemExit('imported')\n", installer="pip"):
    package = name.replace("-", "_")
    for path in site.glob(f"{package}-*"):
        for file in path.iterdir():
            file.unlink()
        path.rmdir()
    (site / package).mkdir(exist_ok=True)
    info = site / f"{package}-{version}.dist-info"
    info.mkdir()
    files = {
        f"{package}/__init__.py": "",
        f"{package}/plugin.py": code,
        f"{info.name}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info.name}/entry_points.txt": f"[handrail]\n{name} = {package}.plugin\n",
        f"{info.name}/INSTALLER": installer,
    }
    for place, text in files.items():
        (site / place).write_text(text, encoding="utf-8")
    (info / "RECORD").write_text("".join(f"{place},,\n" for place in files), encoding="utf-8")


def test_a_lock_names_distributions_versions_and_hashes_and_imports_nothing(site):
    install(site, "guard-two")
    install(site, "guard-one", "2.1")
    lock = Lock.of_installed()
    assert [(one.name, one.version) for one in lock.distributions] == [("guard-one", "2.1"), ("guard-two", "1.0")]
    assert all(one.digest.startswith("sha256:") and len(one.digest) == 71 for one in lock.distributions)
    assert "guard_one.plugin" not in sys.modules


def test_the_same_files_give_the_same_lock_whoever_installed_them(site, tmp_path):
    install(site, "guard-one")
    lock = Lock.of_installed()
    install(site, "guard-one", installer="another")
    (site / "guard_one" / "plugin.pyc").write_bytes(b"compiled")
    assert Lock.of_installed() == lock
    place = Lock.file_of(tmp_path)
    place.write_text(lock.text, encoding="utf-8")
    assert Lock.read(place) == lock
    Lock.refuse_changed(tmp_path)
    Lock.refuse_changed(tmp_path / "config.yml")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda site: install(site, "guard-one", "1.1"), "guard-one is locked as 1.0, and installed as 1.1"),
        (lambda site: install(site, "guard-one", code="open('/etc/passwd')"), "guard-one 1.0 has other files"),
        (lambda site: install(site, "guard-two"), "guard-two 1.0 is installed, and not locked"),
        (lambda site: (site / "guard_one" / "more.py").write_text("1"), "guard-one 1.0 has other files"),
        (lambda site: (site / "guard_one-1.0.dist-info" / "entry_points.txt").unlink(), "is locked, and not installed"),
    ],
)
def test_whatever_differs_is_told(site, tmp_path, change, line):
    install(site, "guard-one")
    Lock.file_of(tmp_path).write_text(Lock.of_installed().text, encoding="utf-8")
    change(site)
    with pytest.raises(ConfigurationError, match="not those of") as caught:
        Lock.refuse_changed(tmp_path)
    assert len(caught.value.problems) == 1
    assert line in caught.value.problems[0]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"lock": 2, "distributions": []}', '{"lock": 1, "distributions": [{}]}']
)
def test_a_file_that_is_no_lock_is_an_error_and_not_an_empty_one(tmp_path, text):
    Lock.file_of(tmp_path).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="not a lock"):
        Lock.refuse_changed(tmp_path)


def test_without_a_lock_nothing_is_refused(tmp_path):
    Lock.refuse_changed(tmp_path)


def test_a_lock_is_a_file_that_people_can_read(site):
    install(site, "guard-one")
    written = json.loads(Lock.of_installed().text)
    assert written["lock"] == 1
    assert [entry["name"] for entry in written["distributions"]] == ["guard-one"]
