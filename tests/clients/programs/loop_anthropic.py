"""Anthropic's SDK: its own runner of tools, streamed."""

from __future__ import annotations

import anthropic
from asked import BASE, report_loop

CLIENT = anthropic.Anthropic(base_url=BASE, api_key="none", max_retries=0)


def loop(model):
    calls = []

    @anthropic.beta_tool
    def weather(city: str) -> str:
        """Return the weather in a city.

        Args:
            city: where.
        """
        calls.append(city)
        return f"Sunny in {city}."

    messages = [{"role": "user", "content": "How is the weather?"}]
    asked = {"model": model, "max_tokens": 500, "messages": messages, "tools": [weather]}
    text = ""
    for stream in CLIENT.beta.messages.tool_runner(**asked, stream=True):
        message = stream.get_final_message()
        text = "".join(block.text for block in message.content if block.type == "text")
    return len(calls), text


report_loop("messages", loop)
