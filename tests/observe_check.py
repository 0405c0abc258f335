"""Check rules, dashboards and metrics by the tools of their makers: `make observe-check`.

Prometheus' own `promtool` reads the alerts, runs them over made-up series, reads every query of the dashboards, and
lints what the server measures. Prometheus itself scrapes a server, and every query of the dashboards must find
something there. Grafana's foundation SDK reads the dashboards; it runs in an environment of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from handrail_server._metrics import Histogram, Metric, Metrics
from observe_live import empty

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
_QUIET = {"handrail_requests_total{status='200'}": "0+10x1620"}  # ten answers a minute


@dataclass(frozen=True)
class Case:
    """Made-up series, a value each minute.

    Attributes:
        alert: which one they are about.
        fires: whether it must fire then; no other may.
        at: when.
        series: their values in promtool's notation.
    """

    alert: str
    fires: bool
    at: str
    series: Mapping[str, str]


_FAILS = "handrail_rail_failures_total{rail='judge'}"
_BREAKS = "handrail_model_failures_total{error='ProviderError'}"
_BLOCKS = "handrail_blocks_total{rail='words',direction='output'}"
_BROKEN = "handrail_reloads_total{outcome='broken'}"
_LOST = "handrail_store_failures_total"
_FIRST = "handrail_first_text_seconds_bucket{le='%s'}"
CASES = (
    Case("HandrailRailFails", fires=True, at="30m", series={_FAILS: "0x20 1+1x40"}),
    Case("HandrailRailFails", fires=False, at="30m", series={_FAILS: "7x60"}),
    Case("HandrailModelFails", fires=True, at="30m", series={_BREAKS: "0+1x60"}),
    Case("HandrailModelFails", fires=False, at="30m", series={_BREAKS: "0+0.1x60"}),
    Case(
        "HandrailFirstTextSlow",
        fires=True,
        at="30m",
        series={_FIRST % "5.0": "0+9x60", _FIRST % "10.0": "0+10x60", _FIRST % "+Inf": "0+10x60"},
    ),
    Case(
        "HandrailFirstTextSlow",
        fires=False,
        at="30m",
        series={_FIRST % "5.0": "0+10x60", _FIRST % "10.0": "0+10x60", _FIRST % "+Inf": "0+10x60"},
    ),
    Case("HandrailBlocksChanged", fires=True, at="26h", series={_BLOCKS: "0+1x1440 1440+4x180"}),
    Case("HandrailBlocksChanged", fires=False, at="26h", series={_BLOCKS: "0+1x1440 1440+2x180"}),
    Case("HandrailBlocksChanged", fires=False, at="26h", series={_BLOCKS: "0x1460 1x40 2x40 3x80"}),
    Case("HandrailConfigurationBroken", fires=True, at="10m", series={_BROKEN: "0x5 1+0x60"}),
    Case("HandrailConfigurationBroken", fires=False, at="30m", series={_BROKEN: "1x60"}),
    Case("HandrailThreadsNotKept", fires=True, at="30m", series={_LOST: "0+1x60"}),
    Case("HandrailThreadsNotKept", fires=False, at="30m", series={_LOST: "3x60"}),
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
        found_nothing = empty(_asked(), made)
    for query in found_nothing:
        print(f"finds nothing: {query}", file=sys.stderr)
    return int(any(codes) or bool(found_nothing))


def _written(file: Path, value: object) -> Path:
    file.write_text(yaml.safe_dump(value), encoding="utf-8")
    return file


def _tests() -> object:
    """Return the cases as promtool reads them, and a quiet server that fires nothing.

    Raises:
        SystemExit: there is an alert that no case fires, or that none leaves silent.
    """
    alerts = [rule["alert"] for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]]
    tried = {(case.alert, case.fires) for case in CASES}
    if lacking := {(alert, fires) for alert in alerts for fires in (True, False)} ^ tried:
        raise SystemExit(
            f"alerts and whether they fire, of which there is only a rule or only a case: {sorted(lacking)}"
        )
    tests = [_test(alerts, case.at, case.series, case.alert if case.fires else None) for case in CASES]
    return {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [_test(alerts, "30m", {}, None), *tests],
    }


def _test(alerts: Sequence[str], at: str, series: Mapping[str, str], fires: str | None) -> object:
    """Return a test that one alert, or none, fires."""
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in {**_QUIET, **series}.items()],
        "promql_expr_test": [
            {
                "expr": f"count(ALERTS{{alertname='{alert}',alertstate='firing'}}) > 0",
                "eval_time": at,
                "exp_samples": [{"labels": "{}", "value": 1}] if alert == fires else [],
            }
            for alert in alerts
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
