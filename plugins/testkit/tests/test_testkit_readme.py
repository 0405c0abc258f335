"""The README's snippets run, and its table names what there is to be named."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import handrail_testkit
from handrail_testkit import ProviderCase, ProviderConformance

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_python_snippets_run():
    namespace = {"__name__": "readme"}
    for snippet in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        exec(compile(snippet, "README.md", "exec", dont_inherit=True), namespace)
    assert issubclass(namespace["TestMyProvider"], ProviderConformance)


def test_every_part_of_a_case_is_described():
    assert [part.name for part in fields(ProviderCase) if f"`{part.name}`" not in README] == []


def test_every_public_name_can_be_had():
    assert all(getattr(handrail_testkit, name) for name in handrail_testkit.__all__)
