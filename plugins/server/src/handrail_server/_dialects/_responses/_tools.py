"""Tools and the choice among them, from the form of Responses to that of Chat Completions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handrail_server._dialects._translating import kind_of, objects_at, refuse_unknown, untranslatable

_INSIDE = {
    "function": ("name", "description", "parameters", "strict"),
    "custom": ("name", "description", "format"),
}


def tools_of(tools: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the tools.

    Raises:
        ApiError: one is run by a model's own server, whose findings no rail would read.
    """
    return [_tool(tool, f"tools[{index}]") for index, tool in enumerate(tools)]


def choice_of(choice: str | Mapping[str, Any] | None) -> str | dict[str, Any] | None:
    """Return which tool is to be called.

    Raises:
        ApiError: it is none that Chat Completions has.
    """
    if choice is None or isinstance(choice, str):
        return choice
    kind = kind_of(choice, "tool_choice")
    if kind in _INSIDE:
        return {"type": kind, kind: {"name": choice.get("name")}}
    if kind == "allowed_tools":
        tools = [choice_of(tool) for tool in objects_at(choice, "tools", "tool_choice")]
        return {"type": kind, "allowed_tools": {"mode": choice.get("mode"), "tools": tools}}
    raise untranslatable("tool_choice.type", "it must be function, custom or allowed_tools")


def _tool(tool: Mapping[str, Any], place: str) -> dict[str, Any]:
    kind = kind_of(tool, place)
    if kind not in _INSIDE:
        raise untranslatable(f"{place}.type", "tools are functions or custom; no tool is run by a model's own server")
    refuse_unknown(tool, ("type", *_INSIDE[kind]), place)
    inside = {name: tool[name] for name in _INSIDE[kind] if tool.get(name) is not None}
    if kind == "custom" and isinstance(form := inside.get("format"), Mapping) and form.get("type") == "grammar":
        inside["format"] = {"type": "grammar", "grammar": {key: form.get(key) for key in ("definition", "syntax")}}
    return {"type": kind, kind: inside}
