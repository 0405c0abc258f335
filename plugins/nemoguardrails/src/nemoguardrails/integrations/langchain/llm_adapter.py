"""A model of LangChain, in the shell in which `LLMRails(config, llm=...)` takes it."""

from __future__ import annotations

from handrail_langchain import LangChainProvider


class LangChainLLMAdapter(LangChainProvider):
    """A model of LangChain as a provider of Handrail.

    Args:
        llm: the model.
    """

    def __init__(self, llm: object) -> None:
        super().__init__(llm)
        self.llm = llm


__all__ = ["LangChainLLMAdapter"]
