"""OpenAI Agents: a streamed run with a tool, by either of its models."""

from __future__ import annotations

import asyncio

import openai
from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from asked import BASE, report_loop

set_tracing_disabled(True)


def with_model(make):
    async def loop(name):
        calls = []

        @function_tool
        def weather(city: str) -> str:
            """Return the weather in a city."""
            calls.append(city)
            return f"Sunny in {city}."

        client = openai.AsyncOpenAI(base_url=f"{BASE}/v1", api_key="none", max_retries=0)
        agent = Agent(name="a", instructions="i", model=make(name, client), tools=[weather])
        run = Runner.run_streamed(agent, "How is the weather?")
        async for _ in run.stream_events():
            pass
        return len(calls), run.final_output

    return lambda name: asyncio.run(loop(name))


report_loop("chat", with_model(OpenAIChatCompletionsModel))
report_loop("responses", with_model(OpenAIResponsesModel))
