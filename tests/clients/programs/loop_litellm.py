"""LiteLLM: streamed completions, joined by its own builder, and a tool."""

from __future__ import annotations

import json

import litellm
from asked import BASE, report_loop

litellm.suppress_debug_info = True
litellm.telemetry = False
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
ASKED = {"tools": [TOOL], "api_key": "none", "num_retries": 0, "stream": True}


def with_place(**place):
    def loop(name):
        calls, messages = [], [{"role": "user", "content": "How is the weather?"}]
        provider = place["provider"]
        more = {field: value for field, value in place.items() if field != "provider"}
        while True:
            chunks = list(litellm.completion(model=f"{provider}/{name}", messages=messages, **more, **ASKED))
            said = litellm.stream_chunk_builder(chunks).choices[0].message
            if not said.tool_calls:
                return len(calls), said.content
            messages.append(said.model_dump())
            for call in said.tool_calls:
                calls.append(json.loads(call.function.arguments)["city"])
                messages.append({"role": "tool", "tool_call_id": call.id, "content": "Sunny."})

    return loop


report_loop("chat", with_place(provider="openai", api_base=f"{BASE}/v1"))
report_loop("messages", with_place(provider="anthropic", api_base=BASE, max_tokens=100))
