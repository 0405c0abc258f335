"""What the rails have released and nobody has sent yet: read by one task, sent by another, bounded in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from handrail import GenerationResponse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from handrail import Event, GuardedStream, LLMRails

    from handrail_server._lifecycle import Lifecycle

_MOST = 256  # texts and events that wait to be sent, before the reader waits too


class Feed:
    """Collects texts and events, so that those which came together are sent together.

    Attributes:
        error: what broke the answer, once it has ended.
        ended: True once nothing more will come.
    """

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.ended = False
        self._items: list[str | Event] = []
        self._taker: anyio.Event | None = None
        self._room: anyio.Event | None = None
        self._nudged = False
        self._stream: GuardedStream | None = None
        self._response: GenerationResponse | None = None

    @property
    def response(self) -> GenerationResponse:
        """What has come so far, and how it ended."""
        if self._response is not None:
            return self._response
        response = self._stream.response if self._stream is not None else GenerationResponse()
        if self.ended:
            self._response = response
        return response

    @property
    def held(self) -> int:
        """How many characters of the answer were generated and are not released yet."""
        return self._stream.held if self._stream is not None else 0

    async def fill(
        self, rails: LLMRails, messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any], life: Lifecycle
    ) -> None:
        """Run the answer to its end, or until it is cancelled; whatever goes wrong becomes `error`."""
        try:
            with life.limited() as limit:
                self._stream = rails.stream(messages=messages, options=options)
                async with self._stream as stream:
                    while taken := await stream.take():
                        self._items += taken
                        if self._taker is not None:
                            self._wake()
                        if len(self._items) >= _MOST:
                            self._room = anyio.Event()
                            await self._room.wait()
            self.error = limit.error
        except Exception as exc:  # noqa: BLE001  # whatever breaks an answer, the client is told in its stream
            self.error = exc
        finally:
            self.ended = True
            self._wake()

    async def take(self) -> Sequence[str | Event]:
        """Wait for something, and give all that there is; nothing after a nudge, or at the end."""
        if not self._items and not self.ended and not self._nudged:
            self._taker = anyio.Event()
            await self._taker.wait()
        items, self._items = self._items, []
        self._nudged = False
        if self._room is not None:
            self._room.set()
            self._room = None
        return items

    def nudge(self) -> None:
        """Have `take` return, also with nothing."""
        self._nudged = True
        self._wake()

    def _wake(self) -> None:
        if self._taker is not None:
            self._taker.set()
            self._taker = None
