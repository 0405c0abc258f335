"""LiteLLM: streamed completions of OpenAI's and Anthropic's kind, and responses."""

from __future__ import annotations

import litellm
from asked import BASE, report

litellm.suppress_debug_info = True
litellm.telemetry = False
ASKED = {"messages": [{"role": "user", "content": "Hello!"}], "api_key": "none", "num_retries": 0, "stream": True}


def read(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


report("chat", lambda case: read(litellm.completion(model=f"openai/{case}", api_base=f"{BASE}/v1", **ASKED)))
report(
    "messages", lambda case: read(litellm.completion(model=f"anthropic/{case}", api_base=BASE, max_tokens=100, **ASKED))
)
