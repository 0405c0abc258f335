"""Simon Willison's llm, as its command: streamed text of models that its own file adds."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from asked import BASE, CASES, report


def ask(case):
    command = [str(Path(sys.executable).parent / "llm"), "--no-log", "-m", f"at-{case}", "Hello!"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return done.stdout.strip()


ENTRY = '- model_id: at-{case}\n  model_name: {case}\n  api_base: "{base}/v1"\n  api_key_name: none\n'

with tempfile.TemporaryDirectory() as home:
    entries = "".join(ENTRY.format(case=case, base=BASE) for case in CASES)
    (Path(home) / "extra-openai-models.yaml").write_text(entries, encoding="utf-8")
    (Path(home) / "keys.json").write_text('{"none": "none"}', encoding="utf-8")
    os.environ["LLM_USER_PATH"] = home
    report("chat", ask)
