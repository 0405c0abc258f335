"""LangChain: streamed messages."""

from __future__ import annotations

from asked import BASE, report
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI


def with_model(make):
    return lambda case: "".join(chunk.text for chunk in make(case).stream("Hello!"))


def from_openai(case, **more):
    return ChatOpenAI(model=case, base_url=f"{BASE}/v1", api_key="none", max_retries=0, **more)


report("chat", with_model(from_openai))
report("responses", with_model(lambda case: from_openai(case, use_responses_api=True)))
report("messages", with_model(lambda case: ChatAnthropic(model=case, base_url=BASE, api_key="none", max_retries=0)))
