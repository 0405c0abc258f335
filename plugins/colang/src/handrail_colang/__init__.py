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

_HOMES = {
    "_asking": ("ActionModel", "TaskManager", "llm_call", "llm_call_info_var"),
    "_calls": ("CallVariables", "call_variables"),
    "_dialogs": ("Dialogs", "dialogs_of_program"),
    "_outcomes": ("ActionResult", "RailDecision", "RailOutcome", "TransformSpec", "TransformTarget", "action"),
    "_own": ("action_in_place",),
    "_rails": ("ColangRail", "action_rail", "defined_flows"),
}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
