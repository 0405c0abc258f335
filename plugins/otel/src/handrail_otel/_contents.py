"""Texts of requests in spans, if the operator wants them there: as hashes, masked by rails, or in full."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import anyio
from handrail import ConfigurationError, InnerRail, Turn

from handrail_otel import _names as names
from handrail_otel._aside import Aside, Ended
from handrail_otel._checks import end_of

if TYPE_CHECKING:
    from handrail import LLMCall, ObserverContext
    from opentelemetry.trace import Span

    from handrail_otel._settings import OTelSettings


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
        self._aside = Aside(self._end_masked)

    def end(self, span: Span, request: LLMCall) -> None:
        """End a span."""
        if self._kind == "masked" and span.is_recording():
            self._aside.put(Ended(span, request.prompt, request.completion, end_of(request)))
            return
        if self._kind == "hashed":
            span.set_attribute(names.PROMPT_HASH, _hashed(request.prompt))
            span.set_attribute(names.COMPLETION_HASH, _hashed(request.completion))
        elif self._kind == "full":
            span.set_attribute(names.PROMPT, self._told(request.prompt))
            span.set_attribute(names.COMPLETION, self._told(request.completion))
        span.end(end_of(request))

    def close(self) -> None:
        """End the spans that wait, without their contents once that has taken too long."""
        self._aside.close()

    def _end_masked(self, ended: Ended) -> None:
        try:
            found = anyio.run(self._masked, (ended.prompt, ended.completion))
        except Exception as exc:  # noqa: BLE001  # the plugin boundary: what cannot be masked is not told
            ended.leave_out(type(exc).__name__)
            return
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


def _mask(name: str, context: ObserverContext) -> InnerRail:
    if (rail := context.rail(name)) is None:
        raise ConfigurationError(
            f"observer 'otel' masks contents with the rail {name!r}, which is not installed; install what has it "
            f"(handrail-patterns has 'personal data check' and 'secret check'), or name others in 'mask'"
        )
    return rail


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
