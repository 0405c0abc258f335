"""Models and embeddings, as client libraries ask for them."""

from __future__ import annotations

import json

import openai
import pytest
from fakes import FakeProvider
from handrail.errors import ProviderServerError
from handrail_testkit import replies

VECTOR = {"object": "list", "data": [{"index": 0, "embedding": [0.1]}], "usage": {"total_tokens": 7}}
ANSWER = json.dumps(VECTOR).encode()


class Embedding(FakeProvider):
    """A provider whose model embeds texts."""

    def __init__(self, error=None, answer=ANSWER) -> None:
        super().__init__(["fine"])
        self.answer = answer
        self.bodies: list[object] = []
        self.failure = error

    async def embed(self, body):
        self.bodies.append(body)
        if self.failure is not None:
            raise self.failure
        return self.answer


@pytest.fixture
def embedding(serve, fake):
    def make(provider, **settings):
        values = fake()
        values["models"] = [*values["models"], {"type": "embeddings", "engine": "fake", "model": "e1"}]
        return serve({"a": values, "b": fake()}, provider=provider, **settings)

    return make


async def test_each_model_that_is_listed_can_be_asked_for(serve, config):
    client = serve({"support": config(), "a.b-c": config()}, policy={"models": ["org/model-1"]})
    listed = (await client.get("/v1/models")).json["data"]
    assert [entry["id"] for entry in listed] == ["a.b-c", "support", "org/model-1"]
    for entry in listed:
        assert (await client.get(f"/v1/models/{entry['id']}")).json == entry
    for unknown in ("nobody", "", "support/", "../support", "m1"):
        answer = await client.get(f"/v1/models/{unknown}")
        assert (answer.status, answer.error["code"]) == (404, "model_not_found")


async def test_embeddings_are_passed_through_to_the_model_of_the_configuration(embedding):
    client = embedding(provider := Embedding())
    for fields in ({"model": "a"}, {"config_id": "a", "model": "text-embedding-3-small"}):
        body = {**fields, "input": ["one", "two"], "dimensions": 3, "encoding_format": "float"}
        answer = await client.post("/v1/embeddings", body)
        assert (answer.status, answer.body) == (200, ANSWER)
        assert provider.bodies[-1] == {"input": ["one", "two"], "dimensions": 3, "encoding_format": "float"}
    assert not provider.opened


async def test_configuration_without_such_a_model_says_so(embedding, serve, fake):
    answer = await embedding(Embedding()).post("/v1/embeddings", {"model": "b", "input": "x"})
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")
    answer = await embedding(FakeProvider(["fine"])).post("/v1/embeddings", {"model": "a", "input": "x"})
    assert answer.status == 404


@pytest.mark.parametrize("body", [{}, {"model": "a"}, {"model": "a", "input": 3}, {"model": "a", "input": [{"a": 1}]}])
async def test_wrong_request_for_embeddings_is_told(embedding, body):
    answer = await embedding(Embedding()).post("/v1/embeddings", body)
    assert (answer.status, answer.error["code"]) == (400, "invalid_value")


async def test_model_of_embeddings_that_fails_is_told_as_every_other(embedding):
    answer = await embedding(Embedding(ProviderServerError("secret"))).post(
        "/v1/embeddings", {"model": "a", "input": "x"}
    )
    assert (answer.status, answer.error["code"]) == (502, "model_failed")
    assert b"secret" not in answer.body
    for odd in (b"", b"<html>secret", b'{"usage": 3}'):
        answer = await embedding(Embedding(answer=odd)).post("/v1/embeddings", {"model": "a", "input": "x"})
        assert (answer.status, answer.error["code"]) == (502, "model_failed")


def test_embeddings_of_a_real_upstream(run_server, root, write, protocol_server):
    parameters = {"base_url": protocol_server.base_url, "api_key": "none", "max_retries": 0}
    main = {"type": "main", "engine": "openai", "model": "m", "parameters": parameters}
    write(root, "a", {"models": [main, {**main, "type": "embeddings", "model": "e1"}]})
    server = run_server("--config", root)
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
    protocol_server.will(replies.json_reply({**VECTOR, "model": "e1"}), replies.error(401, "secret"))
    found = client.embeddings.create(model="a", input=["one"], encoding_format="float")
    assert found.data[0].embedding == [0.1]
    sent = protocol_server.requests[-1]
    assert (sent.path, sent.json) == ("/v1/embeddings", {"input": ["one"], "encoding_format": "float", "model": "e1"})
    with pytest.raises(openai.APIStatusError) as raised:
        client.embeddings.create(model="a", input="one")
    assert raised.value.status_code == 424
    assert "secret" not in str(raised.value)
