"""A software bill of materials for each member: what is installed with it, in CycloneDX's format, without dates or paths."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from distributions import UV, Environment

TOOL = "cyclonedx-bom==7.*"
_MEMBER = "handrail"


def described(environment: Environment) -> dict[str, Any]:
    """Return the bill of everything that is installed in an environment, as CycloneDX's own tool writes it."""
    tool = [UV, "tool", "run", "--quiet", "--from", TOOL, "cyclonedx-py", "environment"]
    command = [*tool, "--output-reproducible", "--of", "JSON", "--sv", "1.6", str(environment.python)]
    return dict(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def bill_of(distribution: str, whole: Mapping[str, Any]) -> dict[str, Any]:
    """Return the bill of one distribution: itself as the subject, and what it needs, directly or not.

    Raises:
        KeyError: the distribution is not in the whole bill.
    """
    components = {each["bom-ref"]: _without_places(each) for each in whole["components"]}
    needs = {each["ref"]: each.get("dependsOn", []) for each in whole["dependencies"]}
    subject = {each["name"]: ref for ref, each in components.items()}[distribution]
    reached = _reached(subject, needs)
    return {
        **whole,
        "metadata": {**whole["metadata"], "component": components[subject]},
        "components": [each for ref, each in components.items() if ref in reached - {subject}],
        "dependencies": [each for each in whole["dependencies"] if each["ref"] in reached],
    }


def write(folder: Path, distributions: Iterable[str], environment: Environment) -> list[Path]:
    """Write `NAME-VERSION.cdx.json` for each distribution; all must be installed in the environment."""
    whole = described(environment)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for distribution in distributions:
        bill = bill_of(distribution, whole)
        subject = bill["metadata"]["component"]
        file = folder / f"{subject['name']}-{subject['version']}.cdx.json"
        file.write_text(json.dumps(bill, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        written.append(file)
    return written


def _reached(start: str, needs: Mapping[str, Iterable[str]]) -> set[str]:
    reached, waiting = {start}, [start]
    while waiting:
        found = set(needs.get(waiting.pop(), ())) - reached
        reached |= found
        waiting += found
    return reached


def _without_places(component: dict[str, Any]) -> dict[str, Any]:
    """Leave out where the members' wheels lay when they were installed, which is a path of this machine."""
    if not component["name"].startswith(_MEMBER):
        return component
    kept = [each for each in component.get("externalReferences", []) if not each["url"].startswith("file:")]
    return {**component, "externalReferences": kept}
