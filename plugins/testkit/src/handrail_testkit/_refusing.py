"""What a server of Chat Completions refuses before it asks a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail_testkit.replies import Reply, error, json_reply

if TYPE_CHECKING:
    from collections.abc import Collection

    from handrail_testkit._http import Received

_ENDPOINTS = {"/chat/completions": "messages", "/embeddings": "input"}  # and what a request must have


def refusal(request: Received, *, key: str | None, models: Collection[str]) -> Reply | None:
    """Return the reply to a request that asks no model: a listing, or an error; None if a model is to answer."""
    if key is not None and request.key != key:
        return error(401, "Incorrect API key provided.", code="invalid_api_key")
    path = request.path.partition("?")[0]
    if request.method == "GET" and path.endswith("/models"):
        names = models or ("test-model",)
        entries = [{"id": name, "object": "model", "created": 0, "owned_by": "handrail"} for name in names]
        return json_reply({"object": "list", "data": entries})
    asked = next((field for end, field in _ENDPOINTS.items() if path.endswith(end)), None)
    if request.method != "POST" or asked is None:
        return error(404, f"Invalid URL ({request.method} {path})")
    return _bad_request(request, asked, models)


def _bad_request(request: Received, asked: str, models: Collection[str]) -> Reply | None:
    try:
        body = request.json
    except ValueError:
        return error(400, "We could not parse the JSON body of your request.")
    for field in ("model", asked):
        if not body.get(field):
            return error(400, f"Missing required parameter: '{field}'.", code="missing_required_parameter")
    if models and body["model"] not in models:
        return error(404, f"The model `{body['model']}` does not exist.", code="model_not_found")
    return None
