"""LiteLLM: streamed completions of OpenAI's and Anthropic's kind, and responses."""

from __future__ import annotations

import litellm
from asked import BASE, report, report_leaving

litellm.suppress_debug_info = True
litellm.telemetry = False
ASKED = {"messages": [{"role": "user", "content": "Hello!"}], "api_key": "none", "num_retries": 0, "stream": True}


PLACES = {
    "chat": {"provider": "openai", "api_base": f"{BASE}/v1"},
    "messages": {"provider": "anthropic", "api_base": BASE, "max_tokens": 100},
}


def chunks(case, provider, **more):
    return litellm.completion(model=f"{provider}/{case}", **more, **ASKED)


def texts(found):
    return (chunk.choices[0].delta.content or "" for chunk in found if chunk.choices)


for name, place in PLACES.items():
    report(name, lambda case, place=place: "".join(texts(chunks(case, **place))))
    report_leaving(name, lambda case, place=place: next(filter(None, texts(chunks(case, **place)))))
