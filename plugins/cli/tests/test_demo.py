"""The demonstration as `make demo` runs it, at ten times the pace."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


def test_the_demonstration_shows_an_answer_and_stops_one_and_measures_both(tmp_path: Path):
    examples = shutil.copytree(EXAMPLES, tmp_path / "examples")
    file = examples / "quickstart" / "config.yml"
    faster = file.read_text().replace("tokens_per_second: 60", "tokens_per_second: 600").replace("0.3", "0.03")
    file.write_text(faster)

    done = subprocess.run([sys.executable, examples / "demo.py"], capture_output=True, text=True, timeout=300)

    assert (done.returncode, done.stderr) == (0, "")
    answer, stopped = done.stdout.split("An answer that turns harmful")
    assert "Three days are enough to fall for Lisbon" in answer
    assert "[blocked] The rail 'self check output' refused the answer" in stopped
    assert "ammonia" not in done.stdout
    for part in (answer, stopped):
        for line in ("time to first text", "total time", "time without rails"):
            assert re.search(rf"^{line} +\d+\.\d\d s$", part, re.MULTILINE)
        assert re.search(r"^number of checks +[1-9]\d*, of 0\.\d\d s each$", part, re.MULTILINE)
    assert re.search(r"^delivered +(\S+) of \1 characters$", answer, re.MULTILINE)
