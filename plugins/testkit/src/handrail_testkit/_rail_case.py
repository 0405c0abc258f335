"""A rail to be tested, and what the tests need to know of it."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator, Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import anyio.lowlevel
from handrail import Chunk, LLMRails, RailsConfig, Registry, ToolCallDelta, Turn, Window, message_text
from handrail.errors import ProviderBadRequestError, ProviderConnectionError
from handrail.plugins import ProviderSpec

from handrail_testkit._delivered import Delivered, delivered
from handrail_testkit._installed import installed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from handrail import Message
    from handrail.plugins import Spec

Direction: TypeAlias = Literal["input", "output"]

_PIECES = "handrail_testkit_pieces"  # how the model of a test learns what it is to say


@dataclass(frozen=True, slots=True)
class RailCase:
    """A rail to be tested, and what the tests need to know of it.

    Attributes:
        rail: the rail as a configuration's list of flows names it, arguments allowed.
        settings: what stands under `rails.config.<name>`.
        allows: texts that must pass as they are.
        blocks: texts that must be blocked; or a mapping from such a text to the part of it of which no character may
            be delivered. Where the rail's verdict has a span, that part need not be given; else it is the whole text.
        rewrites: texts, and what must be delivered in place of each.
        config: the rest of the configuration, such as models and prompts.
        registry: what is installed; by default whatever is found.
        direction: the list of flows in which the rail stands.
        messages: the conversation; for an input rail its last message is replaced by the examples.
        tools: the tools that the model is offered.
        tool_name: the tool whose arguments the examples are, for a rail that judges tool calls.
        failing: a case in which the rail cannot do its work, if one can be made: a service that is down, a model that
            fails. Rails that ask the configuration's models are tried with failing ones in any case.
        secret: a key that the rail is given, and that must appear nowhere.
        patience: seconds that one example may take before it counts as hung.
    """

    rail: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    allows: Sequence[str] = ()
    blocks: Collection[str] | Mapping[str, str] = ()
    rewrites: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    registry: Registry | None = None
    direction: Direction = "output"
    messages: Sequence[Message] = ({"role": "user", "content": "Hello"},)
    tools: Sequence[Mapping[str, Any]] = ()
    tool_name: str | None = None
    failing: RailCase | None = None
    secret: str | None = None
    patience: float = 10.0

    @property
    def examples(self) -> tuple[str, ...]:
        """All texts of which it is known what becomes of them."""
        return (*self.allows, *self.blocks, *self.rewrites)

    def turn(self, text: str) -> Turn:
        """Return the turn in which this text is judged, with nothing in it that can be changed."""
        messages = self._messages(text)
        variables = [message["content"] for message in messages if message["role"] == "context"]
        spoken = tuple(message for message in messages if message["role"] != "context")
        said = [message_text(message) for message in spoken if message["role"] == "user"]
        merged: dict[str, Any] = {}
        for each in variables:
            merged |= each
        return Turn(spoken, said[-1] if said else "", merged, tools=tuple(self.tools))

    def build(self, *, models_fail: bool = False) -> BuiltRail:
        """Compose the rail as the kernel does.

        Args:
            models_fail: whether every model of the configuration fails when it is asked.

        Raises:
            ConfigurationError: the case cannot be composed.
        """
        registry = self.registry or installed()
        registry = _without_models(registry) if models_fail else registry
        rails = LLMRails(self._config(), llm=_Speaker(), registry=registry)
        composition = rails.composition
        (plan,) = composition.input_rails if self.direction == "input" else composition.output_rails
        spec = composition.registry.rail(plan.name).spec
        return BuiltRail(self, rails, plan.rail, spec.whole, spec.stateful)

    def _config(self) -> RailsConfig:
        rails = _merged({"output": {"streaming": {"enabled": True}}}, {self.direction: {"flows": [self.rail]}})
        config = _merged({"rails": rails}, self.config)
        if self.settings:
            name = RailsConfig.from_content(config={"rails": {"output": {"flows": [self.rail]}}}).output_flows[0].name
            config = _merged(config, {"rails": {"config": {name: self.settings}}})
        colang = config.pop("colang_content", None)
        return RailsConfig.from_content(colang_content=colang, config=config)

    def _messages(self, text: str) -> tuple[Message, ...]:
        if self.direction == "output":
            return tuple(map(dict, self.messages))
        return (*map(dict, self.messages[:-1]), {"role": "user", "content": text})


@dataclass(frozen=True, slots=True)
class BuiltRail:
    """A rail in a guarded model.

    Attributes:
        case: how it was made.
        rails: the guarded model, which says what a test tells it to.
        rail: the rail itself.
        whole: whether it judges nothing but whole texts.
        stateful: whether it judges the windows of each stream by a session of its own.
    """

    case: RailCase
    rails: LLMRails
    rail: Any
    whole: bool
    stateful: bool = False

    def asked(self, window: Window, turn: Turn) -> Any:
        """Ask about a window that is the first of its stream; return what is returned, or is still to be awaited."""
        return self.rail.open(turn).check(window) if self.stateful else self.rail.check(window, turn)

    async def say(self, pieces: Sequence[str]) -> Said:
        """Let the text come in these pieces, from the model or from the user, and give what came of it."""
        case, text = self.case, "".join(pieces)
        spoken: tuple[Chunk, ...] = (Chunk("Good."),)
        if case.direction == "output":
            spoken = tuple(_chunks(pieces, case.tool_name))
        options = {"llm_params": {_PIECES: spoken, "tools": list(case.tools)}}
        came = await delivered(self.rails, messages=case._messages(text), options=options)  # noqa: SLF001  # its own
        raised = await self._raised(text) if came.failed and not came.failed.timed_out else ""
        if case.direction == "input":
            return Said(came.response.user_message if came.finished else "", came, raised)
        if case.tool_name is not None:
            return Said("".join(call.arguments for call in came.response.tool_calls), came, raised)
        return Said(came.text, came, raised)

    async def _raised(self, text: str) -> str:
        """Return the traceback of what the rail raises when it is asked by hand: the kernel keeps none."""
        turn = self.case.turn(text)
        try:
            if hasattr(self.rail, "open") and not self.stateful:
                session = self.rail.open(turn)
                session.feed(text)
                session.finish()
            elif isinstance(given := self.asked(window_of(self.case, text), turn), Awaitable):
                await given
        except Exception as exc:  # noqa: BLE001  # whatever it is, it is shown
            return "".join(traceback.format_exception(exc))
        return ""


@dataclass(frozen=True, slots=True)
class Said:
    """What became of a text.

    Attributes:
        text: what got through of it.
        delivered: the stream behind it.
        raised: the traceback of what the rail raised, if it failed.
    """

    text: str
    delivered: Delivered
    raised: str = ""

    @property
    def outcome(self) -> str:
        """How it ended, in words: "passed", "blocked" or "failed"."""
        if self.delivered.blocked:
            return "blocked"
        return "failed" if self.delivered.failed else "passed"

    @property
    def facts(self) -> tuple[object, ...]:
        """What must be the same each time."""
        blocked = self.delivered.blocked
        return self.text, self.outcome, blocked and (blocked.rail, blocked.category, blocked.span)


def window_of(case: RailCase, text: str, *, offset: int = 0, start: int = 0) -> Window:
    """Return a window with this text, which stands somewhere in a stream, and of which the first part is context."""
    end = offset + len(text)
    channel: Literal["text", "tool_calls"] = "text" if case.tool_name is None else "tool_calls"
    return Window(text, offset, offset + start, end, end, last=True, channel=channel, tool_name=case.tool_name)


class _Speaker:
    """A model that says what the test has put into the request's parameters."""

    async def stream(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncIterator[Chunk]:  # noqa: ARG002
        if _PIECES not in params:
            raise ProviderBadRequestError(
                "the rail asks the main model, which says nothing but the examples here; give the rail a model of its "
                "own in 'config' of its RailCase",
                engine="given",
            )
        for chunk in params[_PIECES]:
            await anyio.lowlevel.checkpoint()  # so that streams at the same time are mixed
            yield chunk
        yield Chunk(finish_reason="stop")


class _Unreachable:
    """A model that cannot be reached."""

    async def stream(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncIterator[Chunk]:  # noqa: ARG002
        raise ProviderConnectionError("the test has cut the connection", engine="unreachable")
        yield Chunk()


def _chunks(pieces: Sequence[str], tool_name: str | None) -> Iterable[Chunk]:
    if tool_name is None:
        yield from map(Chunk, pieces)
        return
    yield Chunk(tool_calls=(ToolCallDelta(0, "call_1", tool_name),))
    for piece in pieces:
        yield Chunk(tool_calls=(ToolCallDelta(0, arguments=piece),))


def _without_models(registry: Registry) -> Registry:
    """Return a registry with the same plugins, of whose models none can be reached."""

    def cut_off(spec: Spec) -> Spec:
        return replace(spec, target=_unreachable) if isinstance(spec, ProviderSpec) else spec

    return Registry(replace(plugin, specs=tuple(map(cut_off, plugin.specs))) for plugin in registry.plugins)


def _unreachable(settings: object, context: object) -> _Unreachable:  # noqa: ARG001  # whatever the model is
    return _Unreachable()


def _merged(first: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(first)
    for key, value in later.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both else value
    return merged
