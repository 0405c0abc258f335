"""The Responses API: how a request is put together, and what the events of its answer say."""

from __future__ import annotations

from handrail_openai._responses._answer import ResponseAnswer as ResponseAnswer
from handrail_openai._responses._body import responses_body as responses_body
