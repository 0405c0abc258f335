"""What can go wrong while a model generates, as errors that say what to do."""

from __future__ import annotations

from handrail.errors import HandrailError, ProviderBadRequestError, ProviderError, ProviderServerError, message_of

_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


def as_provider_error(error: BaseException, model: str) -> HandrailError:
    """Return the error that the reader of a stream gets for what `generate` raised."""
    if isinstance(error, HandrailError):
        return error
    text = message_of(error)
    if isinstance(error, MemoryError) or any(sign in text.lower() for sign in _OUT_OF_MEMORY):
        return ProviderServerError(
            f"model {model!r} ran out of memory: {text}; shorten the conversation, lower 'max_new_tokens', choose a "
            f"smaller 'dtype', or let fewer streams in at once with 'max_concurrency'",
            code="out_of_memory",
            engine="huggingface",
        )
    if type(error).__module__.startswith("jinja2"):
        return ProviderBadRequestError(
            f"the chat template of model {model!r} refuses the conversation: {text}", engine="huggingface"
        )
    if isinstance(error, ValueError | TypeError):
        return ProviderBadRequestError(f"model {model!r} refuses the request: {text}", engine="huggingface")
    return ProviderError(f"model {model!r} failed: {type(error).__name__}: {text}", engine="huggingface")
