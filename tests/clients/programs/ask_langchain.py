"""LangChain: streamed messages."""

from __future__ import annotations

from asked import BASE, report, report_leaving
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI


def from_openai(case, **more):
    return ChatOpenAI(model=case, base_url=f"{BASE}/v1", api_key="none", max_retries=0, **more)


def from_anthropic(case):
    return ChatAnthropic(model=case, base_url=BASE, api_key="none", max_retries=0)


def first_text(chunks):
    return next(chunk.text for chunk in chunks if chunk.text)


MAKERS = {
    "chat": from_openai,
    "responses": lambda case: from_openai(case, use_responses_api=True),
    "messages": from_anthropic,
}
for name, make in MAKERS.items():
    report(name, lambda case, make=make: "".join(chunk.text for chunk in make(case).stream("Hello!")))
    report_leaving(name, lambda case, make=make: first_text(make(case).stream("Hello!")))
