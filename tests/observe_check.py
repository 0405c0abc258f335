"""Check rules, dashboards and metrics by the tools of their makers: `make observe-check`.

Prometheus' own `promtool` reads the alerts, runs them over made-up series, reads every query of the dashboards, and
lints what the server measures. Grafana's foundation SDK reads the dashboards; it runs in an environment of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml
from handrail_server._metrics import Histogram, Metric, Metrics

ROOT = Path(__file__).parents[1]
RULES = ROOT / "docs" / "operate" / "alerts.yml"
DASHBOARDS = (
    ROOT / "docs" / "operate" / "dashboard.json",
    *sorted((ROOT / "docs/examples/compose/grafana/dashboards").glob("*.json")),
)
GRAFANA = ROOT / ".venvs" / "grafana" / "bin" / "python"
_READ = """
import json, sys
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
register_default_plugins()
for file in sys.argv[1:]:
    with open(file, encoding="utf-8") as text:
        given = json.load(text)
    read = Dashboard.from_json(given)
    asked = [target["expr"] for panel in given["panels"] for target in panel.get("targets", ())]
    found = [target.expr for panel in read.panels for target in panel.targets or ()]
    assert found == asked and read.title == given["title"], f"{file}: not read as it is written"
    print(f"{file}: {len(read.panels)} panels, {len(found)} queries")
"""
# What happens, and which alerts that must fire after so long; everything else must not.
FIRING = (
    ("handrail_rail_failures_total{rail='judge'}", "0+1x60", "30m", "HandrailRailFails"),
    ("handrail_reloads_total{outcome='broken'}", "0x5 1+0x60", "10m", "HandrailConfigurationBroken"),
    ("handrail_store_failures_total", "0+1x60", "30m", "HandrailThreadsNotKept"),
)


def main() -> int:
    """Run every check; return whether one failed."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        checks = [
            ["promtool", "check", "rules", str(RULES)],
            ["promtool", "test", "rules", str(_written(made / "firing.yml", _tests()))],
            ["promtool", "check", "rules", str(_written(made / "queries.yml", _queries()))],
            [str(GRAFANA), "-c", _READ, *map(str, DASHBOARDS)],
        ]
        codes = [subprocess.run(check, check=False).returncode for check in checks]
        codes.append(
            subprocess.run(["promtool", "check", "metrics"], input=_measured(), check=False, text=True).returncode
        )
    return int(any(codes))


def _written(file: Path, value: object) -> Path:
    file.write_text(yaml.safe_dump(value), encoding="utf-8")
    return file


def _tests() -> object:
    """Return a test of each alert in the form of promtool: a quiet server fires nothing, and each series its own."""
    names = [rule["alert"] for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]]
    quiet = {"series": "handrail_requests_total{status='200'}", "values": "0+10x60"}
    cases = [(quiet, "30m", None), *(({"series": s, "values": v}, at, alert) for s, v, at, alert in FIRING)]
    return {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [quiet] if series is quiet else [quiet, series],
                "promql_expr_test": [
                    {
                        "expr": f"count(ALERTS{{alertname='{name}',alertstate='firing'}}) > 0",
                        "eval_time": at,
                        "exp_samples": [{"labels": "{}", "value": 1}] if name == expected else [],
                    }
                    for name in names
                ],
            }
            for series, at, expected in cases
        ],
    }


def _queries() -> object:
    """Return every query of the dashboards as a rule, which is what promtool reads."""
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(_asked())]
    return {"groups": [{"name": "dashboards", "rules": rules}]}


def _asked() -> Iterator[str]:
    for dashboard in DASHBOARDS:
        for panel in json.loads(dashboard.read_text("utf-8"))["panels"]:
            for target in panel.get("targets", ()):
                yield target["expr"].replace("$__rate_interval", "5m")


def _measured() -> str:
    """Return everything that the server can measure, once."""
    metrics = Metrics()
    for metric in vars(metrics).values():
        if isinstance(metric, Histogram):
            metric.observe(0.3, *metric.labels)
        elif isinstance(metric, Metric):
            metric.add(*metric.labels)
    return metrics.text()


if __name__ == "__main__":
    sys.exit(main())
