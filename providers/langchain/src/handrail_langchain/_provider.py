"""Whatever has `astream`, as LangChain's models have, as a provider. LangChain itself is not imported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from handrail import Chunk, ConfigurationError, Message, ProviderError
from handrail.errors import message_of

from handrail_langchain._pieces import Pieces


class LangChainProvider:
    """Streams what a model of LangChain says.

    Args:
        model: has `astream(messages, **parameters)`, which yields texts or message chunks.

    Raises:
        ConfigurationError: it has not.
    """

    def __init__(self, model: Any) -> None:
        if isinstance(model, type):
            raise ConfigurationError(
                f"the model is the class {model.__name__!r}; pass an object: {model.__name__}(...)"
            )
        if not callable(getattr(model, "astream", None)):
            raise ConfigurationError(
                f"the model is {type(model).__name__!r}; it must have astream(messages), as models of LangChain have; "
                f"a provider of Handrail needs no shell"
            )
        self.model = model
        self.name = str(getattr(model, "model_name", None) or getattr(model, "model", None) or type(model).__name__)
        if hasattr(model, "stream_usage"):
            model.stream_usage = True

    async def stream(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncIterator[Chunk]:
        """Ask the model.

        Raises:
            ProviderError: it could not answer.
        """
        source = self.model.astream([dict(message) for message in messages], **params)
        pieces = Pieces(self.name)
        try:
            async for piece in source:
                for chunk in pieces.chunks(piece):
                    yield chunk
            for chunk in pieces.end():
                yield chunk
        except ProviderError:
            raise
        except Exception as exc:
            raise ProviderError(f"{self.name}: {type(exc).__name__}: {message_of(exc)}", engine="langchain") from exc
        finally:
            if (close := getattr(source, "aclose", None)) is not None:
                await close()
