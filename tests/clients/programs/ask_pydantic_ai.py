"""pydantic-ai: streamed text."""

from __future__ import annotations

import anthropic
import openai
from asked import BASE, report
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider


def with_model(make):
    async def ask(case):
        async with Agent(make(case)).run_stream("Hello!") as run:
            return "".join([text async for text in run.stream_text(delta=True)])

    return ask


def from_openai():
    return OpenAIProvider(openai_client=openai.AsyncOpenAI(base_url=f"{BASE}/v1", api_key="none", max_retries=0))


def from_anthropic():
    return AnthropicProvider(anthropic_client=anthropic.AsyncAnthropic(base_url=BASE, api_key="none", max_retries=0))


report("chat", with_model(lambda case: OpenAIChatModel(case, provider=from_openai())))
report("responses", with_model(lambda case: OpenAIResponsesModel(case, provider=from_openai())))
report("messages", with_model(lambda case: AnthropicModel(case, provider=from_anthropic())))
