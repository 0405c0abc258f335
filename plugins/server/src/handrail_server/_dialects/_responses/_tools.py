"""Tools and the choice among them, from the form of Responses to that of Chat Completions.

A namespace is a group of functions that the client runs, such as those of an MCP server. Chat Completions has no
groups, so functions are offered under flat names, and their calls get the namespace back. Tools that a model's own
server runs would bring text to the model that no rail has read; they are left out, and the client is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from handrail_server._dialects._translating import (
    kind_of,
    objects_at,
    refuse_unknown,
    text_at,
    untranslatable,
    wrong,
)

_INSIDE = {
    "function": ("name", "description", "parameters", "strict"),
    "custom": ("name", "description", "format"),
}
_ON_SERVERS = frozenset(
    (
        *("apply_patch", "code_interpreter", "computer", "computer_use_preview", "file_search", "image_generation"),
        *("local_shell", "mcp", "shell", "tool_search", "web_search", "web_search_2025_08_26", "web_search_preview"),
        "web_search_preview_2025_03_11",
    )
)
"""Tools without a schema: a model's own server runs them, or at least knows them."""
_IGNORED = ("type", "defer_loading")


def flat_name(namespace: object, name: str) -> str:
    """Return the name by which a function of a namespace is offered; that of any other as it is."""
    return f"{namespace.rstrip('_')}__{name}" if isinstance(namespace, str) and namespace else name


def namespaces_of(tools: Sequence[Mapping[str, Any]] | None) -> dict[str, tuple[str, str]]:
    """Return namespace and name of each function in a namespace, by its flat name."""
    found: dict[str, tuple[str, str]] = {}
    for group in tools or ():
        if group.get("type") == "namespace":
            for tool in group.get("tools") or ():
                found[flat_name(group["name"], tool["name"])] = (group["name"], tool["name"])
    return found


def left_out(tools: Sequence[Mapping[str, Any]] | None) -> tuple[str, ...]:
    """Return the types of the tools that are not offered to the model."""
    return tuple(dict.fromkeys(str(tool["type"]) for tool in tools or () if tool.get("type") in _ON_SERVERS))


def tools_of(tools: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the tools that a client runs.

    Raises:
        ApiError: there is none, or one is not valid.
    """
    found: list[dict[str, Any]] = []
    for index, tool in enumerate(tools):
        kind, place = kind_of(tool, f"tools[{index}]"), f"tools[{index}]"
        if kind == "namespace":
            found += _of_namespace(tool, place)
        elif kind not in _ON_SERVERS:
            found.append(_tool(tool, place))
    if not found:
        raise untranslatable("tools[0].type", "no tool is run by a model's own server here, and there is no other")
    _refuse_twins(found, namespaces_of(tools))
    return found


def choice_of(choice: str | Mapping[str, Any] | None) -> str | dict[str, Any] | None:
    """Return which tool is to be called.

    Raises:
        ApiError: it is none that Chat Completions has.
    """
    if choice is None or isinstance(choice, str):
        return choice
    kind = kind_of(choice, "tool_choice")
    if kind in _INSIDE:
        return {
            "type": kind,
            kind: {"name": flat_name(choice.get("namespace"), text_at(choice, "name", "tool_choice"))},
        }
    if kind == "allowed_tools":
        tools = [choice_of(tool) for tool in objects_at(choice, "tools", "tool_choice")]
        return {"type": kind, "allowed_tools": {"mode": choice.get("mode"), "tools": tools}}
    raise untranslatable("tool_choice.type", "it must be function, custom or allowed_tools")


def _of_namespace(group: Mapping[str, Any], place: str) -> list[dict[str, Any]]:
    refuse_unknown(group, ("type", "name", "description", "tools"), place)
    namespace = text_at(group, "name", place)
    found: list[dict[str, Any]] = []
    for index, tool in enumerate(objects_at(group, "tools", place)):
        where = f"{place}.tools[{index}]"
        name = flat_name(namespace, text_at(tool, "name", where))
        found.append(_tool({**tool, "name": name}, where))
    return found


def _tool(tool: Mapping[str, Any], place: str) -> dict[str, Any]:
    kind = kind_of(tool, place)
    if kind not in _INSIDE:
        raise untranslatable(f"{place}.type", "tools are functions, custom tools, or namespaces of them")
    refuse_unknown(tool, (*_IGNORED, *_INSIDE[kind]), place)
    inside = {name: tool[name] for name in _INSIDE[kind] if tool.get(name) is not None}
    if kind == "custom" and isinstance(form := inside.get("format"), Mapping) and form.get("type") == "grammar":
        inside["format"] = {"type": "grammar", "grammar": {key: form.get(key) for key in ("definition", "syntax")}}
    return {"type": kind, kind: inside}


def _refuse_twins(tools: Sequence[Mapping[str, Any]], flat_names: Collection[str]) -> None:
    """Refuse a flat name that another tool has: nobody could tell which of them a call means."""
    counted = Counter(str(tool[tool["type"]].get("name")) for tool in tools)
    for name in flat_names:
        if counted[name] > 1:
            raise wrong("tools", f"two of them would have the name {name!r}; rename one")
