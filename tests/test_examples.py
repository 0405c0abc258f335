"""Each example to start from runs: as a program, as an application, or as far as a machine without Docker can see."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import httpx2
import pytest
import yaml
from distributions import ROOT
from handrail_server import ServerSettings, create_app
from handrail_server._metrics import Metrics
from pages import Snippet
from sessions import run_python

heavy = pytest.mark.heavy
EXAMPLES = ROOT / "docs" / "examples"
COMPOSE = EXAMPLES / "compose"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # FastAPI's


@contextmanager
def imported(file: Path) -> Iterator[ModuleType]:
    """Import a program from its file, and forget it afterwards."""
    module = ModuleType(file.stem)
    module.__file__ = str(file)
    sys.modules[file.stem] = module
    try:
        exec(compile(file.read_text("utf-8"), file, "exec"), module.__dict__)
        yield module
    finally:
        del sys.modules[file.stem]


def run(*command: object) -> tuple[int, str]:
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, timeout=300)
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("question", "code", "printed"),
    [
        ("How long is the warranty?", 0, "The warranty of the kettle is two years from the day of purchase.\n"),
        ("How fast does it boil?", 3, "\n[I'm sorry, I can't respond to that.]\n"),
        ("Who made it?", 0, "The documents do not say.\n"),
    ],
)
def test_an_answer_that_the_documents_do_not_support_is_not_shown(question: str, code: int, printed: str):
    assert run(EXAMPLES / "rag" / "answer.py", question) == (code, printed)


@pytest.mark.parametrize(
    ("question", "code", "printed"),
    [
        pytest.param("What does order 1042 cost?", 0, "Order 1042 is a kettle, and costs 39 euros.\n", marks=heavy),
        ("And order 1043?", 3, "[blocked by secret check]\n"),  # what the tool returned
        # What the model wanted.
        pytest.param("Show me every order", 3, "[blocked by tool call validation]\n", marks=heavy),
    ],
)
def test_an_agent_runs_only_tools_whose_arguments_fit_and_reads_only_results_that_pass(
    question: str, code: int, printed: str
):
    assert run(EXAMPLES / "agent" / "agent.py", question) == (code, printed)


async def test_the_chat_sends_what_is_cleared_and_tells_strangers_nothing_of_a_refusal():
    with imported(EXAMPLES / "fastapi" / "app.py") as module:
        transport = httpx2.ASGITransport(app=module.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://chat") as client:
            page = await client.get("/")
            assert "new TextDecoderStream()" in page.text
            answers = [await client.post("/chat", json={"text": text}) for text in ("my order", "clean", "x" * 5000)]
    assert answers[2].status_code == 422
    told = [[json.loads(line[6:]) for line in answer.text.splitlines() if line] for answer in answers[:2]]
    said = ["".join(event.get("text", "") for event in events) for events in told]
    assert "ask [EMAIL], who follows" in said[0]
    assert told[0][-1] == {"end": "finished"}
    assert said[1].startswith("Warm water is enough")
    assert told[1][-2:] == [{"refusal": "I'm sorry, I can't respond to that."}, {"end": "blocked"}]
    assert "ammonia" not in answers[1].text


def test_the_notebook_prints_what_it_shows():
    notebook = json.loads((EXAMPLES / "notebook" / "guarded.ipynb").read_text("utf-8"))
    assert (notebook["nbformat"], notebook["metadata"]["kernelspec"]["name"]) == (4, "python3")
    namespace: dict[str, object] = {"__name__": "__main__"}
    compared = 0
    for index, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            code = "".join(cell["source"])
            printed = run_python(Snippet(EXAMPLES / "notebook", index, "python", code), namespace)
            assert printed == "".join(text for output in cell["outputs"] for text in output["text"])
            compared += bool(printed)
    assert compared > 2


async def test_the_composed_server_answers_with_its_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HANDRAIL_KEYS", "a key of an application,a key of Prometheus")
    written = yaml.safe_load((COMPOSE / "server.yml").read_text("utf-8"))
    assert written["store"] == "redis://redis:6379/0"
    written |= {"config": str(COMPOSE / written["config"]), "store": "memory"}
    (file := tmp_path / "server.yml").write_text(yaml.safe_dump(written))
    transport = httpx2.ASGITransport(app=create_app(ServerSettings.read(file)))
    async with httpx2.AsyncClient(transport=transport, base_url="http://handrail:8000") as client:
        body = {"model": "support", "messages": [{"role": "user", "content": "Where is my order?"}]}
        assert (await client.post("/v1/chat/completions", json=body)).status_code == 401
        headers = {"Authorization": "Bearer a key of an application"}
        answer = await client.post("/v1/chat/completions", json=body, headers=headers)
        assert "ask [EMAIL]." in answer.json()["choices"][0]["message"]["content"]
        scrape = yaml.safe_load((COMPOSE / "prometheus.yml").read_text("utf-8"))["scrape_configs"][0]
        metrics = await client.get(scrape["metrics_path"], headers={"Authorization": "Bearer a key of Prometheus"})
        assert "handrail_requests_total" in metrics.text
        assert (await client.get("/readyz")).status_code == 200


def test_the_compose_file_is_valid():
    """By the schema of the Compose specification that check-jsonschema ships."""
    command = ["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE / "compose.yml"]
    assert run(*command)[0] == 0


def test_every_service_refers_to_what_is_there():
    compose = yaml.safe_load((COMPOSE / "compose.yml").read_text("utf-8"))
    services = compose["services"]
    assert set(services) == {"handrail", "redis", "prometheus", "grafana"}
    for service in services.values():
        for mount in service.get("volumes", ()):
            assert (COMPOSE / mount.split(":")[0]).exists(), mount
        assert set(service.get("depends_on", ())) <= set(services)
        assert set(service.get("secrets", ())) <= set(compose["secrets"])
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    settings = yaml.safe_load((COMPOSE / "server.yml").read_text("utf-8"))
    assert settings["api_key_env"] in services["handrail"]["environment"]
    assert int(services["handrail"]["stop_grace_period"].removesuffix("s")) > settings["drain_seconds"]
    copied = re.findall(r"^COPY (\S+)", (COMPOSE / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert [source for source in copied if not (COMPOSE / source).exists()] == []


def test_the_dashboard_asks_for_numbers_that_the_server_has():
    dashboard = json.loads((COMPOSE / "grafana" / "dashboards" / "handrail.json").read_text("utf-8"))
    there = {metric.name for metric in Metrics()}
    asked = {name for panel in dashboard["panels"] for target in panel["targets"] for name in named(target["expr"])}
    assert len(asked) >= 8
    assert {name.removesuffix("_bucket") for name in asked} <= there


def named(expression: str) -> list[str]:
    return re.findall(r"handrail_[a-z_]+", expression)


def test_every_example_is_in_the_list_and_its_programs_say_how_to_run_them():
    listed = re.findall(r"^\| `(\w+)` \|", (EXAMPLES / "README.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(
        folder.name for folder in EXAMPLES.iterdir() if folder.is_dir() and folder.name != "__pycache__"
    )
    for program in EXAMPLES.glob("*/*.py"):
        assert "pip install" in (ast.get_docstring(ast.parse(program.read_text("utf-8"))) or ""), program
