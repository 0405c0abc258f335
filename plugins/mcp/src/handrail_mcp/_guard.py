"""What may pass between a client and a server of MCP: rails on what is said to tools, and on what they say.

Whatever a client sends is judged by output rails, for a model wrote it: the arguments of a tool as a tool call, all
else as text. Whatever a server sends is judged by input rails, for a model will read it: results, errors, descriptions
of tools, prompts, resources, requests and notifications.
"""

from __future__ import annotations

import json
import logging
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handrail import Blocked, Chunk, RailFailed, ToolCallDelta
from handrail.errors import InvalidArgumentError

from handrail_mcp._json import INTERNAL_ERROR, REFUSED, Message, error_of, parse_value
from handrail_mcp._leaves import Text, rewritten, texts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handrail import GenerationResponse, LLMRails

logger = logging.getLogger("handrail.mcp")

_OWN_WORDS = frozenset({"initialize", "ping", "notifications/initialized", "logging/setLevel"})
"""What a host says in its own words; no model has written any of it."""

_SHOWN_TO_MODELS = frozenset({"tools/call", "tasks/result"})
"""Requests whose failure is a result, so that the model behind the client learns of it."""

_TOOL = re.compile(r"[\w./:-]{1,128}", re.ASCII)

_MOST_PENDING = 10_000
_MOST_TOOLS = 10_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a message.

    Attributes:
        onward: what goes on in its place; None if nothing does.
        back: what its sender is answered instead.
    """

    onward: Message | None = None
    back: Message | None = None


class _RefusedError(Exception):
    """A rail refused, or could not do its work; `words` are what may be said of it."""

    def __init__(self, words: str, rail: str, *, failed: bool) -> None:
        super().__init__(words)
        self.words = words
        self.rail = rail
        self.failed = failed


class Guard:
    """Judges the messages of one connection.

    Args:
        rails: those of a configuration whose streaming is enabled and whose input rails judge results of tools.
        tools: what tools take, as the server lists them; for connections that share a server.
    """

    def __init__(self, rails: LLMRails, *, tools: dict[str, Mapping[str, Any]] | None = None) -> None:
        InvalidArgumentError.unless(hasattr(rails, "composition"), "rails", rails, "an LLMRails")
        self._rails = rails
        self._failure = rails.config.rails.failure_message
        self._judges_input = bool(rails.composition.input_rails)
        self._judges_output = bool(rails.composition.output_rails)
        self._asked: OrderedDict[str | int, str] = OrderedDict()
        self._tools: dict[str, Mapping[str, Any]] = {} if tools is None else tools

    async def from_client(self, message: Message) -> Outcome:
        """Judge what the client sends to the server. Raises nothing but cancellation."""
        method, message_id = message.get("method"), message.get("id")
        if method is not None and message_id is not None:
            self._note(message_id, method)
        try:
            return Outcome(onward=await self._outgoing(message))
        except Exception as exc:  # noqa: BLE001  # whatever goes wrong, the message does not go on
            stop = self._stop(exc, method or "an answer of the client")
        if method is None:
            return Outcome(onward=error_of(message_id, REFUSED, stop.words))
        if message_id is None:
            return Outcome()
        self._asked.pop(message_id, None)
        return Outcome(back=self._refusal(message_id, method, stop, like=message.get("params")))

    async def from_server(self, message: Message) -> Outcome:
        """Judge what the server sends to the client. Raises nothing but cancellation."""
        method, message_id = message.get("method"), message.get("id")
        answered = "" if method is not None or message_id is None else self._asked.pop(message_id, "")
        try:
            onward = await self._incoming(message)
            if answered == "tools/list":
                self._learn(onward.get("result", {}))
            return Outcome(onward=onward)
        except Exception as exc:  # noqa: BLE001  # whatever goes wrong, the message does not go on
            stop = self._stop(exc, method or f"the answer to {answered or 'a request'}")
        if method is None:
            return Outcome(onward=self._refusal(message_id, answered, stop, like=message.get("result")))
        return Outcome() if message_id is None else Outcome(back=error_of(message_id, REFUSED, stop.words))

    def unreadable(self, message_id: object) -> Message | None:
        """Return what the client is answered in place of an answer of the server that nobody can read."""
        if not isinstance(message_id, str | int) or (method := self._asked.pop(message_id, None)) is None:
            return None
        stop = _RefusedError(self._failure, "", failed=True)
        return self._refusal(message_id, method, stop, like=None)

    async def _outgoing(self, message: Message) -> Message:
        method = message.get("method")
        name = "params" if method is not None else "result" if "result" in message else "error"
        params = message.get(name)
        if not params or not self._judges_output or method in _OWN_WORDS:
            return message
        said = {key: value for key, value in params.items() if key != "_meta"}
        if method == "tools/call":
            said = await self._tool_call(said)
        else:
            said = await self._said(said)
        return {**message, name: {**params, **said}}

    async def _tool_call(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Judge a call: its arguments as those of a tool call, what else there is as text."""
        tool, arguments = params.get("name"), params.get("arguments")
        if not isinstance(tool, str) or not isinstance(arguments, dict | None):
            raise _RefusedError("The tool call is not valid: it has no name, or its arguments are not an object.", "",
                                failed=False)  # fmt: skip
        others = {key: value for key, value in params.items() if key != "arguments" and not _is_tool(key, value)}
        if others:
            others = await self._said(others)
        if others.get("name", tool) != tool:
            raise ValueError("the name of a tool was changed")
        call = ToolCallDelta(0, "call", tool, json.dumps(arguments or {}))
        response = await self._fed(Chunk(tool_calls=(call,)))
        (passed,) = response.tool_calls
        if passed.name != tool:
            raise ValueError("the name of a tool was changed")
        found = parse_value(passed.arguments)
        if not isinstance(found, dict):
            raise TypeError("the arguments of a tool are not an object any more")
        return {**others, "name": tool} | ({} if arguments is None and not found else {"arguments": found})

    async def _said(self, value: dict[str, Any]) -> dict[str, Any]:
        """Judge what a value says as text of a model; each of its texts stands for itself."""
        texts = [one.text for one in texts_of(value)]
        if not texts:
            return value
        response = await self._fed(Chunk(json.dumps(texts)))
        passed = parse_value(response.text)
        if not isinstance(passed, list) or not all(isinstance(text, str) for text in passed):
            raise TypeError("the texts of a message are not texts any more")
        return value if passed == texts else dict(rewritten(value, passed))

    async def _fed(self, chunk: Chunk) -> GenerationResponse:
        options = {"llm_params": {"tools": list(self._tools.values())}}
        async with self._rails.feed(options=options) as guard:
            await guard.push(chunk)
            await guard.finish()
            response = guard.response
        if isinstance(stop := response.stop, Blocked | RailFailed):
            raise _RefusedError(stop.message or self._failure, stop.rail, failed=isinstance(stop, RailFailed))
        if response.outcome != "finished":
            raise RuntimeError(f"a check ended as {response.outcome!r}")
        return response

    async def _incoming(self, message: Message) -> Message:
        name = next(name for name in ("params", "result", "error", "method") if name in message)
        said = message[name]
        if name == "method" or not self._judges_input:
            return message
        texts = texts_of(said)
        if not texts:
            return message
        parts, places = _parts(texts)
        judged = {"role": "tool", "tool_call_id": "call", "content": parts}
        result = await self._rails.check_async([judged], ["input"])
        if result.status == "blocked":
            raise _RefusedError(result.content or self._failure, result.rail or "", failed=result.failed)
        (passed,) = result.messages
        new = [passed["content"][place]["text"] for place in places]
        return message if new == [one.text for one in texts] else {**message, name: rewritten(said, new)}

    def _stop(self, exc: Exception, what: str) -> _RefusedError:
        if not isinstance(exc, _RefusedError):
            logger.error("%s was refused, for checking it failed: %s", what, type(exc).__name__)
            return _RefusedError(self._failure, "", failed=True)
        how = "failed, so it was refused" if exc.failed else "refused it"
        logger.warning("%s: rail %r %s", what, exc.rail, how)
        return exc

    def _refusal(self, message_id: object, method: str, stop: _RefusedError, *, like: object) -> Message:
        """Return the answer that takes the place of a refused one, as the protocol has it for the method."""
        if method not in _SHOWN_TO_MODELS:
            return error_of(message_id, INTERNAL_ERROR if stop.failed else REFUSED, stop.words)
        result: dict[str, Any] = {"content": [{"type": "text", "text": stop.words}], "isError": True}
        if isinstance(like, Mapping) and ("resultType" in like or _names_revision(like)):
            result["resultType"] = "complete"
        return {"jsonrpc": "2.0", "id": message_id, "result": result}

    def _note(self, message_id: str | int, method: str) -> None:
        self._asked[message_id] = method
        while len(self._asked) > _MOST_PENDING:
            self._asked.popitem(last=False)

    def _learn(self, result: Mapping[str, Any]) -> None:
        """Keep what tools take, which rails are told of, as they are of tools that a model may call."""
        tools: Sequence[object] = result.get("tools") or ()
        for tool in tools:
            if isinstance(tool, Mapping) and isinstance(name := tool.get("name"), str):
                if len(self._tools) >= _MOST_TOOLS:
                    return
                function = {"name": name, "parameters": tool.get("inputSchema") or {"type": "object"}}
                self._tools[name] = {"type": "function", "function": function}


def _parts(texts: Sequence[Text]) -> tuple[list[dict[str, Any]], list[int]]:
    """Return texts as parts of a message, where those of a run follow one another, and the place of each."""
    runs: dict[object, list[int]] = {}
    for n, one in enumerate(texts):
        runs.setdefault(n if one.run is None else one.run, []).append(n)
    parts: list[dict[str, Any]] = []
    places: dict[int, int] = {}
    for together in runs.values():
        for n in together:
            places[n] = len(parts)
            parts.append({"type": "text", "text": texts[n].text})
        parts.append({"type": "end of text"})
    return parts, [places[n] for n in range(len(texts))]


def _is_tool(key: str, value: object) -> bool:
    """Return whether a field is the name of a tool, and as names of tools are; any other is judged as text."""
    return key == "name" and isinstance(value, str) and _TOOL.fullmatch(value) is not None


def _names_revision(params: Mapping[str, Any]) -> bool:
    """Return whether a request says its protocol's revision, as only those do whose results must have a type."""
    meta = params.get("_meta")
    return isinstance(meta, Mapping) and "io.modelcontextprotocol/protocolVersion" in meta
