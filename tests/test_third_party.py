"""Packages of strangers: each is built, installed from its wheel beside ours, and used, alone and all together."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributions import Environment, build, once, shared, wheels_of_members
from strangers import PLUGINS, write
from strangers import services as running_services

PACKAGES = sorted(folder.name for folder in PLUGINS.iterdir() if (folder / "pyproject.toml").is_file())
LONG = {"handrail-conversations", "handrail-moderation"}  # `make thorough` runs their tests

PROGRAM = """
import sys
import anyio
from handrail import LLMRails, RailsConfig

async def main():
    rails = LLMRails(RailsConfig.from_path(sys.argv[1]))
    async with rails.stream("Tell me.") as stream:
        async for event in stream:
            print(type(event).__name__, getattr(event, "text", ""), getattr(event, "category", ""), sep="|")
    print(stream.response.usage.total_tokens if stream.response.usage else None)

anyio.run(main, backend=sys.argv[2])
"""


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the strangers' wheels and ours, and with copies of their tests."""
    wheels = wheels_of_members(tmp_path_factory)

    def make(folder: Path) -> None:
        environment = Environment.create(folder)
        for name in PACKAGES:
            build(folder / "wheels", source=PLUGINS / name, wheels_only=True)
            for part in ("tests", "example", "pyproject.toml"):
                source, copy = PLUGINS / name / part, folder / name / part
                copy.parent.mkdir(exist_ok=True)
                shutil.copytree(source, copy) if source.is_dir() else shutil.copy(source, copy)
        own = sorted((folder / "wheels").glob("*.whl"))
        ours = ["handrail-cli", "handrail-self-check", "handrail-server", "handrail-testkit"]
        environment.install(*ours, *own, wheels=wheels)

    return Environment(once(shared(tmp_path_factory) / "third-party", make))


@pytest.fixture
def services() -> Iterator[tuple[object, object]]:
    """The moderation service and the teleprinter, both real, both on this machine."""
    with running_services() as running:
        yield running


@pytest.mark.parametrize(
    "package", [pytest.param(name, marks=[pytest.mark.heavy] if name in LONG else []) for name in PACKAGES]
)
def test_its_own_tests_pass(environment: Environment, package: str):
    few = {"HANDRAIL_EXAMPLES": "2"}
    done = environment.run("python", "-m", "pytest", "-q", cwd=environment.folder / package, env=few, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_its_example_can_be_used(environment: Environment, package: str):
    done = environment.run("handrail", "check", environment.folder / package / "example", "--json")
    found = json.loads(done.stdout)
    served = {one["distribution"] for one in found["names"]}
    assert package in served
    assert not [note for note in found["notes"] if "no effect" in note]


def test_nothing_of_ours_is_private_to_them():
    for file in PLUGINS.glob("*/src/**/*.py"):
        for line in file.read_text().splitlines():
            assert "handrail._" not in line, file
            assert "import handrail_testkit" not in line, file


def test_they_are_found_with_their_versions(environment: Environment):
    listed = json.loads(environment.run("handrail", "plugins", "--json").stdout)
    found = {one["distribution"]: (one["version"], one["problem"]) for one in listed["plugins"]}
    versions = {
        "handrail-clauses": "1.0.0",
        "handrail-conversations": "1.1.0",
        "handrail-moderation": "2.3.0",
        "handrail-teleprinter": "0.4.1",
    }
    assert versions.keys() == set(PACKAGES)
    for name, version in versions.items():
        assert found[name] == (version, None)


def test_check_says_who_serves_what(environment: Environment, services: tuple, tmp_path: Path):
    done = environment.run("handrail", "check", write(tmp_path, services, "Hi."), "--json")
    found = json.loads(done.stdout)
    assert found["models"][0]["plugin"] == "handrail-teleprinter 0.4.1"
    (rail,) = found["output_rails"]
    assert (rail["plugin"], rail["window"]["strategy_plugin"]) == (
        "handrail-moderation 2.3.0",
        "handrail-clauses 1.0.0",
    )


def test_their_settings_are_in_the_schema(environment: Environment):
    schema = json.loads(environment.run("handrail", "schema").stdout)
    described = schema["definitions"]["settings_of_harbour_moderation"]["properties"]
    assert described["threshold"]["description"] == "The score from which on a text is blocked."
    assert "port" in schema["definitions"]["parameters_of_teleprinter"]["properties"]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_all_three_guard_one_stream(environment: Environment, services: tuple, tmp_path: Path, backend: str):
    text = "First, the harbour; then, the pier; and at the end of it, the light."
    done = environment.run("python", "-c", PROGRAM, write(tmp_path, services, text), backend)
    *events, usage = done.stdout.splitlines()
    assert "".join(line.split("|")[1] for line in events if line.startswith("TextDelta")) == text
    assert (events[-1].split("|")[0], usage) == ("Finished", "12")
    moderation, teleprinter = services
    assert len(moderation.texts) > 1
    assert all(text.find(window) >= 0 for window in moderation.texts)
    assert teleprinter.asked[0][0] == 'MODEL "fox"'


def test_what_the_service_dislikes_is_stopped_and_its_model_with_it(
    environment: Environment, services: tuple, tmp_path: Path
):
    text = "All is well, and all is calm; nobody is a fool. But you, my friend, are a blockhead, and " + "so on, " * 200
    file = write(tmp_path, services, text)
    done = environment.run("handrail", "chat", file, "--streaming", "--message", "Tell me.", check=False)
    assert done.returncode == 3
    assert done.stdout.startswith("All is well, ")
    assert "blockhead" not in done.stdout
    assert "insult, rated 0.93" in done.stderr
    assert services[1].wait_idle()


def test_a_service_that_fails_lets_nothing_through(environment: Environment, services: tuple, tmp_path: Path):
    file = write(tmp_path, services, "All is well, and all is calm.")
    services[0].misbehave = 500
    done = environment.run("handrail", "chat", file, "--streaming", "--message", "Tell me.", check=False)
    assert (done.returncode, done.stdout.strip()) == (4, "")
    assert "answered with status 500" in done.stderr


def test_the_server_serves_all_three(environment: Environment, services: tuple, tmp_path: Path):
    text = "All is well, and all is calm; nobody is a fool. But you, my friend, are a blockhead, and so on."
    write(tmp_path, services, text)
    command = [environment.folder / "bin" / "handrail", "server", tmp_path, "--port", "0"]
    with subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True, cwd=tmp_path) as server:
        try:
            assert server.stderr is not None
            line = next(line for line in server.stderr if "listening at" in line)
            port = int(re.search(r"http://\S+:(\d+)", line)[1])
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
            body = {"messages": [{"role": "user", "content": "Tell me."}], "stream": True, "model": "fox"}
            headers = {"content-type": "application/json"}
            connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            events = connection.getresponse().read().decode().split("\n\n")
            connection.close()
        finally:
            server.terminate()
            server.stderr.read()
    chunks = [json.loads(event.removeprefix("data: ")) for event in events if event.startswith("data: {")]
    said = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])
    assert said.startswith("All is well, ")
    assert "blockhead" not in said
    assert "content_filter" in [chunk["choices"][0]["finish_reason"] for chunk in chunks if chunk["choices"]]
