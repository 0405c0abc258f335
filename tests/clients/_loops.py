"""A loop of tools over three turns, by programs of others, behind rails, over each kind of upstream.

The model asks for a tool twice and then answers with an address of mail. A client is right if it has run both calls,
and its user reads `[EMAIL]`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from _environments import Client, prepare, run, version
from _served import served
from handrail import ToolCall
from handrail_anthropic.testing import Message, MessagesServer
from handrail_openai.testing import ModelResponse, ResponsesServer
from handrail_testkit import Completion, ProtocolServer, Received

LOOPS = (
    Client("Anthropic's SDK", "loop_anthropic", ("anthropic",)),
    Client("OpenAI Agents", "loop_openai_agents", ("openai-agents",)),
    Client("pydantic-ai", "loop_pydantic_ai", ("pydantic-ai-slim[openai,anthropic]",)),
    Client("LangChain", "loop_langchain", ("langchain-openai", "langchain-anthropic")),
    Client("LiteLLM", "loop_litellm", ("litellm<1.109",)),
    Client("Vercel's AI SDK", "loop_ai_sdk.mjs", ("ai@7", "@ai-sdk/openai@4", "@ai-sdk/anthropic"), from_npm=True),
    Client("Codex", "loop_codex", ("@openai/codex@0.171",), from_npm=True),
)
UPSTREAMS = ("chat", "responses", "messages")
BLOCKED = "blocked"
"""A model over Chat Completions whose first call says what a rail refuses."""
SAID = "It is sunny. Write to anna.lind@example.com."
SECRET = "swordfish"  # noqa: S105  # what the rails look for
_RESULTS = ('"role":"tool"', '"type":"function_call_output"', '"type":"tool_result"')


def loops(clients: Sequence[Client]) -> Iterator[str]:
    """Yield a line of the table for each client and its dialect."""
    with ExitStack() as stack:
        upstreams = {name: stack.enter_context(_upstream(name)) for name in (*UPSTREAMS, BLOCKED)}
        base = stack.enter_context(served({name: _config(name, server) for name, server in upstreams.items()}))
        for client in clients:
            prepare(client)
            told = run(client, CLIENTS_BASE=base, CLIENTS_CASES=" ".join(upstreams))
            for dialect in dict.fromkeys(entry["dialect"] for entry in told):
                found = {entry["case"]: entry for entry in told if entry["dialect"] == dialect}
                cells = " | ".join([*(_cell(found[name]) for name in UPSTREAMS), _blocked_cell(found[BLOCKED])])
                line = f"| {client.title} {version(client)} | {dialect} | {cells} |"
                sys.stdout.write(f"{line}\n")
                yield line


def _cell(told: dict[str, Any]) -> str:
    right = told["calls"] == 2 and "[EMAIL]" in told["text"] and "anna" not in told["text"]
    return "three turns" if right else f"**{told['calls']} calls, {told['error'] or told['text']!r}**"


def _blocked_cell(told: dict[str, Any]) -> str:
    """Return whether the call was left alone, and what the user sees in its place."""
    if told["calls"] or SECRET in told["text"] + told["error"]:
        return f"**{told['calls']} calls, {told['error'] or told['text']!r}**"
    kind = told["error"].partition(":")[0]
    if kind == "ProgramError":
        return "not run, an error with its reason"
    if kind:
        return f"not run, `{kind}`"
    return "not run, the refusal as text" if "sorry" in told["text"] else "not run, the model is asked again"


def _upstream(name: str) -> ProtocolServer:
    """Return a server of a model that says what comes next by how many results of tools it is shown."""
    server = {"responses": ResponsesServer, "messages": MessagesServer}.get(name, ProtocolServer)()
    answer_to = server.answer_to

    def next_turn(request: Received) -> Any:
        if request.method == "POST":
            server.will(_turn(name, request))
        return answer_to(request)

    server.answer_to = next_turn  # type: ignore[method-assign]  # this one answers by what it is asked
    return server


def _turn(name: str, request: Received) -> Any:
    body = request.body.decode().replace(" ", "")
    results = sum(body.count(mark) for mark in _RESULTS)
    if results >= 2:
        return {"responses": ModelResponse(SAID), "messages": Message(SAID)}.get(name, Completion((SAID,)))
    is_codex, said = "exec_command" in body, SECRET if name == BLOCKED else str(results)
    tool, given = ("exec_command", {"cmd": f"echo {said}"}) if is_codex else ("weather", {"city": said})
    if name == "messages":
        block = {"type": "tool_use", "id": f"toolu_{results}", "name": tool, "input": given}
        return Message("", blocks=(block,), stop_reason="tool_use")
    call = ToolCall(f"call_{results}", tool, json.dumps(given))
    return ModelResponse("", calls=(call,)) if name == "responses" else Completion((), tool_calls=(call,))


def _config(name: str, server: ProtocolServer) -> dict[str, Any]:
    protocol = "responses" if name == "responses" else "chat"
    own = {"base_url": server.origin} if name == "messages" else {"base_url": server.base_url, "api": protocol}
    engine = "anthropic" if name == "messages" else "openai"
    model = {"type": "main", "engine": engine, "model": "m", "parameters": {**own, "api_key": "k", "max_retries": 0}}
    rails = {
        "input": {"flows": ["phrase check"]},
        "output": {"flows": ["personal data check", "phrase check"], "streaming": {"enabled": True}},
        "config": {"phrase check": {"phrases": [SECRET]}, "personal data check": {"action": "redact"}},
    }
    return {"models": [model], "rails": rails}
