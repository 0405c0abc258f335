"""One call: the turn, the rails of its input, the provider's stream, and the journal of what happened."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from handrail._call.conversation import Conversation
from handrail._call.generation import Generation
from handrail._call.inputs import InputGuard, Judge, told_of
from handrail._call.observing import ended, observed
from handrail._call.options import GenerationOptions
from handrail._content import JUDGED_NAMES
from handrail._events import Blocked, RailFailed
from handrail._observers import CallEnded, CallKind
from handrail._stream.batch import Batch
from handrail._stream.gate import Gate
from handrail._stream.owner import OwnedGenerator, OwnedStream
from handrail._stream.plan import Words
from handrail._stream.pull import Pull
from handrail._stream.pump import Pump
from handrail._stream.speculation import Speculation
from handrail._telling import Telling
from handrail._turn import NOWHERE, Journal, Origin, Turn
from handrail._types import Chunk, Message, ToolCall, Usage

if TYPE_CHECKING:
    from handrail._call.lifetime import Lifetime
    from handrail._compose.composition import Composition
    from handrail._stream.received import Received
    from handrail._stream.render import Renderer
    from handrail._stream.source import Pieces
    from handrail.config import RailsConfig


class Call:
    """Everything that one request needs, the source of its answer included; nothing in it is shared with another.

    Args:
        app: the composed configuration.
        conversation: what the caller passed.
        options: what the caller asked for.
        lifetime: is told when it begins and ends.
        whole: True if output rails see the whole answer at once, because nobody waits for its beginning.
        origin: where the call comes from.
        generator: texts to guard in place of a model's; then no input rails run.
        fed: True if the program itself receives the answer, and pushes it; then no input rails run either.

    Attributes:
        provider, is_texts: see `Source`.
        gate: decides what of the answer goes out.
    """

    def __init__(
        self,
        app: Composition,
        conversation: Conversation,
        *,
        options: GenerationOptions,
        lifetime: Lifetime,
        origin: Origin = NOWHERE,
        whole: bool = False,
        generator: AsyncIterable[str] | None = None,
        fed: bool = False,
    ) -> None:
        self._app = app
        self._conversation = conversation
        self.options = options
        self.lifetime = lifetime
        self._generator = generator
        self._fed = fed
        self._input_rails = () if fed or generator is not None else options.choose(app.input_rails, "input")
        self.journal = Journal()
        self.turn = turn_of(app, conversation, options, self.journal, origin)
        self._generation = Generation(app, options, self.journal)
        main = app.models.get("main")
        self.provider = main.plugin if main is not None and generator is None else "generator"
        self.is_texts = generator is not None
        self._is_closed = fed
        if app.observers:
            self._be_observed("fed" if fed else "whole" if whole else "stream")
        self._rails = options.choose(app.whole_output_rails if whole else app.output_rails, "output")
        self.gate = Gate(
            self._rails,
            self.turn,
            parallel=app.config.rails.output.parallel,
            whole=whole,
            words=words_of(app.config),
            is_json=options.asks_for_json(app.config),
        )

    def batch(self) -> Batch:
        """Return the runner of an answer that is wanted whole."""
        return Batch(self.gate, self, max_characters=self._max_characters)

    def pump(self) -> Pump:
        """Return the runner of an answer that whoever takes it may leave, and take up, in any task."""
        pending = self._app.config.rails.output.streaming.max_pending
        source = None if self._fed else self
        return Pump(self.gate, source, max_pending=pending, max_characters=self._max_characters, lifetime=self.lifetime)

    def iterate(self, renderer: Renderer) -> AsyncIterator[Any]:
        """Return an iterator over the answer, without tasks where every rail answers at once."""
        needs_tasks = self._speculative or self.lifetime.timeout is not None
        if needs_tasks or not all(rail.is_stream_rail or rail.is_immediate for rail in self._rails):
            return OwnedStream(self.pump(), renderer)
        pull = Pull(self.gate, self, max_characters=self._max_characters, lifetime=self.lifetime)
        return OwnedGenerator(pull, renderer)

    async def begin(self) -> None:
        """Notify observers that the call begins, and show rails what its conversation says."""
        if self.journal.telling is not None:
            self.journal.telling.begin()
        await self._tell()

    async def open(self, gate: Gate) -> Pieces | None:
        """Run the input rails; return the provider's stream, or None if they refused."""
        await self.begin()
        if self._generator is not None:
            return aiter(self._generator)
        if not self._input_rails:
            return self._generate()
        guard = InputGuard(self._app, self._input_rails, self.turn)
        if await self._refused(gate, guard.history):
            return None
        if self._speculative:
            return await self._open_speculatively(gate, guard)
        return None if await self._refused(gate, guard.pending) else self._generate()

    def closed(self, received: Received) -> None:
        """Write down what the model was asked and has answered."""
        self._generation.close(received)
        self._is_closed = True
        if self.journal.telling is not None:
            self.journal.telling.look()

    def answer(
        self, text: str, stop: Blocked | RailFailed | None, tool_calls: tuple[ToolCall, ...] = ()
    ) -> str | list[Message]:
        """Return what the caller of a whole answer gets: a text for a prompt, a list with one message for messages."""
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
        """Return the context's variables that the options ask for."""
        wanted = self.options.output_vars
        if wanted is False:
            return None
        registered = self._app.registrations.prompt_context  # the program's own, for prompts
        stopper = {f"triggered_{stop.direction}_rail": stop.rail} if stop is not None else {}
        every = {
            "triggered_input_rail": None,
            "triggered_output_rail": None,
            **{name: value for name, value in self.turn.variables.items() if name not in registered},
            **stopper,
            "user_message": self.user_message,
            "last_user_message": self.user_message,
            "bot_message": text,
        }
        return every if wanted is True else {name: every.get(name) for name in wanted}

    def usage(self) -> Usage | None:
        """Return the tokens of the answer, counted here if the provider did not say; None without a model."""
        general = [call for call in self.journal.llm_calls if call.task == "general"]
        return general[-1].usage if general else None

    @property
    def user_message(self) -> str:
        """The user's message as the input rails let it through, as it is written."""
        return self._conversation.user_message

    @property
    def _max_characters(self) -> int:
        return self._app.config.rails.output.streaming.max_answer_characters

    @property
    def _speculative(self) -> bool:
        return self._app.config.rails.input.speculative and bool(self._input_rails)

    async def _open_speculatively(self, gate: Gate, guard: InputGuard) -> Pieces | None:
        """Have the provider work while the input rails do; what it says waits for them."""
        asked = self._conversation
        ahead = Speculation(self._generate(), self.provider, self._app.config.rails.output.streaming.max_pending)
        refused = True
        try:
            refused = await self._refused(gate, guard.pending)
        finally:
            if refused or self._conversation is not asked:
                await ahead.aclose()
                self._generation.close(ahead.received)
        if refused:
            return None
        return ahead if self._conversation is asked else self._generate()

    async def _refused(self, gate: Gate, judge: Judge) -> bool:
        """Run input rails; end the stream if one refuses, take over what they rewrote if none does."""
        talk, stop = await judge(self._conversation)
        if stop is not None:
            gate.end(stop)
            return True
        if talk is not self._conversation:
            self._conversation = talk
            await self._tell()
        return False

    async def _tell(self) -> None:
        """Update what rails are shown of the conversation."""
        self.turn = await told_of(self.turn, self._conversation)
        self.gate.tell(self.turn)

    def _generate(self) -> AsyncIterator[Chunk]:
        return self._generation.begin(self._conversation.messages)

    def _be_observed(self, kind: CallKind) -> None:
        call = observed(self.turn, kind)
        self.journal.telling = Telling(self._app.observers, call, self._ended, self._is_over)

    def _is_over(self) -> bool:
        return self._is_closed and self.gate.ended and not self.gate.checking

    def _ended(self, duration: float) -> CallEnded:
        """Return how the call has ended, for observers."""
        return ended(self.journal, duration, self.gate.stop, self.gate.error, complete=self.gate.complete)


def turn_of(
    app: Composition,
    conversation: Conversation,
    options: GenerationOptions,
    journal: Journal,
    origin: Origin = NOWHERE,
) -> Turn:
    """Return what rails are told of a call; nothing that the caller passes takes the place of what they judge."""
    variables = {name: value for name, value in conversation.variables.items() if name not in JUDGED_NAMES}
    for name, value in app.registrations.prompt_context.items():
        variables[name] = value() if callable(value) else value
    return Turn(
        messages=conversation.messages,
        user_message=conversation.user_message,
        variables=variables,
        tools=tuple(options.llm_params.get("tools") or ()),
        journal=journal,
        caller=origin.caller,
        conversation_id=origin.conversation_id,
    )


def words_of(config: RailsConfig) -> Words:
    """Return what a user is told after a block or a failure."""
    return Words(config.rails.input.refusal, config.rails.output.refusal, config.rails.failure_message)


def _exception(stop: Blocked | RailFailed) -> dict[str, Any]:
    kind = f"{stop.direction.capitalize()}RailException"
    said = stop.reason if isinstance(stop, Blocked) else stop.error
    return {"type": kind, "rail": stop.rail, "message": f"{stop.rail}: {said}" if said else f"{stop.rail} refused"}


def _openai_tool_call(call: ToolCall) -> dict[str, Any]:
    if call.kind == "custom":
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
