"""What users say and bots answer where a configuration has it in YAML, as definitions in Colang."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from handrail.errors import InvalidArgumentError

_KINDS = {"user_messages": "user", "bot_messages": "bot"}
_STEPS = ("user", "bot", "execute")


def messages_as_colang(values: object) -> str:
    """Return the `user_messages` and `bot_messages` of a configuration; empty if there are none that can be read."""
    if not isinstance(values, Mapping):
        return ""
    return "\n".join(definition for key, kind in _KINDS.items() for definition in _definitions(kind, values.get(key)))


def without_steps(values: Mapping[str, object]) -> tuple[Mapping[str, object], str]:
    """Return a configuration without its `flows` of steps, and these in Colang; as it is if they are something else."""
    InvalidArgumentError.unless(
        isinstance(values, Mapping), "config", values, "a mapping; write yaml_content=... for YAML"
    )
    flows = values.get("flows")
    written = [_flow(flow) for flow in flows] if isinstance(flows, list) else []
    if not written or None in written:
        return values, ""
    return {key: value for key, value in values.items() if key != "flows"}, "\n".join(filter(None, written))


def _flow(flow: object) -> str | None:
    """Return a flow whose steps are what a user means, what the bot says and actions; None if it is something else."""
    steps = flow.get("elements") if isinstance(flow, Mapping) else None
    if not isinstance(steps, list) or not steps:
        return None
    lines = [f"  {kind} {step[kind]}\n" for step in steps for kind in _STEPS if _is_step(step, kind)]
    return f"define flow\n{''.join(lines)}" if len(lines) == len(steps) else None


def _is_step(step: object, kind: str) -> bool:
    return isinstance(step, Mapping) and set(step) == {kind} and isinstance(step[kind], str) and "\n" not in step[kind]


def _definitions(kind: str, messages: object) -> Iterator[str]:
    for phrase, texts in messages.items() if isinstance(messages, Mapping) else ():
        given = [texts] if isinstance(texts, str) else list(texts or ())
        lines = "".join(f"  {json.dumps(str(text), ensure_ascii=False)}\n" for text in given)
        if lines:
            yield f"define {kind} {phrase}\n{lines}"
