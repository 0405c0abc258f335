"""Rails that judge safety: the self checks, with the prompts and models that configurations have for these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.errors import InvalidRailsConfigurationError
from handrail_self_check import SelfCheckInput, SelfCheckOutput

from handrail_guard_models._flow import configured, named_model

if TYPE_CHECKING:
    from handrail import RailContext
    from handrail_self_check import SelfCheckSettings

_LLAMA_GUARD = "llama_guard"


class ContentSafetyInput(SelfCheckInput):
    """`content safety check input $model=TYPE`: asks whether what the user writes is safe."""

    def __init__(self, settings: SelfCheckSettings, context: RailContext) -> None:
        super().__init__(settings, _content_safety(context, "self_check_input", "content_safety_check_input"))


class ContentSafetyOutput(SelfCheckOutput):
    """`content safety check output $model=TYPE`: asks whether the answer is safe."""

    def __init__(self, settings: SelfCheckSettings, context: RailContext) -> None:
        super().__init__(settings, _content_safety(context, "self_check_output", "content_safety_check_output"))


class LlamaGuardInput(SelfCheckInput):
    """`llama guard check input`: asks whether what the user writes is safe."""

    def __init__(self, settings: SelfCheckSettings, context: RailContext) -> None:
        super().__init__(settings, _llama_guard(context, "self_check_input", "llama_guard_check_input"))


class LlamaGuardOutput(SelfCheckOutput):
    """`llama guard check output`: asks whether the answer is safe."""

    def __init__(self, settings: SelfCheckSettings, context: RailContext) -> None:
        super().__init__(settings, _llama_guard(context, "self_check_output", "llama_guard_check_output"))


def _content_safety(context: RailContext, task: str, prompt: str) -> RailContext:
    model = named_model(context)
    return context.with_task(task, prompt=f"{prompt} $model={model}", model=model)


def _llama_guard(context: RailContext, task: str, prompt: str) -> RailContext:
    if context.arguments:
        names = ", ".join(f"${name}" for name in context.arguments)
        raise InvalidRailsConfigurationError(f"rail {context.name!r} takes no arguments, and is given {names}")
    return context.with_task(task, prompt=prompt, model=configured(context, _LLAMA_GUARD))
