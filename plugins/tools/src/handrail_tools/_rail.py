"""The rail `tool call validation`: whether a tool may be called, and with these arguments."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from handrail import Verdict
from handrail.errors import message_of

from handrail_tools._arguments import ArgumentsError, read, span_of
from handrail_tools._schemas import Schema, SchemaError, compiled, schemas_of

if TYPE_CHECKING:
    from handrail import RailContext, Turn, Window

    from handrail_tools._schemas import Path
    from handrail_tools._settings import ToolSettings

_SCHEMAS_KEPT = 256


class ToolCallValidation:
    """Blocks calls of tools that are unknown or not allowed, and arguments that are not what the tool takes.

    A tool is known if the request defines it in `tools`, or else the main model's parameters do, or the settings have
    a schema for it. Arguments must fit the definition's schema and the one in the settings.
    """

    def __init__(self, settings: ToolSettings, context: RailContext) -> None:
        self._settings = settings
        main = context.config.model_for("main")
        self._configured = schemas_of(main.parameters.get("tools") or () if main is not None else ())
        self._check = lru_cache(_SCHEMAS_KEPT)(_compiled_text)

    async def check(self, window: Window, turn: Turn) -> Verdict:
        """Judge one call.

        Raises:
            SchemaError: the request defines the tool with something that is not a JSON Schema.
            ValueError: the rail is shown something else than tool calls.
        """
        if window.channel != "tool_calls":
            raise ValueError(
                f"tool call validation was shown {window.channel}; it judges the channel 'tool_calls' only"
            )
        name = window.tool_name
        if not name:
            return _blocked("a tool is called without a name", "unknown_tool", window)
        if (reason := self._forbidden(name)) is not None:
            return _blocked(reason, "denied_tool", window)
        schemas = self._schemas(name, turn)
        if not schemas:
            return _blocked(f"tool {name!r} is unknown", "unknown_tool", window)
        return self._judge(name, window, schemas)

    def _forbidden(self, name: str) -> str | None:
        settings = self._settings
        if _matches(name, settings.denied):
            return f"tool {name!r} is denied"
        if settings.allowed is not None and not _matches(name, settings.allowed):
            return f"tool {name!r} is not among the allowed ones"
        return None

    def _schemas(self, name: str, turn: Turn) -> list[Schema]:
        defined = schemas_of(turn.tools) if turn.tools else self._configured
        return [schemas[name] for schemas in (defined, self._settings.schemas) if name in schemas]

    def _judge(self, name: str, window: Window, schemas: Sequence[Schema]) -> Verdict:
        text = window.text
        if len(text) > self._settings.max_length:
            limit = self._settings.max_length
            return _blocked(
                f"{name}: the arguments have {len(text)} characters, more than {limit}", "arguments", window
            )
        try:
            arguments = read(text)
        except ArgumentsError as exc:
            return Verdict.block(f"{name}: {exc}", category="arguments", span=window.span(exc.start, exc.end))
        for schema in schemas:
            if (wrong := self._problem(name, schema, arguments)) is not None:
                reason, path = wrong
                span = window.span(*span_of(text, path))
                return Verdict.block(f"{name}: {reason}", category="arguments", span=span)
        return Verdict.allow()

    def _problem(self, name: str, schema: Schema, arguments: Mapping[str, Any]) -> tuple[str, Path] | None:
        try:
            return self._check(json.dumps(schema, sort_keys=True))(arguments)
        except (SchemaError, TypeError) as exc:
            raise SchemaError(f"the schema of tool {name!r} cannot be used: {message_of(exc)}") from exc


def _compiled_text(schema: str) -> Callable[[Any], tuple[str, Path] | None]:
    return compiled(json.loads(schema))


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _blocked(reason: str, category: str, window: Window) -> Verdict:
    return Verdict.block(reason, category=category, span=(window.context_start, window.end))
