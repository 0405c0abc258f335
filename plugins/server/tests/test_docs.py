"""What the README and the page about deployment say of settings and series is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from handrail_server import Limits, Policy, ServerSettings
from handrail_server._metrics import Metric, Metrics

README = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
DEPLOY = Path(__file__).parents[3].joinpath("docs", "deploy.md").read_text(encoding="utf-8")


def table(heading: str) -> set[str]:
    """Give the names in the first column of the README's table of this heading."""
    rows = (
        re.search(rf"^\| {re.escape(heading)} \|.*?\n\n", README, re.DOTALL | re.MULTILINE)[0].rstrip().splitlines()[2:]
    )
    return {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def snippets(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", DEPLOY, re.DOTALL | re.MULTILINE)


def test_readme_has_every_setting_and_no_other():
    assert table("Key") == set(ServerSettings.model_fields) - {"limits", "policy"}
    assert table("`limits`") == set(Limits.model_fields)
    assert table("`policy`") == set(Policy.model_fields)


def test_page_about_deployment_has_every_series_and_no_other():
    there = {metric.name for metric in vars(Metrics()).values() if isinstance(metric, Metric)}
    assert set(re.findall(r"handrail_[a-z_]+", DEPLOY)) == there


def test_examples_of_deployment_give_the_server_time_to_drain(tmp_path):
    settings, manifests = snippets("yaml")
    (file := tmp_path / "server.yml").write_text(settings, encoding="utf-8")
    drain = ServerSettings.read(file).drain_seconds
    deployment, service, _ = yaml.safe_load_all(manifests)
    pod = deployment["spec"]["template"]
    container = pod["spec"]["containers"][0]
    paused = int(container["lifecycle"]["preStop"]["exec"]["command"][-1])
    assert pod["spec"]["terminationGracePeriodSeconds"] > drain + paused
    assert int(re.search(r"TimeoutStopSec=(\d+)", DEPLOY)[1]) > drain
    assert service["spec"]["ports"][0]["targetPort"] == container["ports"][0]["containerPort"]
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
