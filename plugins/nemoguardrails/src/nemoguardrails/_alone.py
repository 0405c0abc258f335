"""Rails that run over what is there, without a generation, as options without `dialog` ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from handrail.errors import InvalidArgumentError, InvalidRequestError

from nemoguardrails.exceptions import RailTypeNotConfiguredError
from nemoguardrails.rails.llm.options import RailType, for_kernel

if TYPE_CHECKING:
    import handrail
    from handrail import Composition, Message

    from nemoguardrails.rails.llm.options import GenerationOptions
    from nemoguardrails.streaming import StreamingHandler

_BLOCKED = "blocked"
Check = Callable[..., Awaitable["handrail.RailsResult"]]


def types_of(kinds: Sequence[RailType] | None, composition: Composition) -> list[Any] | None:
    """Return the directions that a check asks for, as Handrail names them; None for what the roles call for.

    Raises:
        RailTypeNotConfiguredError: rails of a direction are asked for, and there are none.
    """
    fits = kinds is None or isinstance(kinds, list | tuple | set | frozenset)
    InvalidArgumentError.unless(fits, "rail_types", kinds, "a list of RailType")
    types = None if kinds is None else [RailType(kind).value for kind in kinds]
    for kind in types or ():
        if not (composition.input_rails if kind == "input" else composition.output_rails):
            raise RailTypeNotConfiguredError(
                f"rail_types asks for {kind} rails, and the configuration has none under rails.{kind}.flows"
            )
    return types


async def run_alone(
    check: Check,
    prompt: str | None,
    messages: Sequence[Message] | None,
    wanted: GenerationOptions,
    handler: StreamingHandler | None = None,
) -> handrail.RailsResult:
    """Run the rails that are wanted over the messages of their roles.

    Args:
        check: Handrail's `check_async`.
        prompt: the user's message; or
        messages: the conversation.
        wanted: the options of the call.
        handler: gets the refusal, if a rail refuses, and is ended in any case.

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
    try:
        result = await check(talk, types, options=for_kernel(wanted))
        if handler is not None and result.status == _BLOCKED:
            await handler.push_chunk(result.content)
        return result
    finally:
        if handler is not None:
            await handler.finish()


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
    if result.status == _BLOCKED:
        yield {"text": result.content} if include_metadata else result.content
