"""The page about clusters: its commands are run, and its manifests are valid."""

from __future__ import annotations

import re
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from clusters import BIN
from handrail import RailsConfig
from handrail_ray._serving import placed_rails

from conftest import ask, serving

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "howto" / "cluster.md"
EXAMPLE = ROOT / "docs" / "examples" / "cluster"
BLOCK = re.compile(r"test_the_page_goes_to_a_cluster_and_back -->\n```console\n(.*?)```", re.DOTALL)
SERVER = "handrail server --config config --port 8080 &"
ADVICE = "How do I clean the sink?"


def commands():
    """Yield each command of the page, with what it is to write."""
    for block in BLOCK.findall(PAGE.read_text()):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def test_the_page_goes_to_a_cluster_and_back(cluster, tmp_path):
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    (tmp_path / "ray.yml").write_text((tmp_path / "ray.yml").read_text().replace("http://127.0.0.1:8000", cluster.url))
    asked = 0
    with ExitStack() as servers:
        for command, output in commands():
            if command.startswith("ray "):  # the cluster of the tests is up, and stays
                continue
            if command.endswith("&"):
                assert command == SERVER
                port = servers.enter_context(serving(cluster, tmp_path / "config", cwd=tmp_path))
                assert ask(port, "config", "Why are there tides?") == ("The tides follow the moon.", None)
                assert ask(port, "config", ADVICE) == ("I'm sorry, I can't respond to that.", None)
                asked += 1
            elif command == "kill %1":
                servers.close()
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


def test_the_manifest_of_the_cluster_has_what_kuberay_reads():
    """KubeRay's schema comes in no package, so this names what is used of it."""
    spec = manifests()[0]["spec"]
    cluster = spec["rayClusterConfig"]
    head, workers = cluster["headGroupSpec"], cluster["workerGroupSpecs"]
    assert set(spec) == {"serveConfigV2", "rayClusterConfig"}
    assert set(cluster) == {"rayVersion", "headGroupSpec", "workerGroupSpecs"}
    assert set(head) == {"rayStartParams", "template"}
    for group in workers:
        assert set(group) == {*head, "groupName", "replicas", "minReplicas", "maxReplicas"}
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
    assert all(isinstance(value, str) for group in (head, *workers) for value in group["rayStartParams"].values())
    # The head's service has the ports of its container, where there are any, and the operator looks for this one.
    (container,) = head["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"gcs-server": 6379, "dashboard": 8265, "client": 10001, "serve": 8000}


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
