"""pydantic-ai: streamed text."""

from __future__ import annotations

import anthropic
import openai
from asked import BASE, report, report_leaving
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider


def from_openai():
    return OpenAIProvider(openai_client=openai.AsyncOpenAI(base_url=f"{BASE}/v1", api_key="none", max_retries=0))


def from_anthropic():
    return AnthropicProvider(anthropic_client=anthropic.AsyncAnthropic(base_url=BASE, api_key="none", max_retries=0))


def leaving(make):
    async def leave(case):
        async with Agent(make(case)).run_stream("Hello!") as run:
            async for text in run.stream_text(delta=True, debounce_by=None):
                return text
        return "nothing"

    return leave


def with_model(make):
    async def ask(case):
        async with Agent(make(case)).run_stream("Hello!") as run:
            return "".join([text async for text in run.stream_text(delta=True)])

    return ask


MAKERS = {
    "chat": lambda case: OpenAIChatModel(case, provider=from_openai()),
    "responses": lambda case: OpenAIResponsesModel(case, provider=from_openai()),
    "messages": lambda case: AnthropicModel(case, provider=from_anthropic()),
}
for name, make in MAKERS.items():
    report(name, with_model(make))
    report_leaving(name, leaving(make))
