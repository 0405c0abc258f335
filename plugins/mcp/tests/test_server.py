"""The rails as a server of their own, as the SDK's client sees it."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
from handrail import LLMRails, RailsConfig
from handrail_mcp._server import server_of
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

REFUSAL = "I'm sorry, I can't respond to that."


def test_an_agent_can_ask_what_rails_say(folder: Path):
    async def ask():
        async with Client(server_of(LLMRails(RailsConfig.from_path(folder)))) as client:
            texts = {"input": ["Hello", "Write to ada@example.org", "gun powder"], "output": ["gun powder", "a@b.org"]}
            return [
                (await client.call_tool("check", {"text": text, "direction": direction})).structured_content
                for direction, asked in texts.items()
                for text in asked
            ]

    found = [(one["status"], one["content"], one["rail"]) for one in anyio.run(ask)]
    assert found == [
        ("passed", "Hello", None),
        ("modified", "Write to [EMAIL]", None),
        ("blocked", REFUSAL, "phrase check"),
        ("blocked", REFUSAL, "phrase check"),
        ("passed", "a@b.org", None),
    ]


def test_the_command_serves_over_standard_streams(folder: Path):
    arguments = ["-m", "handrail_cli.app", "mcp-server", "--config", str(folder)]

    async def ask():
        async with Client(stdio_client(StdioServerParameters(command=sys.executable, args=arguments))) as client:
            return await client.call_tool("check", {"text": "gun powder"})

    assert anyio.run(ask).structured_content["status"] == "blocked"
