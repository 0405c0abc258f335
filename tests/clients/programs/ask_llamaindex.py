"""LlamaIndex: streamed chat."""

from __future__ import annotations

from asked import BASE, report
from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike


def ask(case):
    model = OpenAILike(model=case, api_base=f"{BASE}/v1", api_key="none", max_retries=0, is_chat_model=True)
    return "".join(part.delta or "" for part in model.stream_chat([ChatMessage(role="user", content="Hello!")]))


report("chat", ask)
