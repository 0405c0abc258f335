"""What the main model is asked for an answer, and what it has answered, in the journal of the call."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING

from handrail._call.observing import Surrounded
from handrail._compose.model import id_of_request
from handrail._stream.backend import running_clock
from handrail._stream.source import opened
from handrail.errors import ConfigurationError

if TYPE_CHECKING:
    from handrail._call.options import GenerationOptions
    from handrail._compose.composition import Composition
    from handrail._stream.received import Received
    from handrail._turn import Journal, LLMCall
    from handrail._types import Chunk, Message


class Generation:
    """Asks the main model, and writes down each request until its stream is closed.

    Args:
        app: the composed configuration.
        options: what the caller asked for.
        journal: the call's.
    """

    def __init__(self, app: Composition, options: GenerationOptions, journal: Journal) -> None:
        self._app = app
        self._options = options
        self._journal = journal
        self._asked: LLMCall | None = None
        self._clock: Callable[[], float] = time.monotonic  # the event loop's, once the model is asked
        self._started = 0.0

    def begin(self, messages: Sequence[Message]) -> AsyncIterator[Chunk]:
        """Return the model's stream for a conversation.

        Raises:
            ConfigurationError: there is no such model.
        """
        model = self._app.models.get("main")
        if model is None:
            raise ConfigurationError("no model of type 'main' is configured; add one to 'models', or pass llm=")
        messages = self._with_instructions(messages)
        self._asked = model.new_call(messages, self._options.llm_params, "general")
        self._journal.asked(self._asked)
        self._clock = running_clock()
        self._started = self._clock()
        pieces = opened(model.provider.stream(messages, dict(self._options.llm_params)), model.plugin)
        telling = self._journal.telling
        if telling is None or not telling.surrounds_models:
            return pieces
        return Surrounded(pieces, telling.around_model(self._asked))

    def close(self, received: Received) -> None:
        """Write down what came of the request, if one was begun and not closed yet."""
        asked, self._asked = self._asked, None
        if asked is not None:
            asked.id = id_of_request(received.metadata)
            duration = self._clock() - self._started
            asked.close("".join(received.texts), received.usage, duration, "".join(received.aside))
            self._journal.answered(asked)

    def _with_instructions(self, messages: Sequence[Message]) -> Sequence[Message]:
        instructions = "\n".join(entry.content for entry in self._app.config.instructions)
        return ({"role": "system", "content": instructions}, *messages) if instructions else messages
