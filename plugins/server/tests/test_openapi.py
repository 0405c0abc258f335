"""Requests drawn from the OpenAPI document, sound and unsound: whatever they are, the server does not fail."""

from __future__ import annotations

import pytest
import schemathesis
from entropy import EXAMPLES
from hypothesis import HealthCheck, given, settings
from schemathesis.generation import GenerationMode

OPERATIONS = [
    "POST /v1/chat/completions",
    "POST /v1/responses",
    "POST /v1/messages",
    "POST /v1/messages/count_tokens",
    "POST /v1/checks",
    "POST /v1/checks/dify",
    "POST /v1/checks/kgateway/request",
    "POST /v1/checks/kgateway/response",
    "POST /v1/checks/litellm/beta/litellm_basic_guardrail_api",
    "POST /v1/checks/portkey",
    "POST /v1/embeddings",
    "GET /v1/models",
    "GET /v1/models/{id}",
    "GET /v1/rails/configs",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
]
KEY = {"Authorization": "Bearer right-key"}


@pytest.fixture(scope="module")
def operations(real_server):
    document = schemathesis.openapi.from_url(f"{real_server.url}/openapi.json", headers=KEY)
    found = [result.ok() for result in document.get_all_operations()]
    return {f"{operation.method.upper()} {operation.path}": operation for operation in found}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", OPERATIONS)
def test_no_request_breaks_the_server(operations, name, mode):
    if name.startswith("GET") and mode is GenerationMode.NEGATIVE:
        return  # they take nothing that could be wrong
    operation = operations[name]
    wrong: list[object] = []

    @settings(
        max_examples=max(EXAMPLES // 50, 10), deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case) -> None:
        answer = case.call(headers=KEY, timeout=300)
        documented = operation.definition.raw["responses"]
        if answer.status_code == 500 or str(answer.status_code) not in documented:
            wrong.append((answer.status_code, answer.text, case.body))
        if mode is GenerationMode.POSITIVE and not name.startswith("POST") and "{" not in name:
            assert answer.status_code == 200

    ask()
    assert wrong == []


def test_document_has_every_operation(operations):
    assert sorted(operations) == sorted(OPERATIONS)
