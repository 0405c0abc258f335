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

from _endless import EndlessServer, asking
from _environments import ROOT, Client, prepare, run, version
from _loops import LOOPS, loops
from _served import served

PAGE = ROOT / "docs" / "reference" / "clients.md"
CASES = {
    "clean": "Hello there.",
    "redacted": "Write to [EMAIL] now.",
    "early": "a block of the message",
    "late": "a block after text",
    "reasoning": "Hello there.",
    "failing": "a model that fails",
}
_HEADS = ("clean", "redacted", "blocked at once", "blocked late", "reasoning", "failing", "leaving")
LATE = "once its garbage is collected"
_FEW = 2  # events; fewer are a matter of chance
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
    upstream = EndlessServer()
    with upstream, served({**configurations(), "leaving": asking(upstream)}) as base:
        for client in chosen:
            prepare(client)
            told = run(client, CLIENTS_BASE=base, CLIENTS_CASES=" ".join(CASES))
            for dialect in dict.fromkeys(entry["dialect"] for entry in told):
                found = {entry["case"]: entry for entry in told if entry["dialect"] == dialect}
                rows.append(row(f"{client.title} {version(client)}", dialect, found, upstream))
                sys.stdout.write(rows[-1] + "\n")
    turns = list(loops([client for client in LOOPS if client.title in wanted]))
    if len(chosen) == len(CLIENTS):
        PAGE.write_text(page(rows, turns), encoding="utf-8")


def row(title: str, dialect: str, found: Mapping[str, Mapping[str, str]], upstream: EndlessServer) -> str:
    """Return a line of the table."""
    cells = [*(cell(case, found[case]) for case in CASES), left(found.get("leaving"), upstream)]
    return f"| {title} | {dialect} | {' | '.join(cells)} |"


def left(told: Mapping[str, str] | None, upstream: EndlessServer) -> str:
    """Return how many events the model's server has sent after the one at which the client left, or when it noticed."""
    if told is None:
        return "not asked"
    upstream.wait_idle()
    sent = upstream.sent.popleft() if upstream.sent else 0
    if told["error"]:
        return told["error"] if told["error"] == LATE else f"**{told['error']}**"
    more = sent - int(told["text"])
    return f"{more}" if more > _FEW else f"at most {_FEW}"


def cell(case: str, told: Mapping[str, str]) -> str:
    """Return what a user sees, in a word or two."""
    kind, _, error = told["error"].partition(": ")
    if kind == "ProgramError":
        return "an error with its reason" if case == "failing" or _TOLD.search(error) else f"**{error[:80]}**"
    if case in ("clean", "redacted", "reasoning"):
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
            f"{prefix}reasoning": config(
                {"reasoning": "It is polite to greet.", "text": wrap(clean)}, reads_reasoning=True
            ),
            f"{prefix}failing": config({"text": wrap(clean), "error": {"type": "server", "after": 2}}),
        }
    return made


def config(
    answer: object, *, phrase: str = "swordfish", direction: str = "output", reads_reasoning: bool = False
) -> dict[str, Any]:
    """Return a configuration with a scripted model and pattern rails."""
    channels = ["text", "tool_calls", *(["reasoning"] if reads_reasoning else [])]
    rails: dict[str, Any] = {
        "input": {"flows": ["phrase check"] if direction == "input" else []},
        "output": {"flows": ["personal data check", "phrase check"], "streaming": {"enabled": True}},
        "config": {
            "phrase check": {"phrases": [phrase], "action": "block", "channels": channels},
            "personal data check": {"action": "redact"},
        },
    }
    return {"models": [{"type": "main", "engine": "scripted", "parameters": {"answers": [answer]}}], "rails": rails}


def page(rows: list[str], turns: list[str]) -> str:
    """Return the page."""
    head = f"| client | dialect | {' | '.join(_HEADS)} |"
    return f"""# Clients

What users of these libraries see of an answer, with the settings that the server and the library have by default.
Each library or program runs in an environment of its own, against `handrail server` with pattern rails. Made by
`make clients`.

{head}
{"|---" * (len(_HEADS) + 2)}|
{chr(10).join(rows)}

`ModelBehaviorError` is how OpenAI Agents tells of any response that is incomplete. OpenAI's own libraries for
Python and Node, and Anthropic's for Python, are asked by the tests.

Reasoning is given, as a rail reads it, and no client takes it for the answer. "Leaving" is how many events a model that
sends one every 20 milliseconds still sends after the one at which the client has gone. LlamaIndex and LiteLLM close a
connection when Python collects their garbage; until then the answer goes on.

Codex offers tools that run on the model's server; they are left out. It drops the text of an answer that was stopped,
and shows its reason. opencode asks a model that fails again for about a minute before it shows the error; a block ends
its answer at once.
Not asked: Claude Code, whose licence is not an open one.

## Loops of tools

Each client runs a loop of three turns behind rails: the model asks for a tool twice and then answers with an address of
mail, which a rail hides. The upstream is a stand-in that speaks the protocol and checks what it is sent.

| client | dialect | over Chat Completions | over Responses | over Messages | a call that a rail blocks |
|---|---|---|---|---|---|
{chr(10).join(turns)}

Over Chat Completions a call comes in pieces, so a blocked one may have begun. LiteLLM's builder of answers fails at its
arguments, and Vercel's SDK tells the model that they are not valid and asks it again; neither runs the call.
"""


if __name__ == "__main__":
    main()
