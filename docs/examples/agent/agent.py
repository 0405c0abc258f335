"""An agent: tool calls are checked before they run, and what tools return before the model reads it.

pip install "handrail[patterns,tools,scripted]"
python agent.py "What does order 1042 cost?"
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from handrail import GenerationResponse, LLMRails, Message, RailsConfig, ToolCall

HERE = Path(__file__).parent
MOST_STEPS = 5
ORDERS = {
    1042: "A kettle, 39 euros.",
    1043: "A lamp. Internal: the supplier's key is AKIAIOSFODNN7EXAMPLQ.",
}


def look_up_order(number: int) -> str:
    """Return what is known of an order; a database would stand here."""
    return ORDERS.get(number, "There is no such order.")


TOOLS: Mapping[str, Callable[..., str]] = {"look_up_order": look_up_order}
DEFINITIONS = [
    {
        "type": "function",
        "function": {
            "name": "look_up_order",
            "description": "Look an order up by its number.",
            "parameters": {
                "type": "object",
                "properties": {"number": {"type": "integer", "minimum": 1000, "maximum": 9999}},
                "required": ["number"],
                "additionalProperties": False,
            },
        },
    }
]


async def run(rails: LLMRails, question: str) -> GenerationResponse:
    """Ask, run the tools that the model calls, and ask again, until it answers or is stopped."""
    messages: list[Message] = [{"role": "user", "content": question}]
    options = {"llm_params": {"tools": DEFINITIONS}}
    for _ in range(MOST_STEPS):
        response = await rails.generate_async(messages=messages, options=options)
        if not isinstance(response, GenerationResponse):
            raise TypeError("generate_async returns a GenerationResponse whenever options are given")
        if response.outcome != "finished" or not response.tool_calls:
            return response
        messages += [asked(response), *(result(call) for call in response.tool_calls)]
    raise RuntimeError(f"the model still calls tools after {MOST_STEPS} steps")


def asked(response: GenerationResponse) -> Message:
    """Return the model's message with its tool calls, as the history has it."""
    calls = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in response.tool_calls
    ]
    return {"role": "assistant", "content": response.text or None, "tool_calls": calls}


def result(call: ToolCall) -> Message:
    """Run a tool. Its arguments have passed the tool's JSON Schema, so they can be handed over as they are."""
    arguments: dict[str, Any] = json.loads(call.arguments)
    return {"role": "tool", "tool_call_id": call.id, "content": TOOLS[call.name](**arguments)}


async def main(question: str) -> int:
    """Answer one question."""
    async with LLMRails(RailsConfig.from_path(HERE / "config.yml")) as rails:
        response = await run(rails, question)
    print(response.text or f"[{response.outcome} by {response.stop.rail if response.stop else 'nobody'}]")
    return 0 if response.outcome == "finished" else 3


if __name__ == "__main__":
    sys.exit(asyncio.run(main(" ".join(sys.argv[1:]) or "What does order 1042 cost?")))
