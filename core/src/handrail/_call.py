"""One call: the turn, the rails of its input, the provider's stream, and the journal of what happened."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from handrail._events import Blocked, RailFailed
from handrail._messages import Conversation
from handrail._model import request_id
from handrail._options import GenerationOptions
from handrail._stream.backend import running_clock
from handrail._stream.batch import Batch
from handrail._stream.prefetch import Prefetch
from handrail._stream.pull import Pull
from handrail._stream.pump import Pump
from handrail._stream.source import chunks_of_texts
from handrail._turn import Journal, Turn
from handrail._types import Chunk, Message, ToolCall, Usage
from handrail._whole_texts import Driver, guard_text
from handrail.errors import ConfigurationError

if TYPE_CHECKING:
    from handrail._compose import Composition
    from handrail._stream.pipeline import Pipeline
    from handrail._stream.plan import RailPlan
    from handrail._turn import LLMCall
    from handrail.config import RailsConfig

_UNBOUNDED = 2**62
_JUDGED = frozenset(
    ("user_message", "bot_message", "user_input", "bot_response", "last_user_message", "last_bot_message", "response")
)  # what rails judge: a caller's context must not stand in for it


class Call:
    """Everything that one request needs; nothing in it is shared with another.

    Args:
        app: the composed configuration.
        conversation: what the caller passed.
        options: what the caller asked for.
        whole: True if output rails see the whole answer at once, because nobody waits for its beginning.
        read_ahead: True if the model is read whether or not the consumer is ready for more.
        generator: texts to guard in place of a model's; then no input rails run.
    """

    def __init__(
        self,
        app: Composition,
        conversation: Conversation,
        *,
        options: GenerationOptions,
        whole: bool = False,
        read_ahead: bool = False,
        generator: AsyncIterable[str] | None = None,
    ) -> None:
        self._app = app
        self._conversation = conversation
        self.options = options
        self._generator = generator
        self._read_ahead = read_ahead
        self._llm_call: LLMCall | None = None
        self._clock: Callable[[], float] = time.monotonic  # the event loop's, once the model is asked
        self._generation_started = 0.0
        self._input_rails = options.choose(app.input_rails, "input") if generator is None else ()
        self.journal = Journal()
        self.turn = self._turn(conversation)
        output_rails = app.whole_output_rails if whole else app.output_rails
        self.driver = self._driver(options.choose(output_rails, "output"), whole=whole)
        self.driver.pipeline.describe = partial(with_message, config=app.config)

    @property
    def stream_driver(self) -> Pump | Pull:
        """The driver of a call whose consumer waits for the beginning of the answer."""
        return cast("Pump | Pull", self.driver)  # a batch is for whole answers

    def answer(
        self, text: str, stop: Blocked | RailFailed | None, tool_calls: tuple[ToolCall, ...] = ()
    ) -> str | list[Message]:
        """Give what the caller of a whole answer gets: a text for a prompt, a list with one message for messages."""
        if stop is not None and self._app.config.enable_rails_exceptions:
            return [{"role": "exception", "content": _exception(stop)}]
        content = text if stop is None else stop.message
        if self._conversation.is_prompt:
            return content
        message: dict[str, Any] = {"role": "assistant", "content": content}
        if stop is None and tool_calls:
            message["tool_calls"] = [_openai_tool_call(call) for call in tool_calls]
        return [message]

    def variables(self, text: str, stop: Blocked | RailFailed | None) -> Mapping[str, Any] | None:
        """Give the context's variables that the options ask for."""
        wanted = self.options.output_vars
        if wanted is False:
            return None
        stopper = {f"triggered_{stop.direction}_rail": stop.rail} if stop is not None else {}
        every = {
            "triggered_input_rail": None,
            "triggered_output_rail": None,
            **self.turn.variables,
            **stopper,
            "user_message": self.turn.user_message,
            "bot_message": text,
        }
        return every if wanted is True else {name: every.get(name) for name in wanted}

    def usage(self) -> Usage | None:
        """Give the tokens of the answer, counted here if the provider did not say; None without a model."""
        general = [call for call in self.journal.llm_calls if call.task == "general"]
        return general[-1].usage if general else None

    def _turn(self, conversation: Conversation) -> Turn:
        return turn_of(self._app, conversation, self.options, self.journal)

    def _driver(self, rails: tuple[RailPlan, ...], *, whole: bool) -> Driver:
        output = self._app.config.rails.output
        provider = self._provider_label()
        if all(rail.is_stream_rail for rail in rails) and not self._speculative and not self._read_ahead:
            return Pull(rails, self.turn, self._open_source, provider=provider, on_close=self._close)
        if whole and not self._speculative:
            return Batch(
                rails, self.turn, self._open_source, provider=provider, parallel=output.parallel, on_close=self._close
            )
        return Pump(
            rails,
            self.turn,
            self._open_source,
            provider=provider,
            parallel=output.parallel,
            max_pending=_UNBOUNDED if whole else output.streaming.max_pending,
            on_close=self._close,
        )

    @property
    def _speculative(self) -> bool:
        return self._app.config.rails.input.speculative and bool(self._input_rails)

    def _provider_label(self) -> str:
        main = self._app.models.get("main")
        return main.plugin if main is not None and self._generator is None else "generator"

    async def _open_source(self, pipeline: Pipeline) -> AsyncIterator[Chunk] | None:
        """Run the input rails; give the provider's stream, or None if they refused."""
        if self._generator is not None:
            return chunks_of_texts(self._generator)
        if not self._input_rails or not self._conversation.pending_user_texts:
            return self._generate()
        if isinstance(self.driver, Pump) and self._speculative:
            return await self._open_speculatively(pipeline, self.driver)
        if await self._refused(pipeline):
            return None
        return self._generate()

    async def _open_speculatively(self, pipeline: Pipeline, pump: Pump) -> AsyncIterator[Chunk] | None:
        """Have the provider work while the input rails do; what it says waits for them."""
        asked = self._conversation
        ahead = Prefetch(self._generate(), self._provider_label(), self._app.config.rails.output.streaming.max_pending)
        pump.start_soon(ahead.run)
        refused = True
        try:
            refused = await self._refused(pipeline)
        finally:
            if refused or self._conversation is not asked:
                await ahead.aclose()
                self._close_llm_call("".join(ahead.texts), ahead.usage)
        if refused:
            return None
        return ahead if self._conversation is asked else self._generate()

    async def _refused(self, pipeline: Pipeline) -> bool:
        """Run the input rails; end the stream if one refuses, take over what they rewrote if none does."""
        text, stop = await guard_text(
            self._input_rails,
            self._conversation.user_message,
            self.turn,
            parallel=self._app.config.rails.input.parallel,
        )
        if stop is not None:
            pipeline.end(stop)
            return True
        if text != self._conversation.user_message:
            self._conversation = self._conversation.with_user_message(text)
            self.turn = pipeline.turn = self._turn(self._conversation)
        return False

    def _generate(self) -> AsyncIterator[Chunk]:
        model = self._app.models.get("main")
        if model is None:
            raise ConfigurationError("no model of type 'main' is configured; add one to 'models', or pass llm=")
        messages = self._with_instructions()
        self._llm_call = model.new_call(messages, "general")
        self.journal.llm_calls.append(self._llm_call)
        self._clock = running_clock()
        self._generation_started = self._clock()
        return model.provider.stream(messages, dict(self.options.llm_params))

    def _with_instructions(self) -> Sequence[Message]:
        instructions = "\n".join(entry.content for entry in self._app.config.instructions)
        if not instructions:
            return self._conversation.messages
        return ({"role": "system", "content": instructions}, *self._conversation.messages)

    def _close(self, pipeline: Pipeline) -> None:
        if self._llm_call is not None:
            self._llm_call.id = request_id(pipeline.metadata)
            self._close_llm_call("".join(pipeline.raw), pipeline.usage, "".join(pipeline.aside))

    def _close_llm_call(self, completion: str, usage: Usage | None, aside: str = "") -> None:
        if self._llm_call is not None:
            self._llm_call.close(completion, usage, self._clock() - self._generation_started, aside)
            self._llm_call = None  # a further request of this call has its own


def turn_of(app: Composition, conversation: Conversation, options: GenerationOptions, journal: Journal) -> Turn:
    """Give what rails are told of a call; nothing that the caller passes takes the place of what they judge."""
    variables = {name: value for name, value in conversation.variables.items() if name not in _JUDGED}
    for name, value in app.registrations.prompt_context.items():
        variables[name] = value() if callable(value) else value
    return Turn(
        messages=conversation.messages,
        user_message=conversation.user_message,
        variables=variables,
        tools=tuple(options.llm_params.get("tools") or ()),
        journal=journal,
    )


def with_message(stop: Blocked | RailFailed, *, config: RailsConfig) -> Blocked | RailFailed:
    """Give a stop with what a user is told: the refusal of its direction, or that a rail could not do its work."""
    if isinstance(stop, RailFailed):
        return replace(stop, message=config.rails.failure_message)
    section = config.rails.input if stop.direction == "input" else config.rails.output
    return replace(stop, message=stop.message or section.refusal)


def _exception(stop: Blocked | RailFailed) -> dict[str, Any]:
    kind = f"{stop.direction.capitalize()}RailException"
    said = stop.reason if isinstance(stop, Blocked) else stop.error
    return {"type": kind, "rail": stop.rail, "message": f"{stop.rail}: {said}" if said else f"{stop.rail} refused"}


def _openai_tool_call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
