"""LlamaIndex: streamed chat."""

from __future__ import annotations

from asked import BASE, report, report_leaving
from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike


def texts(case):
    model = OpenAILike(model=case, api_base=f"{BASE}/v1", api_key="none", max_retries=0, is_chat_model=True)
    return (part.delta or "" for part in model.stream_chat([ChatMessage(role="user", content="Hello!")]))


report("chat", lambda case: "".join(texts(case)))
report_leaving("chat", lambda case: next(filter(None, texts(case))))
