"""Configurations with models that judge, which a test scripts."""

from __future__ import annotations

import pytest
from handrail import LLMRails, RailsConfig

SAFE = '{"User Safety": "safe", "Response Safety": "safe"}'
UNSAFE = '{"User Safety": "unsafe", "Response Safety": "unsafe", "Safety Categories": "Violence"}'


def scripted(kind, *answers, default):
    parameters = {"answers": [*answers, {"text": default}]}
    return {"type": kind, "engine": "scripted", "model": kind, "parameters": parameters}


@pytest.fixture
def content_safety():
    """Return a configuration of the content safety rails; the judge finds bombs unsafe."""
    prompt = "Say in JSON whether this is safe. User: {{ user_input }}"
    return {
        "models": [
            scripted("main", {"contains": "bomb", "text": "A bomb needs"}, default="The moon pulls the sea."),
            scripted("guard", {"contains": "bomb", "text": UNSAFE}, default=SAFE),
        ],
        "prompts": [
            {"task": "content_safety_check_input $model=guard", "content": prompt, "output_parser": "user_safety"},
            {
                "task": "content_safety_check_output $model=guard",
                "content": f"{prompt} Bot: {{{{ bot_response }}}}",
                "output_parser": "nemoguard_parse_response_safety",
            },
        ],
    }


@pytest.fixture
def make():
    """Make `LLMRails` of a configuration and flows."""

    def make(config, *, input_=(), output=()):
        rails = {"input": {"flows": list(input_)}, "output": {"flows": list(output), "streaming": {"enabled": True}}}
        return LLMRails(RailsConfig.from_content(config={**config, "rails": rails}))

    return make
