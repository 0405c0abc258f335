"""The OpenAPI document, made from the models that check the bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from handrail_server import __version__
from handrail_server._bodies import ChatBody, ChecksBody, EmbeddingsBody
from handrail_server._dialects import Messages, Responses
from handrail_server._webhook_shapes import SHAPES
from handrail_server._webhooks import WebhookBody, webhook_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handrail_server._settings import ServerSettings

_REF = "#/components/schemas/"
_ERRORS = {
    400: "The request is wrong; the error names the field.",
    401: "The API key is missing or wrong.",
    403: "The operator does not let clients set this.",
    404: "There is no such configuration or model.",
    408: "The body did not come in time.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    421: "Unknown Host header.",
    424: "The model or the configuration cannot be used until its operator changes it; trying again does not help.",
    429: "Too many requests; `Retry-After` says when to try again.",
    502: "The model, or a rail, failed.",
    503: "The server is full or shutting down, or its store cannot be reached.",
    504: "The model, or a rail, was too slow.",
}
_ERROR_SCHEMA = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
_COMPLETION = {
    "type": "object",
    "description": "An OpenAI `chat.completion` with `guardrails` beside the choices, or `messages` for a flat body.",
    "properties": {
        "id": {"type": "string"},
        "object": {"const": "chat.completion"},
        "created": {"type": "integer"},
        "model": {"type": "string"},
        "choices": {"type": "array", "items": {"type": "object"}},
        "usage": {"type": "object"},
        "guardrails": {"type": "object"},
        "messages": {"type": "array", "items": {"type": "object"}},
    },
}
_CHECKED = {
    "type": "object",
    "required": ["status", "content", "rail"],
    "properties": {
        "status": {"enum": ["passed", "modified", "blocked"]},
        "content": {"type": "string", "description": "The text as the rails let it through."},
        "rail": {"type": ["string", "null"], "description": "The rail that refused."},
    },
}
_MODELS = {
    "type": "object",
    "required": ["object", "data"],
    "properties": {"object": {"const": "list"}, "data": {"type": "array", "items": {"type": "object"}}},
}
_MODEL = {"type": "object", "required": ["id", "object"], "properties": {"id": {"type": "string"}}}
_EMBEDDINGS = {"type": "object", "description": "The answer of the model's server, as it came."}
_CONFIGS = {
    "type": "array",
    "items": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}},
}
_RESPONSE = {
    "type": "object",
    "description": "An OpenAI `response`, with `guardrails` beside its output.",
    "properties": {"id": {"type": "string"}, "object": {"const": "response"}, "output": {"type": "array"}},
}
_MESSAGE = {
    "type": "object",
    "description": "An Anthropic `message`, with `guardrails` beside its content.",
    "properties": {"id": {"type": "string"}, "type": {"const": "message"}, "content": {"type": "array"}},
}
_VERDICT = {"type": "object", "description": "What the platform understands; a refusal is one of its answers."}
_COUNT = {"type": "object", "required": ["input_tokens"], "properties": {"input_tokens": {"type": "integer"}}}
_BODIES = (ChatBody, ChecksBody, EmbeddingsBody, Responses.body, Messages.body, WebhookBody)
_STATUS = {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}


def openapi(settings: ServerSettings) -> dict[str, Any]:
    """Return the document for a server with these settings."""
    bodies = [(model, "validation") for model in _BODIES]
    _, definitions = models_json_schema(bodies, ref_template=_REF + "{model}")  # type: ignore[arg-type]  # literals
    schemas = {**definitions["$defs"], "Error": _ERROR_SCHEMA, "Completion": _COMPLETION, "Checked": _CHECKED}
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Handrail",
            "version": __version__,
            "description": "OpenAI's protocol, guarded: nothing unchecked is delivered.",
        },
        "servers": [{"url": settings.prefix or "/"}],
        "paths": _paths(),
        "components": {"schemas": schemas},
    }
    if settings.api_key_env is not None or settings.keys is not None:
        document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"key": []}]
    return document


def _paths() -> dict[str, Any]:
    checks = _operation("Run the rails over messages, without a model.", {"$ref": _REF + "Checked"}, body="ChecksBody")
    embeddings = _operation("Embed texts with the configuration's own model.", _EMBEDDINGS, body="EmbeddingsBody")
    return {
        **_paths_of_answers(),
        "/v1/checks": {"post": {"operationId": "checks", **checks}},
        **{webhook_path(shape): {"post": _webhook(webhook_path(shape))} for shape in SHAPES},
        "/v1/embeddings": {"post": {"operationId": "embeddings", **embeddings}},
        **_paths_of_what_is_there(),
    }


def _paths_of_answers() -> dict[str, Any]:
    chat = _answer(
        "Answer, guarded by the rails of a configuration.",
        {"$ref": _REF + "Completion"},
        body="ChatBody",
        events="`data:` lines with `chat.completion.chunk` objects, then `[DONE]`.",
    )
    responses = _answer(
        "The same in OpenAI's Responses.", _RESPONSE, body="ResponsesBody", events="Events `response.*`, numbered."
    )
    messages = _answer(
        "The same in Anthropic's Messages.",
        _MESSAGE,
        body="MessagesBody",
        events="Events from `message_start` to `message_stop`.",
    )
    count = _operation("About how many tokens such a request would send.", _COUNT, body="MessagesBody")
    return {
        "/v1/chat/completions": {"post": {"operationId": "chat", **chat}},
        "/v1/responses": {"post": {"operationId": "responses", **responses}},
        "/v1/messages": {"post": {"operationId": "messages", **messages}},
        "/v1/messages/count_tokens": {"post": {"operationId": "count_tokens", **count}},
    }


def _paths_of_what_is_there() -> dict[str, Any]:
    model = _operation("Say that a model is there.", _MODEL)
    model["parameters"] = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]
    model["responses"]["404"] = {**model["responses"]["401"], "description": _ERRORS[404]}
    metrics = _operation("Numbers for Prometheus.", {"type": "string"}, media="text/plain")
    return {
        "/v1/models/{id}": {"get": {"operationId": "model", **model}},
        "/v1/models": {"get": {"operationId": "models", **_operation("List the valid values of `model`.", _MODELS)}},
        "/v1/rails/configs": {"get": {"operationId": "configs", **_operation("List the configurations.", _CONFIGS)}},
        "/healthz": {"get": {"operationId": "healthz", "security": [], **_operation("Whether it lives.", _STATUS)}},
        "/readyz": {
            "get": {"operationId": "readyz", "security": [], **_operation("Whether to send requests.", _STATUS)}
        },
        "/metrics": {"get": {"operationId": "metrics", **metrics}},
    }


def _webhook(path: str) -> dict[str, Any]:
    """Return the operation of one platform, whose own documents say what it sends and reads."""
    name = path.removeprefix("/v1/checks/").replace("/", "_")
    operation = _operation("Run the rails over what a platform asks about.", _VERDICT, body="WebhookBody")
    one = {"schema": {"type": "string"}, "description": "The configuration; by default the server's."}
    return {"operationId": f"checks_{name}", **operation, "parameters": [{"name": "config_id", "in": "query", **one}]}


def _answer(summary: str, schema: Mapping[str, Any], *, body: str, events: str) -> dict[str, Any]:
    """Return an operation whose answer may be streamed."""
    operation = _operation(summary, schema, body=body)
    stream = {"schema": {"type": "string", "description": events}}
    operation["responses"]["200"]["content"]["text/event-stream"] = stream
    return operation


def _operation(
    summary: str, schema: Mapping[str, Any], *, body: str | None = None, media: str = "application/json"
) -> dict[str, Any]:
    errors = _ERRORS if body else {status: _ERRORS[status] for status in (401, 421, 503)}
    content: dict[str, Any] = {"application/json": {"schema": {"$ref": _REF + "Error"}}}
    if schema is _STATUS:
        errors, content = {503: "It does not, or not yet."}, {"application/json": {"schema": _STATUS}}
    responses: dict[str, Any] = {"200": {"description": "Done.", "content": {media: {"schema": dict(schema)}}}}
    for status, text in errors.items():
        responses[str(status)] = {"description": text, "content": content}
    operation: dict[str, Any] = {"summary": summary, "responses": responses}
    if body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": _REF + body}}},
        }
    return operation
