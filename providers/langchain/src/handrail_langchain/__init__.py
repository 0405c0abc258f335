"""Models of LangChain as providers of Handrail."""

from __future__ import annotations

from handrail_langchain._provider import LangChainProvider as LangChainProvider

__version__ = "0.2.0"
__all__ = ["LangChainProvider", "__version__"]
