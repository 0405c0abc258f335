"""Envoy's messages as packets of ASGI, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any, TypeAlias

from envoy.config.core.v3.base_pb2 import HeaderMap, HeaderValue, HeaderValueOption
from envoy.extensions.filters.http.ext_proc.v3.processing_mode_pb2 import ProcessingMode
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc

Headers: TypeAlias = list[tuple[bytes, bytes]]
Packet: TypeAlias = MutableMapping[str, Any]

FULL_DUPLEX = ProcessingMode.BodySendMode.FULL_DUPLEX_STREAMED
_PIECE = 64 * 1024  # bytes of one message, well below what gRPC allows
_OF_ANOTHER_BODY = (b"content-length", b"content-encoding", b"content-md5", b"digest", b"content-digest", b"etag")
_OVERWRITE = HeaderValueOption.HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD


def headers_of(headers: HeaderMap) -> Headers:
    """Return headers with names in lower case; Envoy sends values as bytes, or as text where it is old."""
    return [(one.key.lower().encode(), one.raw_value or one.value.encode()) for one in headers.headers]


def value_of(headers: Headers, name: bytes) -> str:
    """Return the value of a header; empty if there is none."""
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


def is_judged_whole(request: ext_proc.ProcessingRequest, *, assumed: bool) -> bool:
    """Return whether both bodies come here and go nowhere else, as the first message says.

    Args:
        request: the first message.
        assumed: whether to believe so of a gateway that does not say it; Envoy does.
    """
    told = request.protocol_config
    if assumed and not request.HasField("protocol_config"):
        return not request.observability_mode
    return (
        told.request_body_mode == FULL_DUPLEX
        and told.response_body_mode == FULL_DUPLEX
        and not request.observability_mode
    )


def request_headers(set_to: Headers, *, removed: Iterable[str]) -> ext_proc.ProcessingResponse:
    """Return the answer to the headers of a request."""
    common = ext_proc.CommonResponse(header_mutation=_mutation(set_to, removed))
    return ext_proc.ProcessingResponse(request_headers=ext_proc.HeadersResponse(response=common))


def response_headers(status: int, before: Headers, after: Headers) -> ext_proc.ProcessingResponse:
    """Return the answer to the headers of a response: what changed of them, and what went."""
    after = [pair for pair in after if pair[0] not in _OF_ANOTHER_BODY]
    kept = {name for name, _ in after}
    removed = sorted({name.decode() for name, _ in before if name not in kept and not name.startswith(b":")})
    changed = [pair for pair in after if pair not in before]
    if value_of(before, b":status") != str(status):
        changed.append((b":status", str(status).encode()))
    common = ext_proc.CommonResponse(header_mutation=_mutation(changed, removed))
    return ext_proc.ProcessingResponse(response_headers=ext_proc.HeadersResponse(response=common))


def request_body(body: bytes, *, ends: bool) -> Iterator[ext_proc.ProcessingResponse]:
    """Yield the pieces of a request's body."""
    for common in _pieces(body, ends=ends):
        yield ext_proc.ProcessingResponse(request_body=ext_proc.BodyResponse(response=common))


def response_body(body: bytes, *, ends: bool) -> Iterator[ext_proc.ProcessingResponse]:
    """Yield the pieces of a response's body."""
    for common in _pieces(body, ends=ends):
        yield ext_proc.ProcessingResponse(response_body=ext_proc.BodyResponse(response=common))


def request_trailers() -> ext_proc.ProcessingResponse:
    """Return the answer to the trailers of a request."""
    return ext_proc.ProcessingResponse(request_trailers=ext_proc.TrailersResponse())


def response_trailers() -> ext_proc.ProcessingResponse:
    """Return the answer to the trailers of a response."""
    return ext_proc.ProcessingResponse(response_trailers=ext_proc.TrailersResponse())


def instead(status: int, headers: Headers, body: bytes) -> ext_proc.ProcessingResponse:
    """Return the answer that Envoy gives the client by itself."""
    shown = [(name, value) for name, value in headers if name != b"content-length"]
    answer = ext_proc.ImmediateResponse(headers=_mutation(shown, ()), body=body, details="handrail")
    answer.status.code = status
    return ext_proc.ProcessingResponse(immediate_response=answer)


def _pieces(body: bytes, *, ends: bool) -> Iterator[ext_proc.CommonResponse]:
    starts = range(0, len(body), _PIECE) or range(1 if ends else 0)
    for start in starts:
        piece = ext_proc.StreamedBodyResponse(
            body=body[start : start + _PIECE], end_of_stream=ends and start == starts[-1]
        )
        yield ext_proc.CommonResponse(body_mutation=ext_proc.BodyMutation(streamed_response=piece))


def _mutation(set_to: Headers, removed: Iterable[str]) -> ext_proc.HeaderMutation:
    options = [
        HeaderValueOption(header=HeaderValue(key=name.decode("latin-1"), raw_value=value), append_action=_OVERWRITE)
        for name, value in set_to
    ]
    return ext_proc.HeaderMutation(set_headers=options, remove_headers=list(removed))


def unchanged(message: ext_proc.ProcessingRequest) -> Iterator[ext_proc.ProcessingResponse]:
    """Yield what lets a message pass as it is."""
    kind = message.WhichOneof("request")
    if kind in ("request_body", "response_body"):
        body = getattr(message, kind)
        yield from (request_body if kind == "request_body" else response_body)(body.body, ends=body.end_of_stream)
    elif kind in ("request_trailers", "response_trailers"):
        yield ext_proc.ProcessingResponse(**{kind: ext_proc.TrailersResponse()})
    elif kind in ("request_headers", "response_headers"):
        yield ext_proc.ProcessingResponse(**{kind: ext_proc.HeadersResponse()})
