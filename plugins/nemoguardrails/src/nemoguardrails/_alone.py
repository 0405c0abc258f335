"""Rails that run over what is there, without a generation, as options without `dialog` ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from handrail.errors import InvalidRequestError

from nemoguardrails.rails.llm.options import for_kernel

if TYPE_CHECKING:
    import handrail
    from handrail import Message

    from nemoguardrails.rails.llm.options import GenerationOptions

Check = Callable[..., Awaitable["handrail.RailsResult"]]


async def run_alone(
    check: Check, prompt: str | None, messages: Sequence[Message] | None, wanted: GenerationOptions
) -> handrail.RailsResult:
    """Run the rails that are wanted over the messages of their roles.

    Args:
        check: Handrail's `check_async`.
        prompt: the user's message; or
        messages: the conversation.
        wanted: the options of the call.

    Raises:
        InvalidRequestError: not exactly one of prompt and messages was passed.
    """
    if (prompt is None) == (messages is None):
        raise InvalidRequestError("pass either 'prompt' or 'messages'")
    talk = messages if messages is not None else [{"role": "user", "content": prompt}]
    roles = {message.get("role") for message in talk}
    types: list[Literal["input", "output"]] = []
    if wanted.rails.input and "user" in roles:
        types.append("input")
    if wanted.rails.output and "assistant" in roles:
        types.append("output")
    return await check(talk, types, options=for_kernel(wanted))


async def stream_alone(
    check: Check,
    prompt: str | None,
    messages: Sequence[Message] | None,
    wanted: GenerationOptions,
    *,
    include_metadata: bool,
) -> AsyncIterator[str | dict[str, Any]]:
    """Yield the refusal, if a rail refuses; else nothing, since nothing is generated."""
    result = await run_alone(check, prompt, messages, wanted)
    if result.status == "blocked":
        yield {"text": result.content} if include_metadata else result.content
