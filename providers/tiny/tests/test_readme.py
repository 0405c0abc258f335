from __future__ import annotations

import re
from pathlib import Path

from handrail_tiny.settings import TinySettings

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_every_setting_is_described_with_its_default():
    rows = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", README, re.MULTILINE))
    for name, field in TinySettings.model_fields.items():
        default = "none" if field.default in (None, []) else format(field.default, "g")
        default = str(field.default).lower() if isinstance(field.default, bool) else default
        assert rows[name] == default
