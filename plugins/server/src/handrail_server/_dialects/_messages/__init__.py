"""Anthropic's Messages: `POST /v1/messages`."""

from __future__ import annotations

from handrail_server._dialects._messages._dialect import Messages as Messages
