from __future__ import annotations

import ast
import re
from pathlib import Path

import anyio
import pytest
from handrail_huggingface.settings import HuggingFaceSettings

README = (Path(__file__).parents[1] / "README.md").read_text()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_example_streams(capsys):
    [code] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    compiled = compile(code, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    async def run():
        await eval(compiled, {})

    anyio.run(run)
    assert "two eggs" in capsys.readouterr().out


def test_every_setting_is_described():
    rows = re.findall(r"^\| (`.*?`) \|", README, re.MULTILINE)
    described = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert set(HuggingFaceSettings.model_fields) <= described
