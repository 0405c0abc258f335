"""A server that speaks the Messages API exactly, or wrongly in a way that a test asks for.

It is the testkit's server with another protocol: requests are recorded, replies are played step by step, and a client
that leaves is noticed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from handrail_http.testing import AnswerServer
from handrail_testkit import Received, Reply

from handrail_anthropic.testing._message import Message, message_events, problem

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence


class MessagesServer(AnswerServer[Message]):
    """A server at `origin`, from entering the context to leaving it.

    A request to `POST .../v1/messages` takes the next answer that `will` was given; when there is none, `reply`.
    The testkit's own `default` and `models` have no part in it.

    Attributes:
        requests: every request received, in order.
        reply: the answer when nothing else is set.
        key: if set, other keys are refused with status 401.
        known_models: if not empty, other models are refused with status 404.
    """

    def __init__(self, *, key: str | None = None, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(Message(), key=key, tls=tls)

    def whole_of(self, answer: Message, model: str) -> dict[str, Any]:
        """Return an answer in one piece."""
        return answer.whole(model)

    def events_of(self, answer: Message, model: str) -> Sequence[bytes]:
        """Return the events of a streamed answer."""
        return message_events(answer, model)

    def answer_to(self, request: Received) -> Reply:
        """Return the answer to a request that has just come in, with the id that the API gives it."""
        reply = super().answer_to(request)
        return replace(reply, headers={"request-id": f"req_{len(self.requests)}", **reply.headers})

    def refused(self, request: Received) -> Reply | None:
        """Return what the API says to a request that it does not take."""
        if self.key is not None and key_of(request) != self.key:
            return problem(401, "authentication_error", "invalid x-api-key")
        if request.method != "POST" or not request.path.partition("?")[0].endswith("/v1/messages"):
            return problem(404, "not_found_error", "Not found")
        if "anthropic-version" not in request.headers:
            return problem(400, "invalid_request_error", "anthropic-version: header is required")
        body = request.json
        for name in ("model", "max_tokens", "messages"):
            if not body.get(name):
                return problem(400, "invalid_request_error", f"{name}: Field required")
        if self.known_models and body["model"] not in self.known_models:
            return problem(404, "not_found_error", f"model: {body['model']}")
        return _refused_messages(body)


def key_of(request: Received) -> str | None:
    """Return the key that a client sent, in either of the headers that the API takes."""
    return request.headers.get("x-api-key") or request.key


def _refused_messages(body: Any) -> Reply | None:
    """Check what the API checks of a conversation, as far as clients get it wrong."""
    for number, message in enumerate(body["messages"]):
        place = f"messages.{number}"
        if message.get("role") not in {"user", "assistant", "system"}:
            return problem(400, "invalid_request_error", f"{place}.role: Input should be 'user' or 'assistant'")
        content = message.get("content")
        if not content:
            return problem(400, "invalid_request_error", f"{place}: content must be non-empty")
        blocks = content if isinstance(content, list) else []
        if any(block.get("type") == "text" and not block.get("text") for block in blocks):
            return problem(400, "invalid_request_error", f"{place}: text content blocks must be non-empty")
    return _refused_tools(body["messages"])


def _refused_tools(messages: Any) -> Reply | None:
    """Check that each call of a tool is answered at the beginning of the next message."""
    for number, (message, following) in enumerate(zip(messages, [*messages[1:], {}], strict=True)):
        called = _ids(message, "tool_use", "id")
        content = following.get("content") or []
        results = _ids(following, "tool_result", "tool_use_id")
        leading = [block for block in content[: len(results)] if not isinstance(content, str)]
        if called and (set(called) != set(results) or any(block.get("type") != "tool_result" for block in leading)):
            text = f"messages.{number}: `tool_use` ids were found without `tool_result` blocks immediately after"
            return problem(400, "invalid_request_error", text)
    return None


def _ids(message: Any, kind: str, name: str) -> list[str]:
    content = message.get("content") or []
    return [block[name] for block in content if isinstance(block, dict) and block.get("type") == kind]
