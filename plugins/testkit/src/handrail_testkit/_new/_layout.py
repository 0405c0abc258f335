"""Which files a new package has, and from which template each is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["rail", "stream-rail", "provider", "strategy"]

_COMMON = {
    "common/pyproject.toml.tmpl": "pyproject.toml",
    "common/LICENSE.tmpl": "LICENSE",
    "common/gitignore.tmpl": ".gitignore",
    "common/workflow.yml.tmpl": ".github/workflows/test.yml",
    "common/init.py.tmpl": "src/{package}/__init__.py",
    "common/py.typed.tmpl": "src/{package}/py.typed",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """What is particular to a kind of plugin.

    Attributes:
        module: the module with the implementation.
        description: one line about the package.
        requires: what the package needs beside the kernel and pydantic.
        tested_with: what its example or its tests need beside the test kit.
        also: further files.
    """

    module: str
    description: str
    requires: tuple[str, ...] = ()
    tested_with: tuple[str, ...] = ()
    also: Mapping[str, str] = field(default_factory=dict)

    def files(self, kind: Kind) -> Mapping[str, str]:
        """Return the path of each file by that of its template; `{package}` stands for the package's name."""
        return {
            **_COMMON,
            f"{kind}/README.md.tmpl": "README.md",
            f"{kind}/config.yml.tmpl": "example/config.yml",
            f"{kind}/plugin.py.tmpl": "src/{package}/plugin.py",
            f"{kind}/settings.py.tmpl": "src/{package}/settings.py",
            f"{kind}/{self.module}.py.tmpl": f"src/{{package}}/{self.module}.py",
            f"{kind}/check_conformance.py.tmpl": "tests/test_conformance.py",
            f"{kind}/check_{self.module}.py.tmpl": f"tests/test_{self.module}.py",
            **self.also,
        }


LAYOUTS: Mapping[Kind, Layout] = MappingProxyType(
    {
        "rail": Layout("rail", "A rail for Handrail: blocks text that shouts"),
        "stream-rail": Layout("rail", "A rail for Handrail: redacts the words of a list, or blocks text that has them"),
        "provider": Layout(
            "provider",
            "An engine for Handrail: models behind an HTTP service that streams lines of JSON",
            requires=("anyio>=4.9", "httpx2>=2.12,<3"),
            also={"provider/service.py.tmpl": "tests/service.py"},
        ),
        "strategy": Layout(
            "strategy",
            "A streaming strategy for Handrail: windows of whole lines",
            tested_with=("handrail-self-check",),
        ),
    }
)
"""The kinds of plugins that can be begun."""
