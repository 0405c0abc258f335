"""What a dialect is: a request in, events out, a whole answer, errors. All that decides is done before it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from handrail_server._beside import Beside

if TYPE_CHECKING:
    from handrail import GenerationResponse, ToolCall
    from pydantic import BaseModel

    from handrail_server._bodies import ChatBody
    from handrail_server._errors import ApiError
    from handrail_server._policy import Wanted


@dataclass(frozen=True, slots=True)
class Heading:
    """What names an answer: its id, the time it was asked for, the model and the configurations."""

    id: str
    created: int
    model: str
    config_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a reader is told in place of what a rail has stopped, and how.

    Attributes:
        message: the words.
        as_text: whether they are text of the answer, in a paragraph of their own.
        as_refusal: whether they are given as the protocol gives a model's own refusal.
    """

    message: str
    as_text: bool = True
    as_refusal: bool = True


@dataclass(frozen=True, slots=True)
class Ended:
    """An answer that has ended, with all that its client may know.

    Attributes:
        heading: what names it.
        wanted: the request.
        response: what came of it.
        ending: why it ended, as fields of a choice in OpenAI's protocol: `finish_reason`, and the model's own word.
        reasoning: the reasoning that is given.
        refusal: what is said of a block; None if there was none.
        wire: what the model's server has told of the answer's structure.
        calls: what tool calls have beside id, name and arguments, by their index.
        found: further fields that are given.
        guardrails: what is Handrail's own; None if nothing of it is to be told.
    """

    heading: Heading
    wanted: Wanted
    response: GenerationResponse
    ending: Mapping[str, str]
    reasoning: str = ""
    refusal: Refusal | None = None
    wire: Mapping[str, Any] = field(default_factory=dict)
    calls: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    found: Beside = field(default_factory=Beside)
    guardrails: Mapping[str, Any] | None = None

    @property
    def calls_given(self) -> tuple[ToolCall, ...]:
        """The tool calls; none of an answer that was stopped, for nobody is to run them."""
        return self.response.tool_calls if self.response.stop is None else ()


class Writer(Protocol):
    """Writes one streamed answer. What it returns is sent as it is; nothing is kept back here."""

    @property
    def keep_alive(self) -> bytes:
        """What is sent while all text is held."""
        ...

    def begin(self) -> bytes:
        """Return what a stream begins with."""
        ...

    def learn(self, wire: Mapping[str, Any], calls: Mapping[int, Mapping[str, Any]]) -> None:
        """Take what the model's server has said of the answer's structure, and of its tool calls, by now."""
        ...

    def items(self, items: Sequence[object]) -> bytes:
        """Return events for what was released together: texts, and events of the kernel; unknown ones are left out."""
        ...

    def aside(self, guardrails: Mapping[str, Any]) -> bytes:
        """Return an event about the answer that is no part of it; nothing in a protocol that has no place for it."""
        ...

    def finish(self, ended: Ended, error: ApiError | None) -> bytes:
        """Return all that ends an answer.

        Args:
            ended: the answer.
            error: what its client must notice although the answer has ended, such as text to be withdrawn.
        """
        ...

    def fail(self, error: ApiError) -> bytes:
        """Return what ends a stream that has failed."""
        ...


class Dialect(Protocol):
    """A protocol in which clients ask for answers.

    A dialect knows nothing of rails. What a client sends is made a body of Chat Completions, so that the policy and
    the input rails see the same whatever it came in; what cannot be, it refuses by name.
    """

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def id_prefix(self) -> str:
        """What the ids of answers begin with."""
        ...

    @property
    def path(self) -> str:
        """Where it is served."""
        ...

    @property
    def body(self) -> type[BaseModel]:
        """What a request must be."""
        ...

    def wanted(self, body: Any) -> ChatBody:  # Any: an instance of `body`
        """Return a request as a body of Chat Completions.

        Raises:
            ApiError: something in it cannot be translated; the error names the field.
        """
        ...

    def adapted(self, wanted: Wanted, body: Any, engine: str) -> Wanted:
        """Return what the policy has let through, with what else of a body is for the server or for this engine."""
        ...

    def writer(self, heading: Heading, wanted: Wanted, body: Any) -> Writer:
        """Return what writes a streamed answer."""
        ...

    def whole(self, ended: Ended, body: Any) -> Mapping[str, Any]:
        """Return the body of an answer that is not streamed."""
        ...

    def error(self, error: ApiError) -> Mapping[str, Any]:
        """Return the body of an error."""
        ...
