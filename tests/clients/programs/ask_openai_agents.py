"""OpenAI Agents: streamed runs."""

from __future__ import annotations

import openai
from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, set_tracing_disabled
from asked import BASE, report

set_tracing_disabled(True)


def with_model(make):
    async def ask(case):
        client = openai.AsyncOpenAI(base_url=f"{BASE}/v1", api_key="none", max_retries=0)
        run = Runner.run_streamed(Agent(name="a", instructions="i", model=make(case, client)), "Hello!")
        async for _ in run.stream_events():
            pass
        return run.final_output

    return ask


report("chat", with_model(OpenAIChatCompletionsModel))
report("responses", with_model(OpenAIResponsesModel))
