"""The drop-in ends sixty-three programs as NVIDIA's package does, but for the differences that are written down."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "migrating.md").read_text("utf-8")


def test_what_differs_is_what_the_page_on_migrating_says():
    command = [sys.executable, str(ROOT / "tests" / "side_by_side.py")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    differing = re.findall(r"^DIFFERENT (\d\d)", printed, re.MULTILINE)
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")]
    assert sorted(differing) == sorted(number for row in rows for number in re.findall(r"\((\d\d)\)", row))
    assert printed.splitlines()[-1] == "36 of 63 the same"
