"""Tools, the choice among them and the form of an answer, as the Responses API has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handrail_http import BadParameterError

CALLS_OF_CLIENTS = frozenset(
    (
        *("apply_patch_call", "computer_call", "local_shell_call", "mcp_approval_request", "shell_call"),
        *("program", "tool_search_call"),
    )
)
"""Items that ask the client to do something, in forms that are not tool calls, so that no rail could read them."""

_UNGUARDED = frozenset(
    (
        *("apply_patch", "computer", "computer_use_preview", "local_shell", "programmatic_tool_calling", "shell"),
        "tool_search",
    )
)


def tools_of(tools: object) -> list[dict[str, Any]]:
    """Return the tools; those in the API's own form are left as they are.

    Raises:
        BadParameterError: one is neither, or its calls could not be guarded.
    """
    if not isinstance(tools, list | tuple):
        raise BadParameterError(f"'tools' is a {type(tools).__name__}; it must be a list", param="tools")
    return [_tool(tool, f"tool {number}") for number, tool in enumerate(tools, 1)]


def choice_of(choice: object) -> object:
    """Return the choice among the tools.

    Raises:
        BadParameterError: it is not a choice.
    """
    if choice is None or isinstance(choice, str):
        return choice
    if not isinstance(choice, Mapping):
        raise BadParameterError("'tool_choice' must be a text or an object", param="tool_choice")
    kind = str(choice.get("type"))
    inside = choice.get(kind)
    if not isinstance(inside, Mapping):
        return dict(choice)
    if kind == "allowed_tools":
        tools = inside.get("tools")
        names = [choice_of(tool) for tool in tools] if isinstance(tools, list | tuple) else tools
        return {"type": kind, **inside, "tools": names}
    return {"type": kind, **inside}


def format_of(wanted: object) -> dict[str, Any] | None:
    """Return the form that an answer must have; None if it may have any.

    Raises:
        BadParameterError: it is not a form.
    """
    kind = wanted.get("type") if isinstance(wanted, Mapping) else wanted
    if kind is None:
        return None
    if kind != "json_schema" or not isinstance(wanted, Mapping):
        return dict(wanted) if isinstance(wanted, Mapping) else {"type": kind}
    schema = wanted.get("json_schema")
    if "schema" in wanted:
        return dict(wanted)
    if not isinstance(schema, Mapping):
        raise BadParameterError("'response_format' is a 'json_schema' without one", param="response_format")
    return {"type": kind, **{name: value for name, value in schema.items() if value is not None}}


def _tool(tool: object, place: str) -> dict[str, Any]:
    if not isinstance(tool, Mapping):
        raise BadParameterError(f"{place} is a {type(tool).__name__}; it must be an object")
    kind = tool.get("type")
    if kind in _UNGUARDED:
        raise BadParameterError(f"{place}: {kind!r} is not supported, since no rail could read its calls")
    inside = tool.get(str(kind))
    if not isinstance(inside, Mapping):
        return dict(tool)
    if not inside.get("name"):
        raise BadParameterError(f"{place} has no name")
    found = {"type": kind, **{name: value for name, value in inside.items() if value is not None}}
    if kind == "function":  # what may be left out there has another meaning here
        return {"strict": False, "parameters": {"type": "object", "properties": {}}, **found}
    if isinstance(form := found.get("format"), Mapping) and isinstance(grammar := form.get("grammar"), Mapping):
        found["format"] = {"type": "grammar", **grammar}
    return found
