"""The page about clusters: its commands are run, and its manifests are valid."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
import yaml
from handrail import RailsConfig
from handrail_ray._serving import placed_rails

from conftest import BIN, free_port

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "howto" / "cluster.md"
EXAMPLE = ROOT / "docs" / "examples" / "cluster"
BLOCK = re.compile(r"test_the_page_goes_to_a_cluster_and_back -->\n```console\n(.*?)```", re.DOTALL)
ADVICE = "How do I clean the sink?"


def commands():
    """Yield each command of the page, with what it is to write."""
    for block in BLOCK.findall(PAGE.read_text()):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def ask(port, question):
    """Return what the server delivers."""
    body = {"model": "config", "messages": [{"role": "user", "content": question}], "stream": True}
    text = httpx2.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body, timeout=30).text
    events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
    return "".join(choice["delta"].get("content") or "" for event in events for choice in event.get("choices", ()))


def wait_for(port, process):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, process.stderr.read()
        with suppress(httpx2.HTTPError):
            if httpx2.get(f"http://127.0.0.1:{port}/healthz").status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError("the server did not begin to listen")


def test_the_page_goes_to_a_cluster_and_back(cluster, tmp_path):
    from ray import serve

    serve.delete("handrail")  # the page's application has the same name, and is deployed anew
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    (tmp_path / "ray.yml").write_text((tmp_path / "ray.yml").read_text().replace("http://127.0.0.1:8000", cluster.url))
    port, server, asked = free_port(), None, 0
    try:
        for command, output in commands():
            if command.startswith("ray "):  # the cluster of the tests is up, and stays
                continue
            if command.endswith("&"):
                words = command.removesuffix(" &").replace("8080", str(port)).split()
                program = [BIN / words[0], *words[1:]]
                there = {"cwd": tmp_path, "env": cluster.environment}
                server = subprocess.Popen(program, **there, text=True, stderr=subprocess.PIPE)
                wait_for(port, server)
                assert ask(port, "Why are there tides?") == "The tides follow the moon."
                assert ask(port, ADVICE) == "I'm sorry, I can't respond to that."
                asked += 1
            elif command == "kill %1":
                server.terminate()
                server.communicate(timeout=60)
            else:
                done = subprocess.run(
                    ["bash", "-c", f'PATH="{BIN}:$PATH"; {command}'],
                    cwd=tmp_path,
                    env=cluster.environment,
                    capture_output=True,
                    text=True,
                    timeout=300,
                    check=False,
                )
                assert done.returncode == 0, done.stdout + done.stderr
                wanted = [line.split() for line in output.splitlines()]
                assert not wanted or [line.split() for line in done.stdout.splitlines()] == wanted
    finally:
        if server is not None:
            server.kill()
            server.communicate()
    assert asked == 3


def manifests():
    files = [(EXAMPLE / "kubernetes" / file).read_text() for file in ("rails.yaml", "server.yaml")]
    return [one for file in files for one in yaml.safe_load_all(file)]


def test_manifests_fit_the_schemas_of_kubernetes():
    import kubernetes_validate

    kinds = [one["kind"] for one in manifests()]
    assert kinds == ["RayService", "Deployment", "Service", "NetworkPolicy"]
    for one in manifests()[1:]:
        kubernetes_validate.validate(one, "1.33", strict=True)
    cluster = manifests()[0]["spec"]["rayClusterConfig"]
    for group in [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]:
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ray"}, **group["template"]}
        kubernetes_validate.validate(pod, "1.33", strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**manifests()[1], "spec": {"replicas": "many"}}, "1.33", strict=True)


def test_the_application_of_the_manifest_is_one_that_serve_can_build(tmp_path):
    from importlib import import_module

    from ray.serve.schema import ServeDeploySchema

    schema = ServeDeploySchema.model_validate(yaml.safe_load(manifests()[0]["spec"]["serveConfigV2"]))
    (found,) = schema.applications
    module, _, name = found.import_path.partition(":")
    shutil.copytree(EXAMPLE / "config", tmp_path, dirs_exist_ok=True)
    shutil.copy(EXAMPLE / "ray.yml", tmp_path)
    assert found.name == placed_rails(RailsConfig.from_path(tmp_path))[0].settings.app
    application = getattr(import_module(module), name)({**found.args, "config": str(tmp_path)})
    assert type(application).__name__ == "Application"
