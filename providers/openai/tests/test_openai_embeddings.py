"""Embeddings: asked for with the configured model, and their answer passed on as it came."""

from __future__ import annotations

import pytest
from handrail.errors import (
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderConnectionError,
    ProviderServerError,
    ProviderTimeoutError,
)
from handrail_openai import _embeddings
from handrail_testkit import replies
from handrail_testkit.replies import Ending, Reply

pytestmark = pytest.mark.anyio
ANSWER = {"object": "list", "data": [{"index": 0, "embedding": [0.25, 1]}], "usage": {"total_tokens": 3}}


async def test_request_has_the_configured_model_and_the_answer_is_passed_on(make_provider, protocol_server, key):
    protocol_server.will(replies.json_reply(ANSWER))
    provider = make_provider(protocol_server.base_url, model="e1")
    found = await provider.embed({"input": ["one"], "dimensions": 2, "model": "another"})
    sent = protocol_server.requests[-1]
    assert sent.json == {"input": ["one"], "dimensions": 2, "model": "e1"}
    assert sent.path == "/v1/embeddings"
    assert sent.headers["authorization"] == f"Bearer {key}"
    assert found == replies.json_reply(ANSWER).steps[0]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (replies.error(401, "no"), ProviderAuthenticationError),
        (replies.error(400, "no"), ProviderBadRequestError),
        (replies.error(500, "no", type="server_error"), ProviderServerError),
        (replies.html(), ProviderServerError),
        (Reply(status=307, headers={"location": "/elsewhere"}), Exception),
        (Reply(before_headers=Ending.RESET), ProviderConnectionError),
        (Reply((b'{"data"', Ending.RESET), headers={"content-type": "application/json"}), ProviderConnectionError),
    ],
)
async def test_failures_are_told_as_those_of_answers(make_provider, protocol_server, reply, error):
    protocol_server.will(reply)
    with pytest.raises(error):
        await make_provider(protocol_server.base_url, max_retries=0).embed({"input": "one"})
    assert len(protocol_server.requests) == 1


async def test_answer_that_is_too_large_is_given_up(make_provider, protocol_server, monkeypatch):
    monkeypatch.setattr(_embeddings, "LARGEST", 10)
    protocol_server.will(replies.json_reply(ANSWER))
    with pytest.raises(ProviderServerError):
        await make_provider(protocol_server.base_url).embed({"input": "one"})


async def test_answer_that_does_not_come_is_given_up(make_provider, protocol_server):
    protocol_server.will(Reply(before_headers=Ending.HANG))
    with pytest.raises(ProviderTimeoutError):
        await make_provider(protocol_server.base_url, timeout=0.2, max_retries=0).embed({"input": "one"})
