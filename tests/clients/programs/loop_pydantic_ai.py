"""pydantic-ai: a streamed run with a tool, by each of its models."""

from __future__ import annotations

import asyncio

import anthropic
import openai
from asked import BASE, report_loop
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider


def from_openai():
    return OpenAIProvider(openai_client=openai.AsyncOpenAI(base_url=f"{BASE}/v1", api_key="none", max_retries=0))


def from_anthropic():
    return AnthropicProvider(anthropic_client=anthropic.AsyncAnthropic(base_url=BASE, api_key="none", max_retries=0))


def with_model(make):
    async def loop(name):
        calls = []

        def weather(city: str) -> str:
            """Return the weather in a city."""
            calls.append(city)
            return f"Sunny in {city}."

        async with Agent(make(name), tools=[weather]).run_stream("How is the weather?") as run:
            return len(calls), await run.get_output()

    return lambda name: asyncio.run(loop(name))


report_loop("chat", with_model(lambda name: OpenAIChatModel(name, provider=from_openai())))
report_loop("responses", with_model(lambda name: OpenAIResponsesModel(name, provider=from_openai())))
report_loop("messages", with_model(lambda name: AnthropicModel(name, provider=from_anthropic())))
