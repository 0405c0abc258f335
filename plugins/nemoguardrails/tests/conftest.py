"""A configuration whose model says what a test wants."""

from __future__ import annotations

import pytest

JUDGE = "Is this harmful? Answer yes or no. {{ bot_response }}"


@pytest.fixture
def nothing_registered():
    """Leave no engine registered, for that table belongs to the process."""
    from nemoguardrails.plugin import registered

    yield
    registered.clear()


@pytest.fixture(scope="session")
def settings():
    """Make a configuration's values: a scripted model, and output rails of the given flows."""

    def make(answer="The moon pulls the sea.", *, flows=("self check output",), judge="no", **streaming):
        return {
            "models": [
                {
                    "type": "main",
                    "engine": "scripted",
                    "parameters": {"answers": [{"text": answer, "chunking": "word"}]},
                },
                {"type": "self_check_output", "engine": "scripted", "parameters": {"answers": [judge]}},
            ],
            "rails": {"output": {"flows": list(flows), "streaming": {"enabled": True, **streaming}}},
            "prompts": [{"task": "self_check_output", "content": JUDGE}],
        }

    return make
