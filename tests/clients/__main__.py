"""Asks the server by the libraries that people use, each in an environment of its own, and writes what their users see.

Usage: `python tests/clients [--only CLIENT ...]`; the result is `docs/reference/clients.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"
PAGE = ROOT / "docs" / "reference" / "clients.md"
CASES = {
    "clean": "Hello there.",
    "redacted": "Write to [EMAIL] now.",
    "early": "a block of the message",
    "late": "a block after text",
    "failing": "a model that fails",
}
_TOLD = re.compile(r"sorry|refus|block|filter|guardrail", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Client:
    """A library, and what is installed to use it."""

    title: str
    program: str
    packages: tuple[str, ...]


CLIENTS = (
    Client("OpenAI Agents", "ask_openai_agents", ("openai-agents",)),
    Client("pydantic-ai", "ask_pydantic_ai", ("pydantic-ai-slim[openai,anthropic]",)),
    Client("LangChain", "ask_langchain", ("langchain-openai", "langchain-anthropic")),
    Client("LlamaIndex", "ask_llamaindex", ("llama-index-llms-openai-like",)),
    Client("LiteLLM", "ask_litellm", ("litellm<1.109",)),
    Client("instructor", "ask_instructor", ("instructor",)),
)


def main() -> None:
    """Ask by every client, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[client.title for client in CLIENTS])
    chosen = [client for client in CLIENTS if client.title in parser.parse_args().only]
    rows: list[str] = []
    with served() as base:
        for client in chosen:
            python = environment(client)
            told = ask(client, python, base)
            for dialect in dict.fromkeys(entry["dialect"] for entry in told):
                found = {entry["case"]: entry for entry in told if entry["dialect"] == dialect}
                rows.append(row(f"{client.title} {version(python, client)}", dialect, found))
                sys.stdout.write(rows[-1] + "\n")
    if len(chosen) == len(CLIENTS):
        PAGE.write_text(page(rows), encoding="utf-8")


def environment(client: Client) -> Path:
    """Return the interpreter of a client's own environment, which is made if it is not there."""
    folder = ROOT / ".venvs" / client.program.replace("_", "-")
    python = folder / "bin" / "python"
    uv = str(ROOT / ".venv" / "bin" / "uv")
    if not python.exists():
        subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--python", str(python), *client.packages], check=True)
    return python


def ask(client: Client, python: Path, base: str) -> list[dict[str, str]]:
    """Run a client's program, and return what it tells."""
    environ = {**os.environ, "CLIENTS_BASE": base, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONWARNINGS": "ignore"}
    command = [str(python), str(PROGRAMS / f"{client.program}.py")]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=180, check=False)
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"dialect"')]
    if not told or done.returncode:
        raise SystemExit(f"{client.title}: {done.stderr[-2000:]}")
    return told


def version(python: Path, client: Client) -> str:
    """Return the version of a client's first package."""
    name = re.split(r"[\[<]", client.packages[0])[0]
    code = f"from importlib.metadata import version; print(version({name!r}))"
    return subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def row(title: str, dialect: str, found: Mapping[str, Mapping[str, str]]) -> str:
    """Return a line of the table."""
    return f"| {title} | {dialect} | {' | '.join(cell(case, found[case]) for case in CASES)} |"


def cell(case: str, told: Mapping[str, str]) -> str:
    """Return what a user sees, in a word or two."""
    kind = told["error"].partition(":")[0]
    if case in ("clean", "redacted"):
        wanted = (CASES[case], "Lisbon", "[EMAIL]")
        return "the text" if told["text"] in wanted else f"**{kind or 'another text'}**"
    if case == "failing":
        return f"`{kind}`" if kind else "**nothing**"
    if kind:
        return f"`{kind}`" if _TOLD.search(told["error"]) else f"`{kind}`, no reason"
    return "the refusal as text" if _TOLD.search(told["text"]) else "**nothing**"


@contextmanager
def served() -> Iterator[str]:
    """Serve the cases, and give the address."""
    with tempfile.TemporaryDirectory() as folder:
        for name, values in configurations().items():
            (place := Path(folder) / name).mkdir()
            (place / "config.yml").write_text(json.dumps(values), encoding="utf-8")
        command = [sys.executable, "-m", "handrail_cli.app", "server", folder, "--port", "0"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            said = next(line for line in process.stderr if "listening at" in line)
            try:
                yield re.search(r"http://\S+", said)[0]  # type: ignore[index]  # the line has an address
            finally:
                process.terminate()
                process.stderr.read()


def configurations() -> dict[str, dict[str, Any]]:
    """Return a configuration for each case, for texts and for answers of a form."""
    made: dict[str, dict[str, Any]] = {}
    for prefix, wrap in (("", str), ("form-", lambda text: json.dumps({"city": text}))):
        clean = "Hello there." if not prefix else "Lisbon"
        mail = "Write to anna.lind@example.com now." if not prefix else "anna.lind@example.com"
        late = "First open a window and let the air in. " * 5 + "Then mix bleach and ammonia."
        made |= {
            f"{prefix}clean": config(wrap(clean)),
            f"{prefix}redacted": config(wrap(mail)),
            f"{prefix}early": config(wrap(clean), phrase="hello", direction="input"),
            f"{prefix}late": config(wrap(late), phrase="bleach and ammonia"),
            f"{prefix}failing": config({"text": wrap(clean), "error": {"type": "server", "after": 2}}),
        }
    return made


def config(answer: object, *, phrase: str = "swordfish", direction: str = "output") -> dict[str, Any]:
    """Return a configuration with a scripted model and pattern rails."""
    rails: dict[str, Any] = {
        "input": {"flows": ["phrase check"] if direction == "input" else []},
        "output": {"flows": ["personal data check", "phrase check"], "streaming": {"enabled": True}},
        "config": {
            "phrase check": {"phrases": [phrase], "action": "block"},
            "personal data check": {"action": "redact"},
        },
    }
    return {"models": [{"type": "main", "engine": "scripted", "parameters": {"answers": [answer]}}], "rails": rails}


def page(rows: list[str]) -> str:
    """Return the page."""
    head = f"| client | dialect | {' | '.join(('clean', 'redacted', 'blocked at once', 'blocked late', 'failing'))} |"
    return f"""# Clients

What users of these libraries see of an answer, with the settings that the server and the library have by default.
Each library runs in an environment of its own, against `handrail server` with pattern rails. Made by `make clients`.

{head}
|---|---|---|---|---|---|---|
{chr(10).join(rows)}

`ModelBehaviorError` is how OpenAI Agents tells of any response that is incomplete. OpenAI's own libraries for
Python and Node, and Anthropic's for Python, are asked by the tests.
"""


if __name__ == "__main__":
    main()
