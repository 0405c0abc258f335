"""Models that a program hands over, as providers of Handrail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from handrail.errors import ProviderError

if TYPE_CHECKING:
    from handrail import Chunk, Message, Provider, ProviderContext

    from nemoguardrails.types import LLMModel


def engine_of(provider: Any) -> Callable[[Mapping[str, Any], ProviderContext], Provider]:
    """Return an engine for a class that is called with `model` and the model's parameters."""

    def make(settings: Mapping[str, Any], context: ProviderContext) -> Provider:
        model = {"model": context.model.model} if context.model.model else {}
        return as_provider(provider(**{**model, **settings}))

    return make


class Unasked:
    """An engine of embeddings, which are not needed here: what a user means is matched by words and by the model."""

    def __init__(self, settings: Mapping[str, Any], context: ProviderContext) -> None:
        self.name = context.model.engine
        del settings  # of embeddings

    async def stream(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncIterator[Chunk]:
        """Refuse to answer."""
        del messages, params
        raise ProviderError(f"{self.name!r} makes embeddings, and cannot answer")
        yield  # makes this a stream


def as_provider(llm: object) -> Provider:
    """Return a provider for what a program passes as `llm`: Handrail's own as it is, other models in a shell.

    Raises:
        ConfigurationError: it is neither.
    """
    from handrail_langchain import LangChainProvider

    if isinstance(llm, LangChainProvider):
        return llm
    if any(callable(getattr(llm, name, None)) for name in ("stream_async", "generate_async")):
        from nemoguardrails._llm_model import LLMModelProvider

        return LLMModelProvider(cast("LLMModel", llm))
    if not callable(getattr(llm, "astream", None)) and callable(getattr(llm, "stream", None)):
        return cast("Provider", llm)
    return LangChainProvider(llm)
