"""Attributes that NVIDIA's classes have and ours have not, with what to use instead."""

from __future__ import annotations

from types import MappingProxyType

_EVENTS = "use generate_events(), which returns what the bot does after the given events"
_MODEL = "use update_llm() to change the model and explain() to see what it was asked"
_EMBEDDINGS = "examples of user messages are matched by their words and by the model, without embeddings"
_ACTIONS = "use register_action() to add an action, and call your function itself to run it"

INSTEAD = MappingProxyType(
    {
        "process_events": _EVENTS,
        "process_events_async": _EVENTS,
        "events_history_cache": "no events are kept between calls; pass the messages, or the state of the last call",
        "llm_generation_actions": _MODEL,
        "passthrough_fn": "pass a provider or a LangChain model that does the work as LLMRails(config, llm=...)",
        "default_embedding_model": _EMBEDDINGS,
        "register_embedding_provider": _EMBEDDINGS,
        "register_embedding_search_provider": _EMBEDDINGS,
        "action_dispatcher": _ACTIONS,
        "llm_task_manager": "an action has it as its parameter llm_task_manager",
        "flow_configs": "the configuration's flows are config.rails.input.flows and config.rails.output.flows",
    }
)


def without(owner: str, name: str) -> str:
    """Return the message of an `AttributeError` for an attribute that an object of the class lacks."""
    said = f"{owner!r} object has no attribute {name!r}"
    return f"{said}; {INSTEAD[name]}" if name in INSTEAD else said
