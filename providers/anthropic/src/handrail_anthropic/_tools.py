"""Tools and the choice among them, in OpenAI's form or the API's own, as the Messages API has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handrail_http import BadParameterError

_CHOICES = {"auto": "auto", "none": "none", "required": "any", "any": "any"}


def tools_of(tools: object) -> list[dict[str, Any]]:
    """Return the tools; one that is in the API's own form, such as a server's tool, is left as it is.

    Raises:
        BadParameterError: one is neither.
    """
    if not isinstance(tools, list | tuple):
        raise BadParameterError(f"'tools' is a {type(tools).__name__}; it must be a list", param="tools")
    return [_tool(tool, number) for number, tool in enumerate(tools, 1)]


def _tool(tool: object, number: int) -> dict[str, Any]:
    if not isinstance(tool, Mapping):
        raise BadParameterError(f"tool {number} is a {type(tool).__name__}; it must be an object")
    if isinstance(tool.get("custom"), Mapping):
        raise BadParameterError(f"tool {number} is a custom tool, whose input is a text; the Messages API has none")
    if tool.get("type") != "function":
        return dict(tool)
    function = tool.get("function", tool)  # in the form of Chat Completions, or of Responses
    if not isinstance(function, Mapping) or not function.get("name"):
        raise BadParameterError(f"tool {number} has no function with a name")
    found = {
        "name": function["name"],
        "description": function.get("description"),
        "input_schema": function.get("parameters") or {"type": "object", "properties": {}},
        "strict": function.get("strict"),
        "cache_control": tool.get("cache_control") or function.get("cache_control"),
    }
    return {name: value for name, value in found.items() if value is not None}


def tool_choice_of(choice: object, *, parallel: object) -> dict[str, Any] | None:
    """Return the choice, with `parallel_tool_calls: false` as the API has it; None for the API's default.

    Raises:
        BadParameterError: it is not a choice.
    """
    found = _choice(choice)
    if parallel is False and found.get("type") != "none":
        return {**(found or {"type": "auto"}), "disable_parallel_tool_use": True}
    return found or None


def _choice(choice: object) -> dict[str, Any]:
    if choice is None:
        return {}
    if isinstance(choice, str) and choice in _CHOICES:
        return {"type": _CHOICES[choice]}
    if isinstance(choice, Mapping) and choice.get("type") == "function":
        function = choice.get("function", choice)
        name = function.get("name") if isinstance(function, Mapping) else None
        if name:
            return {"type": "tool", "name": name}
    elif isinstance(choice, Mapping) and choice.get("type") in {*_CHOICES.values(), "tool"}:
        return dict(choice)
    raise BadParameterError("'tool_choice' must be 'auto', 'none', 'required' or name a function", param="tool_choice")
