"""What clients are told of a call: which rail refused, and never what it found, unless the operator says so.

A rail's reason and category are words of its plugin: a phrase of a list, a value, a judge's answer. The server cannot
know which, so it keeps them for the journal.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from handrail import Blocked, message_text

if TYPE_CHECKING:
    from handrail import GenerationResponse
    from handrail._call.log import ExecutedAction

_REASON = "the rail refused it"


def told(response: GenerationResponse, *, registered: Collection[str], reasons: bool, log: bool) -> GenerationResponse:
    """Return a response as a client may know it.

    Args:
        response: what happened.
        registered: names of variables that the configuration's own code has registered, for prompts and rails alone.
        reasons: whether rails' reasons and categories may be told.
        log: whether the client has asked for any of the log; else there is none.
    """
    if not log:
        response = replace(response, log=None)
    if response.output_data is not None:
        left = {name: value for name, value in response.output_data.items() if name not in registered}
        response = replace(response, output_data=left)
    if reasons:
        return response
    if isinstance(response.stop, Blocked):
        response = replace(response, stop=replace(response.stop, reason=_REASON, category=None, span=None))
    if response.log is None or response.log.activated_rails is None:
        return response
    rails = tuple(
        replace(
            rail,
            reason=_REASON if rail.reason else "",
            category=None,
            span=None,
            additional_info=None,
            executed_actions=tuple(_told_action(action, rail.decisions) for action in rail.executed_actions),
        )
        for rail in response.log.activated_rails
    )
    return replace(response, log=replace(response.log, activated_rails=rails))


def rewritten_input(messages: Sequence[Mapping[str, Any]], response: GenerationResponse) -> str | None:
    """Return the user's message as the model got it, if input rails have rewritten it; None if not.

    Args:
        messages: the new messages, as they were sent.
        response: what came of them.
    """
    refused = isinstance(response.stop, Blocked) and response.stop.direction == "input"
    if refused or not any(run.direction == "input" and run.decision == "rewrite" for run in response.rail_runs):
        return None
    said = _said(messages)
    return response.user_message if said and response.user_message != "\n".join(map(message_text, said)) else None


def _said(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return what the user has said since the assistant last spoke; a beginning of the answer at the end is none."""
    said: list[Mapping[str, Any]] = []
    for message in reversed(messages):
        if message["role"] == "user":
            said.insert(0, message)
        elif message["role"] == "assistant" and said:
            break
    return said


def _told_action(action: ExecutedAction, decisions: Collection[str]) -> ExecutedAction:
    result = action.return_value if action.return_value in decisions else None
    return replace(action, action_params={}, return_value=result)
