"""Runs programs that write a line of JSON for each thing that happens: OpenAI's Codex and opencode."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

SECONDS = 100
CODEX = """model_provider = "handrail"

[model_providers.handrail]
name = "handrail"
base_url = "{base}/v1"
wire_api = "responses"
env_key = "HANDRAIL_KEY"
request_max_retries = 0
stream_max_retries = 0
"""


class ProgramError(Exception):
    """The program has told its user of an error."""


def codex(home: Path, base: str, model: str, *more: str) -> list[dict]:
    """Return what Codex tells of one turn."""
    (home / "config.toml").write_text(CODEX.format(base=base), encoding="utf-8")
    command = ["exec", "--skip-git-repo-check", "--json", *more, "-m", model, "Hello!"]
    return _told("codex", command, home, {"CODEX_HOME": str(home), "HANDRAIL_KEY": "none"})


def opencode(home: Path, base: str, model: str) -> list[dict]:
    """Return what opencode tells of one turn."""
    options = {"baseURL": f"{base}/v1", "apiKey": "none"}
    provider = {"npm": "@ai-sdk/openai-compatible", "options": options, "models": {model: {}}}
    config = {"share": "disabled", "autoupdate": False, "provider": {"handrail": provider}}
    (home / "opencode.json").write_text(json.dumps(config), encoding="utf-8")
    return _told("opencode", ["run", "-m", f"handrail/{model}", "--format", "json", "Hello!"], home, {})


def _told(program: str, command: list[str], home: Path, environ: dict[str, str]) -> list[dict]:
    path = Path(os.environ["CLIENTS_PROGRAMS"]) / program
    done = subprocess.run(
        [str(path), *command],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=home,
        env={**os.environ, "HOME": str(home), "PWD": str(home), **environ},
        timeout=SECONDS,
        check=False,
    )
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if not told:
        raise ProgramError(done.stderr.strip() or "nothing")
    return told
