"""Bills of materials in CycloneDX's format: what each member is installed with, without paths or dates."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Collection, Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from distributions import UV, Environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TOOL = "cyclonedx-bom==7.*"
_MEMBER = "handrail"


def described(environment: Environment) -> dict[str, Any]:
    """Return the bill of everything that is installed in an environment, as CycloneDX's own tool writes it."""
    tool = [UV, "tool", "run", "--quiet", "--from", TOOL, "cyclonedx-py", "environment"]
    command = [*tool, "--output-reproducible", "--of", "JSON", "--sv", "1.6", str(environment.python)]
    return dict(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def needed_by(distribution: str, environment: Environment) -> set[str]:
    """Return the names of a distribution and of all that it needs; extras count where something asks for them."""
    (folder,) = environment.folder.glob("lib/python*/site-packages")
    installed = {canonicalize_name(each.name): each for each in metadata.distributions(path=[str(folder)])}
    waiting, reached = [(canonicalize_name(distribution), "")], set[tuple[str, str]]()
    while waiting:
        name, extra = asked = waiting.pop()
        if asked in reached or name not in installed:
            continue
        reached.add(asked)
        for text in installed[name].requires or ():
            need = Requirement(text)
            if need.marker is None or need.marker.evaluate({"extra": extra}):
                waiting += [(canonicalize_name(need.name), each) for each in ("", *need.extras)]
    return {str(name) for name, _ in reached}


def bill_of(distribution: str, needed: Collection[str], whole: Mapping[str, Any]) -> dict[str, Any]:
    """Return the bill of one distribution and its needs, cut out of that of a whole environment."""
    components = {each["bom-ref"]: each for each in map(_without_places, whole["components"])}
    kept = {ref for ref, each in components.items() if canonicalize_name(each["name"]) in needed}
    (subject,) = (ref for ref in kept if components[ref]["name"] == distribution)
    needs = {each["ref"]: sorted(kept.intersection(each.get("dependsOn", ()))) for each in whole["dependencies"]}
    return {
        **whole,
        "metadata": {**whole["metadata"], "component": components[subject]},
        "components": [components[ref] for ref in sorted(kept - {subject})],
        "dependencies": [{"ref": ref, "dependsOn": needs[ref]} for ref in sorted(kept)],
    }


def write(folder: Path, distributions: Iterable[str], environment: Environment) -> list[Path]:
    """Write `NAME-VERSION.cdx.json` for each distribution; all must be installed in the environment."""
    whole = described(environment)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for distribution in distributions:
        bill = bill_of(distribution, needed_by(distribution, environment), whole)
        subject = bill["metadata"]["component"]
        file = folder / f"{subject['name']}-{subject['version']}.cdx.json"
        file.write_text(json.dumps(bill, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        written.append(file)
    return written


def _without_places(component: dict[str, Any]) -> dict[str, Any]:
    """Leave out where the members' wheels lay when they were installed, which is a path of this machine."""
    if not component["name"].startswith(_MEMBER):
        return component
    kept = [each for each in component.get("externalReferences", []) if not each["url"].startswith("file:")]
    return {**component, "externalReferences": kept}
