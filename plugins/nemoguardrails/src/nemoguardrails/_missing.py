"""Names that NVIDIA's classes and modules have and ours have not, with what to use instead."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import NoReturn

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

MODULES = MappingProxyType(
    {
        "colang": "RailsConfig reads Colang, and 'nemoguardrails check' says what of it is followed",
        "embeddings": _EMBEDDINGS,
        "library": "name the rail in rails.input.flows or rails.output.flows, or execute it in a flow",
    }
)
_NAMES = MappingProxyType(
    {
        "app": "create one, as create_app(settings(config='path/to/config'))",
        "explain_info_var": "use LLMRails.explain()",
        "get_or_create_event_loop": "use asyncio.run()",
        "llm_response_metadata_var": "ask with options, and read llm_metadata of the response",
        "llm_stats_var": "ask for the log with options, and read its stats",
        "raw_llm_request": "an action that takes 'events' or 'context' gets what was said",
        "reasoning_trace_var": "ask with options, and read reasoning_content of the response",
        "tool_calls_var": "ask with options, and read tool_calls of the response",
    }
)


def no_module(name: str) -> ImportError:
    """Return the error of a package of NVIDIA's that is not here."""
    return ImportError(f"{name} is not part of Handrail; {MODULES[name.rpartition('.')[2]]}", name=name)


def names_of(module: str) -> Callable[[str], NoReturn]:
    """Return the `__getattr__` of a module, which says what to use in place of a name that it lacks."""

    def missing(name: str) -> NoReturn:
        said = f"module {module!r} has no attribute {name!r}"
        if name in _NAMES:
            raise ImportError(f"{said}; {_NAMES[name]}", name=module)
        raise AttributeError(said)

    return missing


def no_filter(name: str) -> str:
    """Return the message for a filter for prompts."""
    return f"the filter {name!r} is not supported; make its result a variable with register_prompt_context"


def without(owner: str, name: str) -> str:
    """Return the message of an `AttributeError` for an attribute that an object of the class lacks."""
    said = f"{owner!r} object has no attribute {name!r}"
    return f"{said}; {INSTEAD[name]}" if name in INSTEAD else said
