"""A configuration's own action in place of the rail of a library: the action is the rail."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from handrail_colang._names import named_so
from handrail_colang._syntax import Execute, Flow, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from handrail.config import Flow as NamedFlow

_SIDE = re.compile(r"_(?:on_)?(?:input|output)$")


def action_in_place(rail: str, actions: Mapping[str, object]) -> str | None:
    """Return the action that is a rail's own under its name with underscores, if there is one.

    The library's rails for both directions may share an action: `mask sensitive data on input` asks
    `mask_sensitive_data`.
    """
    snake = re.sub(r"[\s-]+", "_", rail.strip()).lower()
    names = (snake, _SIDE.sub("", snake)) if "_on_" in snake else (snake,)
    return next((known for name in names if (known := named_so(name, actions)) is not None), None)


def flows_of_actions(
    named: Iterable[NamedFlow], defined: Mapping[str, object], actions: Mapping[str, object]
) -> list[Flow]:
    """Return a flow for each rail that a configuration names and has an action for, but no flow."""
    flows: dict[str, Flow] = {}
    for flow in named:
        action = action_in_place(flow.name, actions)
        if action is not None and flow.name not in defined:
            flows[flow.name] = flow_of_action(flow.name, action)
    return list(flows.values())


def flow_of_action(name: str, action: str) -> Flow:
    """Return the flow that executes one action, whose result is the verdict."""
    place = Place(f"action {action!r}", 1, 1)
    return Flow(place, name, (Execute(place, action, (), {}),))
