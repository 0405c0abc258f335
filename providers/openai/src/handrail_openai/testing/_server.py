"""A server that speaks the Responses API exactly, or wrongly in a way that a test asks for.

It is the testkit's server with another protocol: requests are recorded, replies are played step by step, and a client
that leaves is noticed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handrail_http.testing import AnswerServer
from handrail_testkit import Received, Reply, replies

from handrail_openai.testing._response import ModelResponse, response_events

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

_INPUTS = frozenset(("input_text", "input_image", "input_file"))
_OUTPUTS = frozenset(("output_text", "refusal"))
_CALLS = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}


class ResponsesServer(AnswerServer[ModelResponse]):
    """A server at `base_url`, from entering the context to leaving it.

    A request to `POST .../responses` takes the next answer that `will` was given; when there is none, `reply`. What
    OpenAI refuses of an input is refused here. The testkit's own `default` and `models` have no part in it.

    Attributes:
        requests: every request received, in order.
        reply: the answer when nothing else is set.
        key: if set, other keys are refused with status 401.
        known_models: if not empty, other models are refused with status 404.
    """

    def __init__(self, *, key: str | None = None, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(ModelResponse(), key=key, tls=tls)

    def whole_of(self, answer: ModelResponse, model: str) -> dict[str, Any]:
        """Return an answer in one piece."""
        return answer.whole(model)

    def events_of(self, answer: ModelResponse, model: str) -> Sequence[bytes]:
        """Return the events of a streamed answer."""
        return response_events(answer, model)

    def refused(self, request: Received) -> Reply | None:
        """Return what the API says to a request that it does not take."""
        if self.key is not None and self.key not in (request.key, request.headers.get("api-key")):
            return replies.error(401, "Incorrect API key provided.", code="invalid_api_key")
        if request.method != "POST" or not request.path.partition("?")[0].endswith("/responses"):
            return replies.error(404, f"Invalid URL ({request.method} {request.path})")
        body = request.json
        for name in ("model", "input"):
            if not body.get(name):
                return replies.error(400, f"Missing required parameter: '{name}'.", code="missing_required_parameter")
        if self.known_models and body["model"] not in self.known_models:
            return replies.error(404, f"The model `{body['model']}` does not exist.", code="model_not_found")
        problem = None if isinstance(body["input"], str) else _problem_of(body["input"])
        return None if problem is None else replies.error(400, problem)


def _problem_of(items: list[Any]) -> str | None:
    """Check what the API checks of an input, as far as clients get it wrong."""
    called: dict[str, str] = {}
    for number, item in enumerate(items):
        kind = item.get("type", "message")
        if kind == "message" and (problem := _problem_of_message(item, f"input[{number}]")):
            return problem
        if kind in _CALLS:
            called[item["call_id"]] = _CALLS[kind]
        if kind in _CALLS.values() and called.pop(item["call_id"], None) != kind:
            return f"No tool call found for function call output with call_id {item['call_id']}."
        if kind == "reasoning" and _is_last_of_its_answer(items[number + 1 :]):
            return f"Item '{item['id']}' of type 'reasoning' was provided without its required following item."
    return f"No tool output found for function call {next(iter(called))}." if called else None


def _problem_of_message(item: Any, place: str) -> str | None:
    if item["role"] not in ("user", "assistant", "system", "developer"):
        return f"Invalid value for '{place}.role'."
    allowed = _OUTPUTS if item["role"] == "assistant" else _INPUTS
    content = item["content"]
    for at, part in enumerate(content if isinstance(content, list) else ()):
        if part["type"] not in allowed:
            return f"Invalid value: '{part['type']}' for '{place}.content[{at}].type'."
    return None


def _is_last_of_its_answer(following: list[Any]) -> bool:
    if not following:
        return True
    return following[0].get("role") != "assistant" and following[0].get("type") not in (*_CALLS, "reasoning")
