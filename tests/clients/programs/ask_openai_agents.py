"""OpenAI Agents: streamed runs."""

from __future__ import annotations

import openai
from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, set_tracing_disabled
from asked import BASE, report, report_leaving

set_tracing_disabled(True)


def run_of(make, case):
    client = openai.AsyncOpenAI(base_url=f"{BASE}/v1", api_key="none", max_retries=0)
    return Runner.run_streamed(Agent(name="a", instructions="i", model=make(case, client)), "Hello!")


def with_model(make):
    async def ask(case):
        run = run_of(make, case)
        async for _ in run.stream_events():
            pass
        return run.final_output

    return ask


def leaving(make):
    async def leave(case):
        run = run_of(make, case)
        async for event in run.stream_events():
            if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                run.cancel()
                return event.data.delta
        return "nothing"

    return leave


for name, make in {"chat": OpenAIChatCompletionsModel, "responses": OpenAIResponsesModel}.items():
    report(name, with_model(make))
    report_leaving(name, leaving(make))
