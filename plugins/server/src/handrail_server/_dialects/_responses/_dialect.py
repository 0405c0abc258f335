"""OpenAI's Responses, over the interface that all dialects have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from handrail_server._dialects._responses._body import ResponsesBody, chat_of
from handrail_server._dialects._responses._output import (
    Item,
    annotations_of,
    call_item,
    calls_of,
    message_item,
    named,
    reasoning_item,
    refusal_part,
    response_object,
    status_of,
    text_part,
)
from handrail_server._dialects._responses._tools import left_out, namespaces_of
from handrail_server._dialects._responses._writer import ResponseWriter

if TYPE_CHECKING:
    from handrail_server._bodies import ChatBody
    from handrail_server._dialects._dialect import Ended, Heading
    from handrail_server._errors import ApiError
    from handrail_server._policy import Wanted


class Responses:
    """`POST /v1/responses`."""

    name = "responses"
    id_prefix = "resp_"
    path = "/v1/responses"
    body = ResponsesBody

    def wanted(self, body: ResponsesBody) -> ChatBody:
        """Return a request as a body of Chat Completions."""
        return chat_of(body)

    def adapted(self, wanted: Wanted, body: ResponsesBody, engine: str) -> Wanted:  # noqa: ARG002  # the protocol's
        """Return the request with the answer that it goes on from."""
        return replace(
            wanted,
            instructed=bool(body.instructions),
            previous=body.previous_response_id,
            keeps=body.store is not False,
            left_out=left_out(body.tools),
        )

    def writer(self, heading: Heading, wanted: Wanted, body: ResponsesBody) -> ResponseWriter:  # noqa: ARG002  # likewise
        """Return what writes a response as a stream."""
        return ResponseWriter(heading, body)

    def whole(self, ended: Ended, body: ResponsesBody) -> Mapping[str, Any]:
        """Return a response."""
        status = status_of(ended)
        return response_object(
            ended.heading, body, status, _items(ended, status, namespaces_of(body.tools)), ended=ended
        )

    def error(self, error: ApiError) -> Mapping[str, Any]:
        """Return the body of an error."""
        return error.body()


def _items(ended: Ended, status: str, namespaces: Mapping[str, tuple[str, str]]) -> list[Item]:
    items: list[Item] = []
    if ended.reasoning:
        items.append(reasoning_item(named(ended.heading, "rs", 0), ended.reasoning))
    if parts := _parts(ended):
        items.append(message_item(named(ended.heading, "msg", len(items)), parts, status))
    for call, custom in calls_of(ended):
        name = named(ended.heading, "ctc" if custom else "fc", len(items))
        items.append(
            call_item(
                name,
                call.id or name,
                call.name,
                call.arguments,
                custom=custom,
                status=status,
                namespaces=namespaces,
            )
        )
    return items


def _parts(ended: Ended) -> list[Item]:
    if (refusal := ended.refusal) is not None:
        parts = [text_part(refusal.message)] if refusal.as_text else []
        return [*parts, refusal_part(refusal.message)] if refusal.as_refusal else parts
    text = ended.response.text
    if ended.wire.get("refusal"):
        return [refusal_part(text)]
    return [text_part(text, annotations_of(ended))] if text or not ended.response.tool_calls else []
