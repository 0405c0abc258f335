"""What is released is whole, sound and installable, and the checks that say so notice when it is not."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import release_checks as checks
import sboms
import yaml
from distributions import MEMBERS, ROOT, Environment, build, project, release_of_members

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every wheel and source distribution, built as `make release` builds them."""
    return release_of_members(tmp_path_factory)


def test_every_wheel_has_its_sources_and_nothing_else(release: Path):
    found = {wheel.file.name: list(checks.problems_of_contents(wheel)) for wheel in checks.wheels(release)}
    assert not {name: problems for name, problems in found.items() if problems}


def test_every_source_distribution_has_what_the_repository_has(release: Path):
    for wheel in checks.wheels(release):
        archive = wheel.file.with_name(wheel.file.name.replace("-py3-none-any.whl", ".tar.gz"))
        assert list(checks.problems_of_source(archive, wheel.member)) == []


def test_all_metadata_agree(release: Path):
    found = {wheel.file.name: list(checks.problems_of_metadata(wheel)) for wheel in checks.wheels(release)}
    assert not {name: problems for name, problems in found.items() if problems}


def test_every_description_is_whole_where_the_repository_is_not(release: Path):
    found = {wheel.file.name: list(checks.problems_of_description(wheel)) for wheel in checks.wheels(release)}
    assert not {name: problems for name, problems in found.items() if problems}


@pytest.mark.parametrize(
    "dead", ["[x](../../docs/tutorial.md)", "![x](docs/x.svg)", "[x](#nowhere)", "<img src='x.png'>"]
)
def test_a_link_that_leads_nowhere_at_the_index_is_noticed(release: Path, tmp_path: Path, dead: str):
    sound = next(wheel for wheel in checks.wheels(release) if wheel.distribution == "handrail-tools")
    name = f"{sound.info}/METADATA"
    with zipfile.ZipFile(file := tmp_path / sound.file.name, "w") as archive:
        archive.writestr(name, sound.files[name] + f"\n{dead}\n".encode())
    (problem,) = checks.problems_of_description(checks.Wheel(file, sound.member))
    assert "which is nowhere at the index" in problem


def test_the_tools_of_the_index_find_nothing(release: Path):
    assert list(checks.problems_that_tools_find(sorted(release.iterdir()))) == []


def test_every_member_is_an_extra_and_every_extra_a_member(release: Path):
    wheels = checks.wheels(release)
    kernel = next(wheel for wheel in wheels if wheel.distribution == "handrail")
    assert list(checks.problems_of_extras(kernel, [wheel.distribution for wheel in wheels])) == []
    unlike = [*(wheel.distribution for wheel in wheels if wheel.distribution != "handrail-cli"), "handrail-new"]
    assert list(checks.problems_of_extras(kernel, unlike)) == [
        "extras and members differ: cli, new",
        "the extra 'all' lacks handrail-new",
    ]


def test_everything_works_where_the_repository_is_not(release: Path, tmp_path: Path):
    assert list(checks.problems_of_installation(release, tmp_path)) == []


def test_the_same_sources_give_the_same_bytes(tmp_path: Path):
    member = ROOT / "plugins" / "tools"
    build(tmp_path / "first", source=member)
    build(tmp_path / "second", source=member)
    assert checks.digests(tmp_path / "first") == checks.digests(tmp_path / "second")


def test_a_bill_has_what_one_package_needs_and_no_path():
    def component(name: str) -> dict[str, object]:
        places = [{"url": "file:///home/me/x.whl"}, {"url": "https://example.org"}]
        return {"bom-ref": f"{name}==1", "name": name, "externalReferences": places}

    needs = {"handrail": ["handrail-http", "anyio"], "handrail-http": ["handrail"], "anyio": []}
    whole = {
        "metadata": {"tools": {}},
        "components": [component(name) for name in needs],
        "dependencies": [
            {"ref": f"{name}==1", "dependsOn": [f"{each}==1" for each in on]} for name, on in needs.items()
        ],
    }
    bill = sboms.bill_of("handrail", {"handrail", "anyio"}, whole)
    assert bill["metadata"]["component"]["externalReferences"] == [{"url": "https://example.org"}]
    assert [each["name"] for each in bill["components"]] == ["anyio"]
    assert bill["dependencies"] == [
        {"ref": "anyio==1", "dependsOn": []},
        {"ref": "handrail==1", "dependsOn": ["anyio==1"]},
    ]


def test_what_a_package_needs_is_what_it_is_installed_with():
    here = Environment(Path(sys.prefix))
    kernel = sboms.needed_by("handrail", here)
    assert {"handrail", "anyio", "pluggy", "pydantic"} <= kernel
    assert not {"openai", "pytest", "handrail-openai"} & kernel  # extras, which nobody asked for
    assert {"httpx2", "handrail"} <= sboms.needed_by("handrail-http", here)


def test_a_version_stands_once_for_all_in_metadata_and_code():
    version = project(ROOT / "core")["version"]
    for member in MEMBERS:
        (init,) = member.glob("src/*/__init__.py")
        assert project(member)["version"] == version
        assert re.findall(r'^__version__ = "(.*)"$', init.read_text(encoding="utf-8"), re.MULTILINE) == [version]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("handrail_tools/tests/test_x.py", b"", "has tests or byte code: handrail_tools/tests/test_x.py"),
        ("handrail_tools/notes.txt", b"", "has files that are not in the repository: handrail_tools/notes.txt"),
        ("tests/__init__.py", b"", "installs tests beside handrail_tools"),
        ("handrail_tools/py.typed", None, "lacks handrail_tools/py.typed"),
        ("handrail_tools-0.2.0.dist-info/licenses/LICENSE", None, "lacks the licence"),
    ],
)
def test_a_wheel_that_is_not_sound_is_noticed(
    release: Path, tmp_path: Path, name: str, content: bytes | None, problem: str
):
    sound = next(wheel for wheel in checks.wheels(release) if wheel.distribution == "handrail-tools")
    files = {**sound.files, name: content}
    with zipfile.ZipFile(file := tmp_path / sound.file.name, "w") as archive:
        for path, data in files.items():
            if data is not None:
                archive.writestr(path, data)
    assert problem in list(checks.problems_of_contents(checks.Wheel(file, sound.member)))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("Version: 0.2.0", "Version: 0.2.1", "has version 0.2.1, and the kernel 0.2.0"),
        ("Requires-Python: >=3.11", "Requires-Python: >=3.8", "has Requires-Python '>=3.8'; it must be '>=3.11'"),
        ("handrail<0.3,>=0.2", "handrail", "requires 'handrail'; members ask for one another as '>=0.2,<0.3'"),
        ("tools = handrail_tools.plugin", "tool = handrail_tools.plug", "has an entry point for 'handrail_tools.plug'"),
        ("tools = handrail_tools", "tool = handrail_tools", "has an entry point 'tool', which is not the distribution"),
    ],
)
def test_metadata_that_are_not_sound_are_noticed(release: Path, tmp_path: Path, old: str, new: str, problem: str):
    sound = next(wheel for wheel in checks.wheels(release) if wheel.distribution == "handrail-tools")
    with zipfile.ZipFile(file := tmp_path / sound.file.name, "w") as archive:
        for path, data in sound.files.items():
            archive.writestr(path, data.replace(old.encode(), new.encode()) if ".dist-info/" in path else data)
    assert any(found.startswith(problem) for found in checks.problems_of_metadata(checks.Wheel(file, sound.member)))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_what_github_takes(workflow: Path):
    command = [
        Path(sys.executable).with_name("check-jsonschema"),
        "--builtin-schema",
        "vendor.github-workflows",
        workflow,
    ]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_workflow_tests_every_python_that_the_packages_name():
    (workflow,) = (yaml.safe_load(path.read_text()) for path in WORKFLOWS if path.name == "test.yml")
    tested = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    for member in MEMBERS:
        named = [c.rpartition(" ")[2] for c in project(member)["classifiers"] if "Python :: 3." in c]
        assert named == tested, member


def test_only_the_job_that_publishes_may_speak_for_the_project():
    for path in WORKFLOWS:
        workflow = yaml.safe_load(path.read_text())
        assert workflow["permissions"] == {"contents": "read"}
        allowed = [name for name, job in workflow["jobs"].items() if "id-token" in job.get("permissions", {})]
        assert allowed == (["publish"] if path.name == "publish.yml" else [])


def test_the_tools_of_a_release_are_development_dependencies():
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    names = {re.split("[<>=]", requirement)[0] for requirement in groups["dev"]}
    assert {"check-jsonschema", "check-wheel-contents", "hatchling", "readme-renderer[md]", "twine"} <= names
