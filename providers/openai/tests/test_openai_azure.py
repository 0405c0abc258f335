"""Azure OpenAI: the deployment in the address, the version in the query, the key in a header of its own."""

from __future__ import annotations

import pytest
from handrail.errors import ConfigurationError, ProviderContentFilterError
from handrail_testkit import replies


@pytest.fixture
def azure(make_provider, monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure-key-123456")

    def make(server, **settings):
        settings = {"azure_endpoint": server.origin, "api_version": "2025-01-01", **settings}
        return make_provider(engine="azure_openai", model="gpt-of-ours", **settings)

    return make


async def test_a_request_goes_to_the_deployment_with_version_and_key(protocol_server, azure, ask):
    chunks = await ask(azure(protocol_server))
    (request,) = protocol_server.requests
    assert "".join(chunk.text for chunk in chunks) == "Hello, world!"
    assert request.path == "/openai/deployments/gpt-of-ours/chat/completions?api-version=2025-01-01"
    assert request.headers["api-key"] == "azure-key-123456"
    assert "authorization" not in request.headers


async def test_the_deployment_may_have_another_name_than_the_model(protocol_server, azure, ask):
    await ask(azure(protocol_server, azure_deployment="blue"))
    assert protocol_server.requests[0].path.startswith("/openai/deployments/blue/")


async def test_a_token_takes_the_place_of_the_key(protocol_server, azure, ask, monkeypatch):
    monkeypatch.delenv("AZURE_OPENAI_API_KEY")
    await ask(azure(protocol_server, azure_ad_token="token-123456"))
    assert protocol_server.requests[0].headers["authorization"] == "Bearer token-123456"


async def test_its_filter_is_a_content_filter_error(protocol_server, azure, ask):
    inner = {"code": "ResponsibleAIPolicyViolation"}
    error = {"message": "The response was filtered", "code": "content_filter", "innererror": inner, "status": 400}
    headers = {"apim-request-id": "azure-1"}
    protocol_server.will(replies.json_reply({"error": error}, status=400, headers=headers))
    with pytest.raises(ProviderContentFilterError) as raised:
        await ask(azure(protocol_server))
    assert raised.value.code == "content_filter"


@pytest.mark.parametrize(
    ("missing", "named"), [("azure_endpoint", "AZURE_OPENAI_ENDPOINT"), ("api_version", "OPENAI_API_VERSION")]
)
async def test_what_is_missing_is_named(protocol_server, azure, missing, named):
    with pytest.raises(ConfigurationError, match=named):
        azure(protocol_server, **{missing: None})


async def test_without_a_key_it_says_which_variable_to_set(protocol_server, azure, monkeypatch):
    monkeypatch.delenv("AZURE_OPENAI_API_KEY")
    with pytest.raises(ConfigurationError, match="AZURE_OPENAI_API_KEY"):
        azure(protocol_server)
