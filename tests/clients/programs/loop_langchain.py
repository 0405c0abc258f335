"""LangChain: streamed messages, joined as its users do, and a tool."""

from __future__ import annotations

from asked import BASE, report_loop
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI


def from_openai(name, **more):
    return ChatOpenAI(model=name, base_url=f"{BASE}/v1", api_key="none", max_retries=0, **more)


def with_model(make):
    def loop(name):
        calls = []

        @tool
        def weather(city: str) -> str:
            """Return the weather in a city."""
            calls.append(city)
            return f"Sunny in {city}."

        model, messages = make(name).bind_tools([weather]), [HumanMessage("How is the weather?")]
        while True:
            first, *rest = model.stream(messages)
            said = sum(rest, first)
            if not said.tool_calls:
                return len(calls), said.text
            messages += [said, *(weather.invoke(call) for call in said.tool_calls)]

    return loop


def from_anthropic(name):
    return ChatAnthropic(model=name, base_url=BASE, api_key="none", max_retries=0)


report_loop("chat", with_model(from_openai))
report_loop("responses", with_model(lambda name: from_openai(name, use_responses_api=True)))
report_loop(
    "messages", with_model(lambda name: ChatAnthropic(model=name, base_url=BASE, api_key="none", max_retries=0))
)
