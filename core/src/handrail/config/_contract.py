"""Keys that existing configurations have and Handrail does not carry out.

Harmless ones are set aside with a note. Those that would guard something are refused, since nothing may look guarded
that is not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from handrail._nearest import nearest
from handrail.config._problems import dotted, listed, problem_at
from handrail.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Collection

    from handrail.config._tree import KeyPath, Node

WITHOUT_EFFECT = {
    "bot_messages",
    "core",
    "docs",
    "enable_multi_step_generation",
    "event_source_uid",
    "knowledge_base",
    "passthrough",
    "raw_llm_call_action",
    "streaming",
    "tracing",
    "user_messages",
}
REFUSED = {
    "actions_server_url": "actions run in this process; call the server from an action of your own in actions.py",
    "flows": "list rails under rails.input.flows and rails.output.flows",
}
RAILS_WITHOUT_EFFECT = {"actions", "dialog"}
REFUSED_RAILS = {
    "retrieval": "check what was retrieved before it is put into the prompt",
    "tool_input": "check results of tools before they are put into the conversation",
    "tool_output": (
        "name the rail in rails.output.flows and set 'channels: [tool_calls]' for it in rails.config.<rail>"
    ),
}
REASONING = "apply_to_reasoning_traces"
_RAILS_KEYS = {"input", "output", "config"}
_MODEL_KEYS = {"type", "engine"}


@dataclass(slots=True)
class SetAside:
    """The values that are left, and what has to be said about the others."""

    values: Any
    notes: list[Problem] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def set_aside(values: object, known: Collection[str], tree: Node) -> SetAside:
    """Take the keys away that Handrail does not carry out.

    Args:
        values: a configuration, be it valid or not.
        known: its top-level keys that are carried out.
        tree: the same, for places.
    """
    if not isinstance(values, dict):
        return SetAside(values)
    result = SetAside(dict(values))
    for key in values:
        if key in known:
            continue
        if key in WITHOUT_EFFECT:
            del result.values[key]
            result.notes.append(_without_effect(tree, (key,)))
        elif key in REFUSED:
            result.problems.append(_at(tree, (key,), REFUSED[key]))
        elif (near := nearest(key, known)) is not None:
            _near_miss(result, key, near, tree)
    if isinstance(values.get("rails"), dict):
        result.values["rails"] = _rails(values["rails"], result, tree)
    return result


def _near_miss(result: SetAside, key: Any, near: str, tree: Node) -> None:
    """Note what an unknown top-level key may have meant; one that holds rails or models must not become custom data."""
    if meant := _meant(result.values[key], near):
        text = f"unknown key '{key}' holds {listed(sorted(meant))}; did you mean '{near}'?"
        result.problems.append(problem_at(tree, (key,), text, key=True))
    else:
        text = f"'{key}' is not a known key (kept as custom data); did you mean '{near}'?"
        result.notes.append(problem_at(tree, (key,), text, key=True))


def _meant(value: object, near: str) -> set[str]:
    """Return the keys of a value that only the section of this name has."""
    if near == "rails" and isinstance(value, dict):
        return _RAILS_KEYS.intersection(value)
    if near == "models" and isinstance(value, list) and value and all(_is_model(entry) for entry in value):
        return {name for name in _MODEL_KEYS if any(name in entry for entry in value)}
    return set()


def _is_model(entry: object) -> bool:
    return isinstance(entry, dict) and "engine" in entry


def _rails(rails: dict[Any, Any], result: SetAside, tree: Node) -> dict[Any, Any]:
    left = dict(rails)
    for key in RAILS_WITHOUT_EFFECT.intersection(rails):
        del left[key]
        result.notes.append(_without_effect(tree, ("rails", key)))
    for key, instead in REFUSED_RAILS.items():
        section = left.pop(key, None)
        if isinstance(section, dict) and section.get("flows"):
            result.problems.append(_at(tree, ("rails", key), instead))
        elif key in rails:
            result.notes.append(_without_effect(tree, ("rails", key)))
    output = left.get("output")
    if isinstance(output, dict) and REASONING in output:
        left["output"] = {key: value for key, value in output.items() if key != REASONING}
        if output[REASONING]:
            instead = "set 'channels: [text, reasoning]' for the rail in rails.config.<rail>"
            result.problems.append(_at(tree, ("rails", "output", REASONING), instead))
    return left


def _without_effect(tree: Node, path: KeyPath) -> Problem:
    return problem_at(tree, path, f"'{dotted(path)}' has no effect", key=True)


def _at(tree: Node, path: KeyPath, instead: str) -> Problem:
    return problem_at(tree, path, f"'{dotted(path)}' is not supported; {instead}", key=True)
