"""What an answer looks like when it is whole, and what is told beside it, whole or streamed."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from handrail import Blocked, GenerationResponse

from handrail_server._beside import calls_beside, upstream_of, wire_of
from handrail_server._calls import message_of
from handrail_server._dialects import Ended, Refusal
from handrail_server._errors import blocked_fields
from handrail_server._reasons import ending
from handrail_server._told import rewritten_input

if TYPE_CHECKING:
    from handrail import LLMRails, Retraction

    from handrail_server._beside import Beside
    from handrail_server._dialects import Heading
    from handrail_server._policy import Wanted
    from handrail_server._settings import Sign


def guardrails_fields(
    heading: Heading, wanted: Wanted, response: GenerationResponse, withheld: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the object that is sent beside the choices."""
    ids = heading.config_ids
    fields: dict[str, Any] = {"config_id": ids[0]} if len(ids) == 1 else {"config_ids": list(ids)}
    if isinstance(response.stop, Blocked):
        fields["blocked"] = blocked_fields(response.stop)
    if (said := rewritten_input(wanted.messages, response)) is not None:
        fields["user_message"] = said
    if withheld:
        fields["withheld"] = list(withheld)
    if wanted.left_out:
        fields["tools_left_out"] = list(wanted.left_out)
    if upstream := upstream_of(wire_of(response)):
        fields["upstream"] = upstream
    if wanted.thread_id is not None:
        fields["thread_id"] = wanted.thread_id
    return {**fields, **asked_for(wanted, response)}


def asked_for(wanted: Wanted, response: GenerationResponse) -> dict[str, Any]:
    """Return what the client's options ask for."""
    options = wanted.options
    fields: dict[str, Any] = {}
    if log := options.get("log"):
        fields["log"] = _log(log, response)
    if options.get("llm_output"):
        told = (response.llm_metadata or {}).items()
        fields["llm_output"] = plain({name: value for name, value in told if name not in ("refusal", "wire")})
    if options.get("output_vars"):
        fields["output_data"] = plain(response.output_data)
    if wanted.state is not None:
        fields["state"] = wanted.state
    return fields


def ended(
    heading: Heading,
    wanted: Wanted,
    response: GenerationResponse,
    found: Beside,
    *,
    rails: LLMRails,
    block_as: Collection[Sign],
    retracted: Retraction | None = None,
) -> Ended:
    """Return an answer with all that its client may know.

    Args:
        heading: what names the answer.
        wanted: the request.
        response: what came of it, as its client may know it.
        found: what comes beside the answer.
        rails: whose answer it is.
        block_as: how a block is told.
        retracted: what is to be withdrawn of what was delivered.
    """
    wire = wire_of(response)
    is_blocked = isinstance(response.stop, Blocked)
    guardrails = guardrails_fields(heading, wanted, response, found.withheld)
    if retracted is not None:
        guardrails["retraction"] = retraction_fields(retracted)
    return Ended(
        heading,
        wanted,
        response,
        ending(response),
        reasoning="" if "reasoning" in rails.composition.withheld else response.reasoning,
        refusal=_refusal(response, wanted, block_as) if is_blocked else None,
        wire=wire,
        calls=calls_beside(wire, rails),
        found=found,
        guardrails=guardrails if not is_blocked or "guardrails" in block_as else None,
    )


def _refusal(response: GenerationResponse, wanted: Wanted, block_as: Collection[Sign]) -> Refusal:
    """Return what is said of a block; where JSON was asked for, words among it would only be JSON that is not valid."""
    form = wanted.options.get("llm_params", {}).get("response_format")
    asked_for_json = isinstance(form, Mapping) and str(form.get("type", "text")) != "text"
    as_refusal = "refusal" in block_as
    as_text = "text" in block_as and not (asked_for_json and as_refusal and wanted.openai)
    return Refusal(refusal(response), as_text=as_text, as_refusal=as_refusal)


def refusal(response: GenerationResponse) -> str:
    """Return what a user is shown in place of an answer that was blocked."""
    last = response.response if isinstance(response.response, str) else response.response[-1].get("content")
    return last if isinstance(last, str) else getattr(response.stop, "message", "")


def saved_message(response: GenerationResponse) -> dict[str, Any]:
    """Return the assistant's message as a thread keeps it: what was delivered, or else the refusal."""
    wire = wire_of(response)
    message = message_of(response, wire, wire.get("tool_calls") or {})
    if response.stop is not None and not response.text:
        message["content"] = refusal(response)
    return message


def retraction_fields(retraction: Retraction) -> dict[str, Any]:
    """Return what is to be withdrawn: characters of a channel."""
    return {"channel": retraction.channel, "start": retraction.start, "end": retraction.end}


def plain(value: Any) -> Any:
    """Turn records into what JSON has; what it has not, into text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {entry.name: plain(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _log(asked: Mapping[str, bool], response: GenerationResponse) -> dict[str, Any]:
    if response.log is None:
        return {}
    fields: dict[str, Any] = {name: plain(getattr(response.log, name)) for name, wanted in asked.items() if wanted}
    fields["stats"] = plain(response.log.stats)
    if "activated_rails" in fields and not asked.get("llm_calls"):
        for rail in (
            fields["activated_rails"] or ()
        ):  # prompts and completions are another part, which was not asked for
            for action in rail["executed_actions"]:
                action.pop("llm_calls")
    return fields
