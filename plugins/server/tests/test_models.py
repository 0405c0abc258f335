"""Models and embeddings, as client libraries ask for them."""

from __future__ import annotations

import pytest
from fakes import FakeProvider
from handrail.errors import ProviderServerError

VECTOR = {"object": "list", "data": [{"index": 0, "embedding": [0.1]}], "usage": {"total_tokens": 7}}


class Embedding(FakeProvider):
    """A provider whose model embeds texts."""

    def __init__(self, error=None) -> None:
        super().__init__(["fine"])
        self.bodies: list[object] = []
        self.failure = error

    async def embed(self, body):
        self.bodies.append(body)
        if self.failure is not None:
            raise self.failure
        return VECTOR


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
        assert (answer.status, answer.json) == (200, VECTOR)
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
