"""`rails.config`: what stands there for each rail, apart from what the kernel takes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handrail.config._flows import normalized_name
from handrail.config._problems import dotted, place_at, problem_at
from handrail.config._streaming import YIELDED, RailOptions, StreamingConfig
from handrail.config._validation import checked
from handrail.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from handrail.config._tree import Node

STREAM_WIDE = ("enabled", "max_pending", "max_answer_characters")
"""Keys of `rails.output.streaming` that hold for a stream as a whole, so that no rail can override them."""
_SET_ONCE = "set it for all of them in rails.output.streaming"


def find_key(sections: Mapping[str, object], name: str, config_key: str | None) -> str | None:
    """Return the key that belongs to a rail as it is written; its own name goes before the other key."""
    folded = {normalized_name(key): key for key in sections}
    found = folded.get(normalized_name(name))
    if found is None and config_key is not None:
        found = folded.get(normalized_name(config_key))
    return found


def kernel_keys(fields: Collection[str] = YIELDED) -> frozenset[str]:
    """Return the keys of a rail's settings that are the kernel's, if the rail's own settings have these fields."""
    return frozenset(RailOptions.model_fields) - YIELDED.intersection(fields)


def own_settings(section: Mapping[str, Any], fields: Collection[str] = YIELDED) -> dict[str, object]:
    """Return what the kernel leaves to a rail whose settings have these fields."""
    taken = kernel_keys(fields)
    return {key: value for key, value in section.items() if key not in taken}


def rail_options(
    key: str, section: Mapping[str, Any], tree: Node | None, fields: Collection[str] = YIELDED
) -> tuple[RailOptions | None, list[Problem]]:
    """Return what the kernel takes of the settings of a rail whose own have these fields, or its problems."""
    keys = kernel_keys(fields)
    taken = {name: value for name, value in section.items() if name in keys}
    return checked(RailOptions, taken, tree=tree, path=("rails", "config", key))


def rail_streaming(
    base: StreamingConfig, override: Mapping[str, Any], path: tuple[str, ...], tree: Node | None
) -> tuple[StreamingConfig | None, list[Problem]]:
    """Return a stream's settings with a rail's own in their place, or what is wrong with them.

    A rail that chooses another strategy does not get the settings of the one that it leaves.
    """
    override = {key: value for key, value in override.items() if value is not None}
    problems = [
        problem_at(tree, (*path, name), f"{dotted((*path, name))} cannot be set for one rail; {_SET_ONCE}")
        for name in STREAM_WIDE
        if name in override
    ]
    values = base.model_dump(exclude_unset=True)
    if override.get("strategy", base.strategy) != base.strategy:
        values = {key: value for key, value in values.items() if key in StreamingConfig.model_fields}
    streaming, found = checked(StreamingConfig, values | override, tree=tree, path=path)
    return streaming, problems + found


def problems_of(sections: object, base: StreamingConfig | None, tree: Node) -> list[Problem]:
    """Check what the kernel takes of every rail's settings.

    Args:
        sections: `rails.config` as written, be it valid or not.
        base: `rails.output.streaming`, or None if that is not valid itself.
        tree: the whole configuration.
    """
    problems: list[Problem] = []
    first: dict[str, str] = {}
    for key, section in sections.items() if isinstance(sections, dict) else ():
        if not isinstance(key, str) or not isinstance(section, dict):
            continue  # the section's own validation has said so
        same = first.setdefault(normalized_name(key), key)
        if same != key:
            problems.append(_written_twice(key, same, tree))
        problems += rail_options(key, section, tree)[1]  # whose those are is known when it is composed
        override = section.get("streaming")
        if isinstance(override, dict) and base is not None:
            problems += rail_streaming(base, override, ("rails", "config", key, "streaming"), tree)[1]
    return problems


def _written_twice(key: str, other: str, tree: Node) -> Problem:
    place = place_at(tree, ("rails", "config", other), key=True)
    first = f" at {place}" if place else ""
    text = f"'{key}' in rails.config is the same rail as '{other}'{first}; keep one of them"
    return problem_at(tree, ("rails", "config", key), text, key=True)
