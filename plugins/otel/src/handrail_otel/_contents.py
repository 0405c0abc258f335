"""Texts of requests in spans, if the operator wants them there: as hashes, masked by rails, or in full."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from handrail import ConfigurationError, InnerRail, Turn

from handrail_otel import _names as names

if TYPE_CHECKING:
    from handrail import LLMCall, ObserverContext
    from opentelemetry.trace import Span

    from handrail_otel._settings import OTelSettings

_MOST_WAITING = 1000  # spans


class Contents:
    """Ends the spans of requests, with their texts as the settings say.

    Masking takes longer than an event loop may be held, so a thread does it, and ends the span with the time at which
    the request has ended. Whatever cannot be masked is left out.

    Raises:
        ConfigurationError: a rail that is to mask is not installed.
    """

    def __init__(self, settings: OTelSettings, context: ObserverContext) -> None:
        self._kind = settings.content
        self._most = settings.content_characters
        self._masks = tuple(_mask(name, context) for name in settings.mask) if self._kind == "masked" else ()
        self._waiting: queue.Queue[_Ended | None] = queue.Queue(_MOST_WAITING)
        self._thread: threading.Thread | None = None

    def end(self, span: Span, request: LLMCall) -> None:
        """End a span."""
        if self._kind == "masked" and span.is_recording():
            self._end_masked(_Ended(span, request.prompt, request.completion, int(request.finished_at * 1e9)))
            return
        if self._kind == "hashed":
            span.set_attribute(names.PROMPT_HASH, _hashed(request.prompt))
            span.set_attribute(names.COMPLETION_HASH, _hashed(request.completion))
        elif self._kind == "full":
            span.set_attribute(names.PROMPT, self._told(request.prompt))
            span.set_attribute(names.COMPLETION, self._told(request.completion))
        span.end()

    def close(self) -> None:
        """End the spans that wait; returns when they have ended."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None

    def _end_masked(self, ended: _Ended) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="handrail-otel", daemon=True)
            self._thread.start()
        try:
            self._waiting.put_nowait(ended)
        except queue.Full:
            ended.leave_out("too many wait")

    def _run(self) -> None:
        while (ended := self._waiting.get()) is not None:
            try:
                found = anyio.run(self._masked, (ended.prompt, ended.completion))
            except Exception as exc:  # noqa: BLE001  # the plugin boundary: what cannot be masked is not told
                ended.leave_out(type(exc).__name__)
                continue
            for name, text in zip((names.PROMPT, names.COMPLETION), found, strict=True):
                ended.span.set_attribute(name, self._told(text))
            ended.span.end(ended.at)

    def _told(self, text: str) -> str:
        """Return what a span has of a text, with question marks for halves of surrogate pairs: none can be exported."""
        return text[: self._most].encode("utf-8", "replace").decode()

    async def _masked(self, texts: Sequence[str]) -> list[str]:
        return [await self._masked_by_all(text) for text in texts]

    async def _masked_by_all(self, text: str) -> str:
        for rail in self._masks:
            verdict = await rail.judge(text, Turn())
            if verdict.decision == "block":
                return f"[{rail.name}]"
            for edit in verdict.edits:  # one at the most, of the whole text
                text = text[: edit.start] + edit.replacement + text[edit.end :]
        return text


@dataclass(frozen=True, slots=True)
class _Ended:
    """A request that has ended, in nanoseconds since the epoch, and whose span has not."""

    span: Span
    prompt: str
    completion: str
    at: int

    def leave_out(self, why: str) -> None:
        self.span.set_attribute(names.LEFT_OUT, why)
        self.span.end(self.at)


def _mask(name: str, context: ObserverContext) -> InnerRail:
    if (rail := context.rail(name)) is None:
        raise ConfigurationError(
            f"observer 'otel' masks contents with the rail {name!r}, which is not installed; install what has it "
            f"(handrail-patterns has 'personal data check' and 'secret check'), or name others in 'mask'"
        )
    return rail


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
