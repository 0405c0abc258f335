"""What platforms send to a webhook that checks texts, and what each understands: a table of shapes.

What a platform sends becomes texts, each judged for itself; what rails make of them is put back where it stood.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from handrail_server._errors import ApiError

if TYPE_CHECKING:
    from handrail import LLMRails, RailsResult

Body: TypeAlias = Mapping[str, Any]
Path: TypeAlias = tuple[str | int, ...]


class StoppedError(Exception):
    """A rail refused or failed, or rewrote what the platform cannot rewrite; `words` are what to tell the user."""

    def __init__(self, words: str, rail: str = "") -> None:
        super().__init__(words)
        self.words = words
        self.rail = rail


class Judge:
    """Runs the rails of one request of a platform over its texts.

    Args:
        rails: the rails.
        caller: who asks, which rails are told.
        count: refuses too many texts.
    """

    def __init__(self, rails: LLMRails, caller: str | None, count: Callable[[int], None]) -> None:
        self._rails = rails
        self._caller = caller
        self._count = count
        self.refusal = rails.config.rails.output.refusal
        self.failure = rails.config.rails.failure_message

    async def input(self, texts: Sequence[str]) -> list[str]:
        """Return texts as the input rails let them through, each for itself.

        Raises:
            StoppedError: a rail refused one of them, or failed.
        """
        self._count(len(texts))
        if not any(texts):
            return list(texts)
        parts = [part for text in texts for part in ({"type": "text", "text": text}, {"type": "end of text"})]
        role = next((role for role in ("user", "tool") if role in self._rails.config.rails.input.roles), None)
        if role is None:
            raise ApiError(400, "The input rails judge neither users nor tools.", code="invalid_value")
        result = await self._rails.check_async([{"role": role, "content": parts}], ["input"], caller=self._caller)
        _raise_if_stopped(result)
        return [part["text"] for part in result.messages[0]["content"] if part["type"] == "text"]

    async def output(self, texts: Sequence[str]) -> list[str]:
        """Return texts as the output rails let them through, each for itself.

        Raises:
            StoppedError: a rail refused one of them, or failed.
        """
        self._count(len(texts))
        passed: list[str] = []
        for text in texts:
            if text:
                message = {"role": "assistant", "content": text}
                result = await self._rails.check_async([message], ["output"], caller=self._caller)
                _raise_if_stopped(result)
                text = result.content  # noqa: PLW2901  # an empty one is what it is
            passed.append(text)
        return passed

    async def calls(self, calls: object) -> None:
        """Judge tool calls, in OpenAI's form.

        Raises:
            StoppedError: a rail refused one of them, failed, or rewrote what cannot be rewritten.
        """
        if not calls:
            return
        message = {"role": "assistant", "content": None, "tool_calls": calls}
        result = await self._rails.check_async([message], ["output"], caller=self._caller)
        _raise_if_stopped(result)
        runs = result.journal.rail_runs if result.journal is not None else ()
        if any(run.decision == "rewrite" for run in runs):
            raise StoppedError(
                self.refusal
            )  # `check_async` returns no calls, so the platform would go on with the old ones


def _raise_if_stopped(result: RailsResult) -> None:
    if result.status == "blocked":
        raise StoppedError(result.content, result.rail or "")


async def _litellm(body: Body, judge: Judge) -> Body:
    texts = _texts(body.get("texts"), "texts")
    if _one_of(body, "input_type", ("request", "response")) == "request":
        passed = await judge.input(texts)
    else:
        passed = await judge.output(texts)
    await judge.calls(body.get("tool_calls"))
    return {"action": "NONE"} if passed == texts else {"action": "GUARDRAIL_INTERVENED", "texts": passed}


async def _portkey(body: Body, judge: Judge) -> Body:
    event = _one_of(body, "eventType", ("beforeRequestHook", "afterRequestHook"))
    name = "request" if event == "beforeRequestHook" else "response"
    side = body.get(name)
    value = side.get("json") if isinstance(side, Mapping) else None
    if not isinstance(side, Mapping) or not isinstance(value, Mapping | None):
        raise _wrong(name)
    places = _places(value or {}, name)
    texts = [text for _, text in places] or [side["text"]] if isinstance(side.get("text", ""), str) else []
    passed = await (judge.input(texts) if name == "request" else judge.output(texts))
    for choice in (value or {}).get("choices") or () if name == "response" else ():
        await judge.calls(choice["message"].get("tool_calls"))
    if passed == texts:
        return {"verdict": True}
    if not places:
        raise StoppedError(judge.refusal)
    return {"verdict": True, "transformedData": {name: {"json": _put(value, [where for where, _ in places], passed)}}}


async def _dify(body: Body, judge: Judge) -> Body:
    point = _one_of(body, "point", ("ping", "app.moderation.input", "app.moderation.output"))
    if point == "ping":
        return {"result": "pong"}
    params = body.get("params")
    if not isinstance(params, Mapping):
        raise _wrong("params")
    if point == "app.moderation.output":
        (text,) = await judge.output(_texts([params.get("text")], "params.text"))
        return _DIFY_PASSES if text == params["text"] else {**_DIFY_REWRITES, "text": text}
    inputs = params.get("inputs") or {}
    if not isinstance(inputs, Mapping) or not isinstance(query := params.get("query"), str | None):
        raise _wrong("params.inputs")
    texts = [value if isinstance(value, str) else json.dumps(value) for value in inputs.values()]
    passed = await judge.input([*texts, query or ""])
    if passed == [*texts, query or ""]:
        return _DIFY_PASSES
    if any(a != b for a, b, value in zip(texts, passed, inputs.values(), strict=False) if not isinstance(value, str)):
        raise StoppedError(judge.refusal)
    changed = dict(zip(inputs, passed, strict=False))
    kept = {name: changed[name] if isinstance(value, str) else value for name, value in inputs.items()}
    return {**_DIFY_REWRITES, "inputs": kept, "query": None if query is None else passed[-1]}


async def _kgateway_request(body: Body, judge: Judge) -> Body:
    return await _kgateway(body, judge, "messages", judge.input)


async def _kgateway_response(body: Body, judge: Judge) -> Body:
    return await _kgateway(body, judge, "choices", judge.output)


async def _kgateway(
    body: Body, judge: Judge, name: str, judged: Callable[[Sequence[str]], Awaitable[list[str]]]
) -> Body:
    del judge
    inside = body.get("body")
    if not isinstance(inside, Mapping) or not isinstance(inside.get(name), list):
        raise _wrong(f"body.{name}")
    places = _places(inside, "request" if name == "messages" else "response")
    if len(places) != len(inside[name]):
        raise _wrong(f"body.{name}")
    texts = [text for _, text in places]
    passed = await judged(texts)
    if passed == texts:
        return {"action": {"reason": "passed"}}
    return {"action": {"body": _put(inside, [where for where, _ in places], passed), "reason": "modified"}}


_DIFY_PASSES: Body = {"flagged": False, "action": "direct_output"}
_DIFY_REWRITES: Body = {"flagged": True, "action": "overridden"}


@dataclass(frozen=True, slots=True)
class Shape:
    """How one platform asks.

    Attributes:
        path: below `/v1/checks`.
        judge: reads a request, has its texts judged, and returns the answer.
        refuse: returns the answer that refuses.
    """

    path: str
    judge: Callable[[Body, Judge], Awaitable[Body]]
    refuse: Callable[[StoppedError], Body]


SHAPES = (
    Shape(
        "/litellm/beta/litellm_basic_guardrail_api",
        _litellm,
        lambda stop: {"action": "BLOCKED", "blocked_reason": stop.words},
    ),
    Shape("/portkey", _portkey, lambda stop: {"verdict": False, "data": {"reason": stop.words, "rail": stop.rail}}),
    Shape("/dify", _dify, lambda stop: {**_DIFY_PASSES, "flagged": True, "preset_response": stop.words}),
    Shape(
        "/kgateway/request",
        _kgateway_request,
        lambda stop: {"action": {"body": stop.words, "status_code": 403, "reason": "refused"}},
    ),
    Shape(
        "/kgateway/response",
        _kgateway_response,
        lambda stop: {"action": {"body": stop.words, "status_code": 403, "reason": "refused"}},
    ),
)
"""The platforms that can ask."""


def _texts(value: object, where: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise _wrong(where)
    return list(value)


def _one_of(body: Body, name: str, allowed: Sequence[str]) -> str:
    if (found := body.get(name)) not in allowed:
        raise _wrong(name)
    return str(found)


def _wrong(where: str) -> ApiError:
    return ApiError(400, f"'{where}' is missing or not what the platform documents.", code="invalid_value", param=where)


def _places(value: Mapping[str, Any], side: str) -> list[tuple[Path, str]]:
    """Return where a request or a response has text: messages, or what older protocols have.

    Raises:
        ApiError: a content is neither a text nor a list of parts.
    """
    if side == "request" and "messages" not in value:
        older = next((name for name in ("prompt", "input") if isinstance(value.get(name), str)), None)
        return [] if older is None else [((older,), value[older])]
    found: list[tuple[Path, str]] = []
    for n, one in enumerate(value.get("messages" if side == "request" else "choices") or ()):
        path: Path = ("messages", n) if side == "request" else ("choices", n, "message")
        message = one if side == "request" else one.get("message") if isinstance(one, Mapping) else None
        if not isinstance(message, Mapping):
            raise _wrong(path[0] if isinstance(path[0], str) else "")
        found += _content_places(message.get("content"), (*path, "content"))
    return found


def _content_places(content: object, path: Path) -> list[tuple[Path, str]]:
    if isinstance(content, str):
        return [(path, content)]
    if content is None:
        return []
    if not isinstance(content, list) or not all(isinstance(part, Mapping) for part in content):
        raise _wrong(".".join(map(str, path)))
    texts = [(n, part.get("text")) for n, part in enumerate(content) if "text" in part]
    if not all(isinstance(text, str) for _, text in texts):
        raise _wrong(".".join(map(str, path)))
    return [((*path, n, "text"), str(text)) for n, text in texts]


def _put(value: Any, paths: Sequence[Path], texts: Sequence[str]) -> Any:
    """Return a copy of a value with other texts in some places."""
    made = json.loads(json.dumps(value))
    for path, text in zip(paths, texts, strict=True):
        at = made
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = text
    return made
