"""Rails written in Colang 1.0, and what their custom actions are made of.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_colang._asking import ActionModel as ActionModel
    from handrail_colang._asking import TaskManager as TaskManager
    from handrail_colang._asking import llm_call as llm_call
    from handrail_colang._asking import llm_call_info_var as llm_call_info_var
    from handrail_colang._calls import CallVariables as CallVariables
    from handrail_colang._calls import call_variables as call_variables
    from handrail_colang._dialogs import Dialogs as Dialogs
    from handrail_colang._dialogs import dialogs_of_program as dialogs_of_program
    from handrail_colang._executed import with_actions as with_actions
    from handrail_colang._outcomes import ActionResult as ActionResult
    from handrail_colang._outcomes import RailDecision as RailDecision
    from handrail_colang._outcomes import RailOutcome as RailOutcome
    from handrail_colang._outcomes import TransformSpec as TransformSpec
    from handrail_colang._outcomes import TransformTarget as TransformTarget
    from handrail_colang._outcomes import action as action
    from handrail_colang._own import action_in_place as action_in_place
    from handrail_colang._rails import ColangRail as ColangRail
    from handrail_colang._rails import action_rail as action_rail
    from handrail_colang._rails import defined_flows as defined_flows
    from handrail_colang._rails import defined_messages as defined_messages
    from handrail_colang._said import get_colang_history as get_colang_history
    from handrail_colang._said import get_first_nonempty_line as get_first_nonempty_line
    from handrail_colang._said import get_last_bot_utterance_event as get_last_bot_utterance_event
    from handrail_colang._said import get_last_user_utterance as get_last_user_utterance
    from handrail_colang._said import get_last_user_utterance_event as get_last_user_utterance_event
    from handrail_colang._said import get_multiline_response as get_multiline_response
    from handrail_colang._said import get_top_k_nonempty_lines as get_top_k_nonempty_lines
    from handrail_colang._said import strip_quotes as strip_quotes
    from handrail_colang._said import warn_if_truncated as warn_if_truncated
    from handrail_colang._yaml import messages_as_colang as messages_as_colang
    from handrail_colang._yaml import without_steps as without_steps

_HOMES = {
    "_asking": ("ActionModel", "TaskManager", "llm_call", "llm_call_info_var"),
    "_calls": ("CallVariables", "call_variables"),
    "_dialogs": ("Dialogs", "dialogs_of_program"),
    "_executed": ("with_actions",),
    "_outcomes": ("ActionResult", "RailDecision", "RailOutcome", "TransformSpec", "TransformTarget", "action"),
    "_own": ("action_in_place",),
    "_rails": ("ColangRail", "action_rail", "defined_flows", "defined_messages"),
    "_said": (
        "get_colang_history",
        "get_first_nonempty_line",
        "get_last_bot_utterance_event",
        "get_last_user_utterance",
        "get_last_user_utterance_event",
        "get_multiline_response",
        "get_top_k_nonempty_lines",
        "strip_quotes",
        "warn_if_truncated",
    ),
    "_yaml": ("messages_as_colang", "without_steps"),
}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
