"""The testkit's server with the answers of another protocol.

Requests are recorded, replies are played step by step, and a client that leaves is noticed.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from handrail_testkit import Completion, ProtocolServer, Received, Reply, replies

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

Answer = TypeVar("Answer")


class AnswerServer(ProtocolServer, Generic[Answer]):
    """A server at `origin`, from entering the context to leaving it.

    A request takes the next answer that `will` was given; when there is none, `reply`. The testkit's own `default`
    and `models` have no part in it. A protocol overrides `refused`, `whole_of` and `events_of`.

    Attributes:
        requests: every request received, in order.
        reply: the answer when nothing else is set.
        key: if set, other keys are refused with status 401.
        known_models: if not empty, other models are refused with status 404.
    """

    def __init__(self, reply: Answer, *, key: str | None = None, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(key=key, tls=tls)
        self.reply: Answer | Reply = reply
        self.known_models: tuple[str, ...] = ()
        self._answers: deque[Answer | Reply] = deque()

    def will(self, *answers: Answer | Reply | Completion) -> None:
        """Answer the next requests with these, one each, in this order.

        Raises:
            TypeError: an answer is of Chat Completions.
        """
        for answer in answers:
            if isinstance(answer, Completion):
                raise TypeError("a Completion is an answer of another protocol")
            self._answers.append(answer)

    @property
    def bodies(self) -> list[Any]:
        """The bodies of all requests, decoded."""
        return [request.json for request in self.requests]

    def answer_to(self, request: Received) -> Reply:
        """Return the answer to a request that has just come in."""
        if (refused := self.refused(request)) is not None:
            return refused
        answer = self._answers.popleft() if self._answers else self.reply
        if isinstance(answer, Reply):
            return answer
        model = request.json["model"]
        if not request.json.get("stream"):
            return replies.json_reply(self.whole_of(answer, model))
        return replies.sse(self.events_of(answer, model))

    def refused(self, request: Received) -> Reply | None:
        """Return what is said to a request that the protocol does not allow; None if it does."""
        raise NotImplementedError

    def whole_of(self, answer: Answer, model: str) -> dict[str, Any]:
        """Return an answer in one piece."""
        raise NotImplementedError

    def events_of(self, answer: Answer, model: str) -> Sequence[bytes]:
        """Return the events of a streamed answer."""
        raise NotImplementedError
