"""A host to be tested: what its model is to say, which rails guard it, and what a reader of it got."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

import anyio
import anyio.lowlevel
from handrail import Chunk, Edit, LLMRails, RailsConfig, Registry, Ruling, Turn, Usage, Verdict, Window
from handrail.errors import InvalidArgumentError
from handrail.plugins import RailSpec, hookimpl

from handrail_testkit._installed import installed

PROMPT = 30.0
"""Seconds that count as promptly, on a machine that is busy with other things."""

FORBIDDEN = "forbidden fruit"
SECRET = "swordfish"  # noqa: S105  # it is what a rail of the tests replaces
MASK = "[masked]"
REFUSAL = "The guard has refused this."
FAILURE = "The guard has failed."

HostRails: TypeAlias = Literal["windows", "session", "masking", "failing", "input"]
"""Rails of the suite, by what they do with an answer: judge windows, judge each piece, replace a word, fail; or judge
what the user says."""


class ModelFailure(Exception):  # noqa: N818  # it is no error of a program
    """What the host's model raises where it is to fail."""


class HostModel:
    """What the host's own model says. A host's tests turn its chunks into the form of the host.

    Args:
        chunks: the answer.
        waits: it says nothing more after them, and does not end.
        failures: how many requests fail before one is answered.
        breaks: it fails after its chunks.

    Attributes:
        requests: how often it was asked.
        closed: how many of its answers have ended or were closed.
        sent: how many chunks it has yielded.
    """

    def __init__(
        self, chunks: Sequence[Chunk], *, waits: bool = False, failures: int = 0, breaks: bool = False
    ) -> None:
        fits = isinstance(chunks, list | tuple) and all(isinstance(chunk, Chunk) for chunk in chunks)
        InvalidArgumentError.unless(fits, "chunks", chunks, "a list of Chunks")
        self.chunks = tuple(chunks)
        self.waits = waits
        self.failures = failures
        self.breaks = breaks
        self.requests = self.closed = self.sent = 0

    async def stream(self) -> AsyncGenerator[Chunk, None]:
        """Answer one request.

        Raises:
            ModelFailure: it is to fail.
        """
        self.requests += 1
        try:
            if self.requests <= self.failures:
                raise ModelFailure("the model has failed")
            for chunk in self.chunks:
                self.sent += 1
                yield chunk
                await anyio.lowlevel.checkpoint()
            if self.breaks:
                raise ModelFailure("the model has failed")
            if self.waits:
                await anyio.sleep_forever()
        finally:
            self.closed += 1

    async def has_stopped(self, within: float = PROMPT) -> bool:
        """Wait until no answer is open any more; False if that takes too long."""
        with anyio.move_on_after(within):
            while self.closed < self.requests:  # noqa: ASYNC110  # it may be closed by another thread
                await anyio.sleep(0.005)
        return self.closed == self.requests


@dataclass(frozen=True, slots=True)
class HostRequest:
    """One request to the host.

    Attributes:
        model: what the host's model says.
        rails: what guards it, made by `host_rails`.
        message: what the user says.
        streams: whether the answer is wanted as a stream.
        leaves: whether the reader goes away at the first character that is delivered.
    """

    model: HostModel
    rails: HostRails = "windows"
    message: str = "Hello"
    streams: bool = True
    leaves: bool = False


@dataclass(frozen=True, slots=True)
class HostAnswer:
    """What a reader of the host got.

    Attributes:
        ended: how it ended: complete, refused by a rail, failed (a rail or the model), or left by the reader.
        text: all text, a refusal included.
        tool: name and id of the tool call; None if there was none.
        arguments: the tool call's arguments, as they came.
        reasoning: the reasoning that came.
        usage: tokens, where they were told.
        finish: why the model ended, in the model's word; after a block whatever the host says.
        id: the answer's id, where the host has one.
        shown: whatever else the reader saw, such as the text of an error.
        kept: what the host put into the conversation as the model's answer; None where it keeps none.
    """

    ended: Literal["complete", "refused", "failed", "left"]
    text: str = ""
    tool: tuple[str, str] | None = None
    arguments: str = ""
    reasoning: str = ""
    usage: Usage | None = None
    finish: str | None = None
    id: str | None = None
    shown: str = ""
    kept: str | None = None


class HostCase(ABC):
    """A host with a guard in it. Its tests make a request of the host as a user of the host does."""

    @abstractmethod
    async def ask(self, request: HostRequest) -> HostAnswer:
        """Run one request through the host, with the request's rails around the request's model."""


def host_rails(kind: HostRails) -> LLMRails:
    """Make the rails of a request; in the process of the host, wherever that is."""
    fits = isinstance(kind, str) and kind in ("input", *_OUTPUT)
    InvalidArgumentError.unless(fits, "kind", kind, f"one of {', '.join(map(repr, ('input', *_OUTPUT)))}")
    flows = {"input": ["suite phrases"]} if kind == "input" else {"output": [f"suite {_OUTPUT[kind]}"]}
    output = {
        "flows": flows.get("output", []),
        "refusal": REFUSAL,
        "streaming": {"enabled": True, "chunk_size": 24, "context_size": 8},
    }
    config = RailsConfig.from_content(
        config={
            "models": [],
            "rails": {
                "input": {"flows": flows.get("input", []), "refusal": REFUSAL},
                "output": output,
                "failure_message": FAILURE,
            },
        }
    )
    return LLMRails(config, registry=_with_rails_of_the_suite())


@cache
def _with_rails_of_the_suite() -> Registry:
    return installed().with_plugins(_SuitePlugin())


_OUTPUT = {"windows": "phrases", "session": "session", "masking": "mask", "failing": "failure"}


@dataclass
class _Phrases:
    """Blocks windows that have the forbidden words."""

    async def check(self, window: Window, turn: Turn) -> Verdict:  # noqa: ARG002
        await anyio.lowlevel.checkpoint()
        if (at := window.text.find(FORBIDDEN)) < 0:
            return Verdict.allow()
        return Verdict.block("it has the forbidden words", span=window.span(at, at + len(FORBIDDEN)))


@dataclass
class _Failing:
    """Fails wherever it would be asked, with the text in its error, as careless rails do."""

    async def check(self, window: Window, turn: Turn) -> Verdict:  # noqa: ARG002
        raise RuntimeError(f"cannot judge {window.text!r}")


@dataclass
class _Watching:
    """A stream rail that holds what may become a word, and blocks or replaces the word."""

    word: str
    mask: str | None

    def open(self, turn: Turn) -> _Session:  # noqa: ARG002
        return _Session(self.word, self.mask)


@dataclass
class _Session:
    word: str
    mask: str | None
    held: str = ""
    final: int = 0  # characters of the text that are final

    def feed(self, text: str) -> Ruling:
        self.held += text
        said: list[str] = []
        edits: list[Edit] = []
        while self.word in self.held:
            before, _, self.held = self.held.partition(self.word)
            start = self.final + len(before)
            self.final = start + len(self.word)
            if self.mask is None:
                return Ruling(before, Verdict.block("it has the forbidden words", span=(start, self.final)))
            said += [before, self.mask]
            edits.append(Edit(start, self.final, self.mask))
        kept = next((n for n in range(len(self.word) - 1, 0, -1) if self.held.endswith(self.word[:n])), 0)
        clear, self.held = self.held[: len(self.held) - kept], self.held[len(self.held) - kept :]
        self.final += len(clear)
        return Ruling("".join((*said, clear)), None, tuple(edits))

    def finish(self) -> Ruling:
        return Ruling(self.held)


class _SuitePlugin:
    @hookimpl
    def handrail_rails(self) -> Iterator[RailSpec]:
        """Offer the rails of the suite."""
        rails: dict[str, object] = {
            "suite phrases": _Phrases(),
            "suite failure": _Failing(),
            "suite session": _Watching(FORBIDDEN, None),
            "suite mask": _Watching(SECRET, MASK),
        }
        for name, rail in rails.items():
            yield RailSpec(name, lambda _settings, _context, rail=rail: rail, directions=("input", "output"))
