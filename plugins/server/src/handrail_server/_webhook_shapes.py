"""What platforms send to a webhook that checks texts, and what each understands: a table of shapes.

What a platform sends becomes texts, each judged for itself; what rails make of them is put back where it stood.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from handrail_server._errors import ApiError
from handrail_server._files import texts_in_files
from handrail_server._webhook_texts import beside_texts, calls_of, parts_going_on, places_of, rest_of, rewritten, wrong

if TYPE_CHECKING:
    from handrail import LLMRails, RailsResult

    from handrail_server._webhook_texts import Path, Side

Body: TypeAlias = Mapping[str, Any]


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

    async def input(self, texts: Sequence[str], going_on: Collection[int] = ()) -> list[str]:
        """Return texts as the input rails let them through, each for itself but for those that go on from the last.

        Raises:
            StoppedError: a rail refused one of them, or failed.
        """
        self._count(len(texts))
        if not any(texts):
            return list(texts)
        parts: list[dict[str, str]] = []
        for index, text in enumerate(texts):
            if index not in going_on:
                parts.append({"type": "end of text"})
            parts.append({"type": "text", "text": text})
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

    async def texts(self, side: Side, places: Sequence[tuple[Path, str]], rest: Sequence[str]) -> list[str]:
        """Return the texts of a request or of a response as the rails let them through.

        Args:
            side: which of the two.
            places: the texts that can be rewritten, and where they are.
            rest: what can only be judged.

        Raises:
            StoppedError: a rail refused something, failed, or rewrote what cannot be rewritten.
        """
        texts = [text for _, text in places]
        going_on = parts_going_on(places)
        if side == "request":
            passed = await self.input([*texts, *rest], going_on)
        else:
            rest = [*rest, *(["".join(texts)] if going_on else [])]  # which are read as one, and rewritten apart
            passed = await self.output([*texts, *rest])
        if passed[len(texts) :] != list(rest):
            raise StoppedError(self.refusal)
        return passed[: len(texts)]

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
        if result.status == "modified":
            raise StoppedError(self.refusal)  # the platforms take no calls back, and would go on with the old ones


def _raise_if_stopped(result: RailsResult) -> None:
    if result.status == "blocked":
        raise StoppedError(result.content, result.rail or "")


async def _litellm(body: Body, judge: Judge) -> Body:
    texts = _texts(body.get("texts"), "texts")
    side: Side = "request" if _one_of(body, "input_type", ("request", "response")) == "request" else "response"
    said = body.get("structured_messages") or []
    messages = beside_texts(said) if any(texts) else {"messages": said}  # texts have all that the text parts say
    rest = [*rest_of(messages, (), "request"), *texts_in_files(body.get("images"))]
    passed = await judge.texts(side, [((n,), text) for n, text in enumerate(texts)], rest)
    await judge.calls(body.get("tool_calls"))
    return {"action": "NONE"} if passed == texts else {"action": "GUARDRAIL_INTERVENED", "texts": passed}


async def _portkey(body: Body, judge: Judge) -> Body:
    event = _one_of(body, "eventType", ("beforeRequestHook", "afterRequestHook"))
    name: Side = "request" if event == "beforeRequestHook" else "response"
    side = body.get(name)
    value = side.get("json") if isinstance(side, Mapping) else None
    if not isinstance(side, Mapping) or not isinstance(value, Mapping | None):
        raise wrong(name)
    places = places_of(value or {}, name)
    rest = rest_of(value or {}, places, name)
    if not places and not rest:
        rest = _texts([side.get("text")], f"{name}.text")
    texts = [text for _, text in places]
    passed = await judge.texts(name, places, rest)
    for calls in calls_of(value or {}) if name == "response" else ():
        await judge.calls(calls)
    if passed == texts:
        return {"verdict": True}
    changed = rewritten(value, [where for where, _ in places], passed)
    return {"verdict": True, "transformedData": {name: {"json": changed}}}


async def _dify(body: Body, judge: Judge) -> Body:
    point = _one_of(body, "point", ("ping", "app.moderation.input", "app.moderation.output"))
    if point == "ping":
        return {"result": "pong"}
    params = body.get("params")
    if not isinstance(params, Mapping):
        raise wrong("params")
    if point == "app.moderation.output":
        (text,) = await judge.output(_texts([params.get("text")], "params.text"))
        return _DIFY_PASSES if text == params["text"] else {**_DIFY_REWRITES, "text": text}
    inputs = params.get("inputs") or {}
    if not isinstance(inputs, Mapping) or not isinstance(query := params.get("query"), str | None):
        raise wrong("params.inputs")
    texts = [value if isinstance(value, str) else json.dumps(value) for value in inputs.values()]
    files = list(texts_in_files(inputs))
    passed = await judge.input([*texts, *files, query or ""])
    if passed == [*texts, *files, query or ""]:
        return _DIFY_PASSES
    fixed = [not isinstance(value, str) for value in inputs.values()] + [True] * len(files)
    if any(a != b for a, b, is_fixed in zip([*texts, *files], passed, fixed, strict=False) if is_fixed):
        raise StoppedError(judge.refusal)
    changed = dict(zip(inputs, passed, strict=False))
    kept = {name: changed[name] if isinstance(value, str) else value for name, value in inputs.items()}
    return {**_DIFY_REWRITES, "inputs": kept, "query": None if query is None else passed[-1]}


async def _kgateway_request(body: Body, judge: Judge) -> Body:
    return await _kgateway(body, judge, "messages", "request")


async def _kgateway_response(body: Body, judge: Judge) -> Body:
    return await _kgateway(body, judge, "choices", "response")


async def _kgateway(body: Body, judge: Judge, name: str, side: Side) -> Body:
    inside = body.get("body")
    if not isinstance(inside, Mapping) or not isinstance(inside.get(name), list):
        raise wrong(f"body.{name}")
    places = places_of(inside, side)
    if len(places) != len(inside[name]):
        raise wrong(f"body.{name}")
    texts = [text for _, text in places]
    passed = await judge.texts(side, places, rest_of(inside, places, side))
    for calls in calls_of(inside) if side == "response" else ():
        await judge.calls(calls)
    if passed == texts:
        return {"action": {"reason": "passed"}}
    return {"action": {"body": rewritten(inside, [where for where, _ in places], passed), "reason": "modified"}}


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
        raise wrong(where)
    return list(value)


def _one_of(body: Body, name: str, allowed: Sequence[str]) -> str:
    if (found := body.get(name)) not in allowed:
        raise wrong(name)
    return str(found)
