"""What the README and the page about deployment say of settings and series is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from handrail_server import Limits, Policy, ServerSettings
from handrail_server._keys import KeyLimits, read_keys
from handrail_server._metrics import Metrics

ROOT = Path(__file__).parents[3]
README = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
SECURITY = Path(__file__).parents[3].joinpath("docs", "security.md").read_text(encoding="utf-8")
DEPLOY = Path(__file__).parents[3].joinpath("docs", "deploy.md").read_text(encoding="utf-8")


def table(heading: str) -> set[str]:
    """Return the names in the first column of the README's table of this heading."""
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


def test_keys_of_the_readme_can_be_read(tmp_path):
    (file := tmp_path / "keys.yml").write_text(
        re.search(r"^```yaml\n(keys:.*?)^```", README, re.DOTALL | re.MULTILINE)[1], encoding="utf-8"
    )
    (entry,) = read_keys(file, ["support"])
    assert entry.limits.tokens_per_minute == 20_000


def test_page_about_deployment_has_every_series_and_no_other():
    there = {metric.name for metric in Metrics()}
    assert set(re.findall(r"handrail_[a-z_]+", DEPLOY)) == there


def names_of_tests() -> set[str]:
    files = Path(__file__).parent.glob("test_*.py")
    return {name for file in files for name in re.findall(r"def (test_\w+)", file.read_text(encoding="utf-8"))}


def rows(page: str, heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading."""
    section = page.partition(f"{heading}\n")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line[:1] == "|"][2:]


def test_each_limit_stands_in_the_table_with_a_test_of_it():
    table = rows(DEPLOY, "## Limits")
    named = {name for cells in table for name in re.findall(r"`(\w+)`", cells[0])}
    assert set(Limits.model_fields) <= named
    assert set(KeyLimits.model_fields) <= named
    assert {name for cells in table for name in re.findall(r"test_\w+", cells[-1])} <= names_of_tests()
    assert all(re.search(r"test_\w+", cells[-1]) for cells in table)


def test_each_attack_on_the_server_has_a_test():
    table = rows(SECURITY, "### Attacks on the server")
    assert len(table) > 20
    assert all(re.search(r"test_\w+", cells[-1]) for cells in table)
    assert {name for cells in table for name in re.findall(r"test_\w+", cells[-1])} <= names_of_tests()


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


@pytest.mark.parametrize("name", ["alerts.yml", "dashboard.json"])
def test_dashboard_and_alerts_ask_for_metrics_and_labels_that_there_are(name):
    there = {metric.name: set(metric.labels) for metric in Metrics()}
    text = (ROOT / "docs/operate" / name).read_text(encoding="utf-8")
    parsed = yaml.safe_load(text)  # JSON is YAML
    asked = set(re.findall(r"\bhandrail_[a-z_]+", text))
    assert asked
    assert {re.sub(r"_(bucket|sum|count)$", "", one) for one in asked} <= set(there)
    assert parsed
    for by, metric in re.findall(r"by \(([a-z, ]+)\) \((?:rate|increase)\((handrail_[a-z_]+?)(?:_bucket)?\[", text):
        assert set(by.replace(" ", "").split(",")) - {"le"} <= there[metric], metric
