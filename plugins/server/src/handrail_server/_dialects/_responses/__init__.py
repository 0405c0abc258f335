"""OpenAI's Responses: `POST /v1/responses`."""

from __future__ import annotations

from handrail_server._dialects._responses._dialect import Responses as Responses
