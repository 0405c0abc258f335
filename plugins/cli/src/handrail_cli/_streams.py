"""Opens a guarded stream for one answer, piece by piece or whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handrail import GuardedStream, LLMRails, Message


def open_stream(rails: LLMRails, messages: Sequence[Message], *, whole: bool) -> GuardedStream:
    """Give the stream of an answer.

    Args:
        rails: the model behind its rails.
        messages: the conversation.
        whole: True if output rails are to see the whole answer at once, as `generate` has it.

    Raises:
        StreamingNotSupportedError: the configuration does not allow the answer to stream.
    """
    if not whole:
        return rails.stream(messages=messages)
    # `generate` tells neither a block from an answer nor what the rails did, and its call as events is not public yet.
    from handrail._call import Call
    from handrail._guarded import GuardedStream
    from handrail._messages import conversation

    return GuardedStream(Call(rails._app, conversation(None, messages), whole=True))  # noqa: SLF001  # see above
