"""`handrail new` begins packages that install and pass their tests at once, and are written as well as our own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from distributions import ROOT, Environment, build, once, shared, wheels_of_members
from handrail import RailsConfig
from handrail_cli.app import run
from handrail_testkit._new._names import Names

KINDS = ["rail", "stream-rail", "provider", "strategy"]
TOOLS = Path(sys.executable).parent
LONGEST = "the-longest-name-that-there-is"
each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """One environment from wheels, in which a package of each kind was begun with its own command and installed."""
    wheels = wheels_of_members(tmp_path_factory)

    def make(folder: Path) -> None:
        environment = Environment.create(folder)
        environment.install("handrail-cli", "handrail-testkit", wheels=wheels)
        groups: list[str | Path] = []
        for kind in KINDS:
            environment.run("handrail", "new", kind, f"my-{kind}", "--directory", folder)
            package = package_of(environment, kind)
            groups += ["--group", f"{package / 'pyproject.toml'}:dev", "--editable", package]
        environment.install(*groups, wheels=wheels)

    return Environment(once(shared(tmp_path_factory) / "new", make))


def package_of(environment: Environment, kind: str) -> Path:
    return environment.folder / f"handrail-my-{kind}"


@pytest.mark.parametrize("kind", ["rail", *(pytest.param(kind, marks=pytest.mark.heavy) for kind in KINDS[1:])])
def test_its_tests_pass_at_once(environment: Environment, kind: str):
    few = {"HANDRAIL_EXAMPLES": "2"}
    done = environment.run("python", "-m", "pytest", "-q", cwd=package_of(environment, kind), env=few, check=False)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


@each_kind
def test_what_it_offers_is_found(environment: Environment, kind: str):
    listed = json.loads(environment.run("handrail", "plugins", "--json").stdout)
    (plugin,) = (one for one in listed["plugins"] if one["distribution"] == f"handrail-my-{kind}")
    assert plugin["problem"] is None
    offered = {"rail": "my rail", "stream-rail": "my stream rail"}.get(kind, f"my-{kind}")
    assert [one["name"] for one in plugin["offers"]] == [offered]


@pytest.mark.parametrize(
    ("kind", "said", "code"),
    [
        ("rail", "The tide comes in twice a day, and the moon has most to do with it.", 0),
        ("stream-rail", "The new boat is called [...], but nobody outside the yard knows that [...] is its name.", 0),
        ("strategy", "One, the harbour.", 0),
        ("provider", "", 5),
    ],
)
def test_its_example_can_be_talked_to(environment: Environment, kind: str, said: str, code: int):
    example = package_of(environment, kind) / "example"
    done = environment.run("handrail", "chat", example, "--streaming", "--message", "Hello", check=False)
    assert (done.stdout.startswith(said), done.returncode) == (True, code), done.stderr
    if kind == "provider":
        assert "my-provider: cannot reach 'url'" in done.stderr


def test_the_example_of_a_provider_answers_when_its_service_runs(environment: Environment):
    package = package_of(environment, "provider")
    service = """
import http.server, sys
sys.path.insert(0, "tests")
from service import Echo
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
print(server.server_address[1], flush=True)
server.serve_forever()
"""
    with subprocess.Popen(
        [environment.python, "-c", service], cwd=package, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            config = (package / "example" / "config.yml").read_text().replace("8765", port)
            (environment.folder / "talk.yml").write_text(config)
            done = environment.run("handrail", "chat", "talk.yml", "--message", "Hello there", "--streaming")
        finally:
            process.kill()
    assert done.stdout == "Hello there \n"


@each_kind
@pytest.mark.parametrize("name", ["a", LONGEST])
def test_it_is_written_as_well_as_our_own_whatever_its_name(kind: str, name: str, tmp_path: Path):
    assert run(["new", kind, name, "--directory", str(tmp_path)]) == 0
    package = tmp_path / f"handrail-{name}"
    workflow = package / ".github" / "workflows" / "test.yml"
    for command in (
        ["ruff", "check", "--no-cache", package],
        ["ruff", "format", "--no-cache", "--check", package],
        ["check-jsonschema", "--builtin-schema", "vendor.github-workflows", workflow],
    ):
        done = subprocess.run(
            [str(TOOLS / command[0]), *map(str, command[1:])], cwd=package, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout
    assert "%{" not in "".join(file.read_text() for file in package.rglob("*") if file.is_file())


@each_kind
def test_its_readme_is_true(environment: Environment, kind: str):
    package = package_of(environment, kind)
    readme = (package / "README.md").read_text()
    for block in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL):
        RailsConfig.from_content(yaml_content=block)
    settings = (package / "src" / package.name.replace("-", "_") / "settings.py").read_text()
    for field in re.findall(r"^    ([a-z_]+): ", settings, re.MULTILINE):
        assert f"`{field}`" in readme


@pytest.mark.heavy
def test_its_types_are_sound(environment: Environment):
    sources = [str(package_of(environment, kind) / "src") for kind in KINDS]
    done = subprocess.run([str(TOOLS / "mypy"), "--strict", *sources], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_what_is_built_of_it_is_whole(environment: Environment, tmp_path: Path):
    archive, wheel = sorted(build(tmp_path, source=package_of(environment, "rail")), key=lambda file: file.suffix)
    with tarfile.open(archive) as tar:
        assert "handrail_my_rail-0.1.0/tests/test_conformance.py" in tar.getnames()
    with zipfile.ZipFile(wheel) as zipped:
        names = {name.removeprefix("handrail_my_rail-0.1.0.dist-info/") for name in zipped.namelist()}
    assert names == {
        *(f"handrail_my_rail/{name}" for name in ("__init__.py", "plugin.py", "py.typed", "rail.py", "settings.py")),
        *("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"),
    }
    twine = subprocess.run([str(TOOLS / "twine"), "check", "--strict", archive, wheel], capture_output=True, text=True)
    assert twine.returncode == 0, twine.stdout


def test_it_says_what_to_do_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["new", "stream-rail", "loud-words", "--directory", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{tmp_path / 'handrail-loud-words'} is a package with a stream rail that works. Next:\n")
    assert "pip install --editable . --group dev" in shown
    assert "src/handrail_loud_words/rail.py" in shown


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (folder := tmp_path / "handrail-mine").mkdir()
    (folder / "notes.txt").write_text("mine")
    assert run(["new", "rail", "mine", "--directory", str(tmp_path)]) == 2
    assert "is there already, and nothing is overwritten; choose another NAME or --directory" in capsys.readouterr().err
    assert [file.name for file in folder.iterdir()] == ["notes.txt"]


def test_a_folder_that_cannot_be_made_is_an_error_of_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "file").write_text("")
    assert run(["new", "rail", "mine", "--directory", str(tmp_path / "file")]) == 2
    assert "cannot be written: Not a directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("Loud", "NAME is 'Loud'; write lower-case words joined by hyphens"),
        ("loud_words", "NAME is 'loud_words'; write lower-case words"),
        ("loud--words", "NAME is 'loud--words'; write lower-case words"),
        ("3d", "a letter first"),
        ("a" * 31, "at most 30 characters"),
        ("löud", "NAME is 'löud'; write lower-case words"),
        ("../up", "NAME is '../up'; write lower-case words"),
        ("handrail-loud", "NAME is 'handrail-loud'; write 'loud', 'handrail-' is added automatically"),
        ("openai", "'handrail-openai' is taken by handrail-openai 0.2.0"),
        ("secret-check", "'secret check' is taken by handrail-patterns 0.2.0"),
        ("sentence", "'sentence' is taken by handrail-strategies 0.2.0"),
    ],
)
def test_a_name_that_cannot_be_is_refused(name: str, problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["new", "rail", name, "--directory", str(tmp_path)]) == 2
    assert problem in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []


@each_kind
def test_what_is_to_be_done_next_starts_whatever_the_example_needs(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(["new", kind, "loud-words", "--directory", str(tmp_path)]) == 0
    readme = (tmp_path / "handrail-loud-words" / "README.md").read_text()
    assert ("tests/service.py &" in capsys.readouterr().out) == ("tests/service.py &" in readme) == (kind == "provider")


def test_a_kind_that_is_none_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        run(["new", "ral", "mine"])
    shown = capsys.readouterr().err
    assert all(kind in shown for kind in KINDS)


def test_finding_the_command_imports_nothing_heavy():
    program = "import sys, handrail_testkit.plugin; print(*{'pytest', 'anyio', 'pydantic', 'trio'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(("name", "stem"), [("my-rail", "My"), ("loud-words", "LoudWords"), ("rail", "Rail")])
def test_a_kind_at_the_end_of_a_name_is_not_repeated_in_its_classes(name: str, stem: str):
    assert Names(name).stem == stem
