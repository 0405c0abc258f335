"""Requests drawn from the OpenAPI document: whatever they are, the server neither fails nor leaves its own document."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import checks


@pytest.fixture(scope="module")
def document(real_server):
    schemathesis_config = {"Authorization": "Bearer right-key"}
    return schemathesis.openapi.from_url(f"{real_server.url}/openapi.json", headers=schemathesis_config)


schema = schemathesis.pytest.from_fixture("document")


@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.filterwarnings("ignore")
def test_no_request_breaks_the_server(case):
    response = case.call(headers={"Authorization": "Bearer right-key"})
    case.validate_response(response, checks=[checks.not_a_server_error])
