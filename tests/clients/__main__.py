"""Asks the server by the libraries and programs that people use, and writes what their users see.

Usage: `python tests/clients [--only CLIENT ...]`; the result is `docs/reference/clients.md`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping
from typing import Any

from _environments import ROOT, Client, prepare, run, version
from _loops import LOOPS, loops
from _served import served

PAGE = ROOT / "docs" / "reference" / "clients.md"
CASES = {
    "clean": "Hello there.",
    "redacted": "Write to [EMAIL] now.",
    "early": "a block of the message",
    "late": "a block after text",
    "failing": "a model that fails",
}
_TOLD = re.compile(r"sorry|refus|block|filter|guardrail", re.IGNORECASE)


CLIENTS = (
    Client("OpenAI Agents", "ask_openai_agents", ("openai-agents",)),
    Client("pydantic-ai", "ask_pydantic_ai", ("pydantic-ai-slim[openai,anthropic]",)),
    Client("LangChain", "ask_langchain", ("langchain-openai", "langchain-anthropic")),
    Client("LlamaIndex", "ask_llamaindex", ("llama-index-llms-openai-like",)),
    Client("LiteLLM", "ask_litellm", ("litellm<1.109",)),
    Client("instructor", "ask_instructor", ("instructor",)),
    Client("llm", "ask_llm", ("llm",)),
    Client("Vercel's AI SDK", "ask_ai_sdk.mjs", ("ai@7", "@ai-sdk/openai@4", "@ai-sdk/anthropic"), from_npm=True),
    Client("Codex", "ask_codex", ("@openai/codex@0.171",), from_npm=True),
    Client("opencode", "ask_opencode", ("opencode-ai@1.18",), from_npm=True),
)


def main() -> None:
    """Ask by every client, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[client.title for client in (*CLIENTS, *LOOPS)])
    wanted = parser.parse_args().only
    chosen = [client for client in CLIENTS if client.title in wanted]
    rows: list[str] = []
    with served(configurations()) as base:
        for client in chosen:
            prepare(client)
            told = run(client, CLIENTS_BASE=base, CLIENTS_CASES=" ".join(CASES))
            for dialect in dict.fromkeys(entry["dialect"] for entry in told):
                found = {entry["case"]: entry for entry in told if entry["dialect"] == dialect}
                rows.append(row(f"{client.title} {version(client)}", dialect, found))
                sys.stdout.write(rows[-1] + "\n")
    turns = list(loops([client for client in LOOPS if client.title in wanted]))
    if len(chosen) == len(CLIENTS):
        PAGE.write_text(page(rows, turns), encoding="utf-8")


def row(title: str, dialect: str, found: Mapping[str, Mapping[str, str]]) -> str:
    """Return a line of the table."""
    return f"| {title} | {dialect} | {' | '.join(cell(case, found[case]) for case in CASES)} |"


def cell(case: str, told: Mapping[str, str]) -> str:
    """Return what a user sees, in a word or two."""
    kind, _, error = told["error"].partition(": ")
    if kind == "ProgramError":
        return "an error with its reason" if case == "failing" or _TOLD.search(error) else f"**{error[:80]}**"
    if case in ("clean", "redacted"):
        wanted = (CASES[case], "Lisbon", "[EMAIL]")
        return "the text" if told["text"] in wanted else f"**{kind or 'another text'}**"
    if case == "failing":
        return f"`{kind}`" if kind else "**nothing**"
    if kind:
        return f"`{kind}`" if _TOLD.search(told["error"]) else f"`{kind}`, no reason"
    return "the refusal as text" if _TOLD.search(told["text"]) else "**nothing**"


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


def page(rows: list[str], turns: list[str]) -> str:
    """Return the page."""
    head = f"| client | dialect | {' | '.join(('clean', 'redacted', 'blocked at once', 'blocked late', 'failing'))} |"
    return f"""# Clients

What users of these libraries see of an answer, with the settings that the server and the library have by default.
Each library or program runs in an environment of its own, against `handrail server` with pattern rails. Made by
`make clients`.

{head}
|---|---|---|---|---|---|---|
{chr(10).join(rows)}

`ModelBehaviorError` is how OpenAI Agents tells of any response that is incomplete. OpenAI's own libraries for
Python and Node, and Anthropic's for Python, are asked by the tests.

Codex needs two lines in its `config.toml`, for it offers tools that run on the model's server, and groups of tools:
`web_search = "disabled"`, and `multi_agent = false` below `[features]`. It drops the text of an answer that was
stopped, and shows its reason. opencode asks a model that fails again and again, and was ended after 100 seconds.
Anthropic's runner of tools asks for conversations that the server holds, which are refused: pass it `thread=False`.
Not asked: Claude Code, whose licence is not an open one.

## Loops of tools

Each client runs a loop of three turns behind rails: the model asks for a tool twice and then answers with an address of
mail, which a rail hides. The upstream is a stand-in that speaks the protocol and checks what it is sent.

| client | dialect | over Chat Completions | over Responses | over Messages |
|---|---|---|---|---|
{chr(10).join(turns)}
"""


if __name__ == "__main__":
    main()
