"""A guarded chat in one line: scripted models for the answer and for the judge, through the whole engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from handrail import LLMRails, RailsConfig, Registry
from handrail_scripted import ScriptedProvider

PROMPTS = {
    "self_check_input": "User: {{ user_input }}\nShould it be blocked (yes or no)?",
    "self_check_output": "User: {{ user_input }}\nBot: {{ bot_response }}\nShould it be blocked (yes or no)?",
    "self_check_facts": "Evidence: {{ evidence }}\nHypothesis: {{ response }}\nEntails:",
}


@dataclass
class Guarded:
    """A guarded chat with the two models behind it."""

    rails: LLMRails
    main: ScriptedProvider
    judge: ScriptedProvider

    @property
    def asked(self) -> list[str]:
        """What the judge was asked, each time as one text."""
        return ["\n".join(message["content"] for message in call.messages) for call in self.judge.calls]


Build = Callable[..., Guarded]


def configuration(task: str, **changes: Any) -> dict[str, Any]:
    """Make a configuration with one rail; `prompt` and `settings` change its prompt and its settings."""
    flow = task.replace("_", " ")
    direction = "input" if task == "self_check_input" else "output"
    prompt = {"task": task, "content": PROMPTS[task]} | changes.get("prompt", {})
    return {
        "models": [
            {"type": "main", "engine": "chat", "model": "large"},
            {"type": task, "engine": "double", "model": "small", "parameters": changes.get("parameters", {})},
        ],
        "prompts": changes.get("prompts", [{key: value for key, value in prompt.items() if value is not None}]),
        "rails": {
            direction: {"flows": [changes.get("flow", flow)]},
            "config": {flow: changes.get("settings", {})},
        },
    } | changes.get("top", {})


@pytest.fixture
def build() -> Build:
    """Build a guarded chat: `build("self_check_output", judge=["no"], answer="Hello.", prompt={...})`."""

    def make(
        task: str = "self_check_output",
        *,
        judge: Sequence[str] | ScriptedProvider = ("no",),
        answer: str = "All is well.",
        **changes: Any,
    ) -> Guarded:
        main = ScriptedProvider.from_texts(answer)
        double = judge if isinstance(judge, ScriptedProvider) else ScriptedProvider.from_texts(*judge)
        config = configuration(task, **changes)
        config["rails"].setdefault("output", {})["streaming"] = {"enabled": True}
        registry = Registry.discover().with_plugins(main.as_plugin("chat"), double.as_plugin("double"))
        return Guarded(LLMRails(RailsConfig.from_content(config=config), registry=registry), main, double)

    return make
