"""The tasks for which a model is asked."""

from __future__ import annotations

from enum import StrEnum


class Task(StrEnum):
    """A task, as prompts and models name it."""

    GENERAL = "general"
    GENERATE_USER_INTENT = "generate_user_intent"
    GENERATE_BOT_MESSAGE = "generate_bot_message"
    SELF_CHECK_INPUT = "self_check_input"
    SELF_CHECK_OUTPUT = "self_check_output"
    SELF_CHECK_FACTS = "self_check_facts"
    SELF_CHECK_HALLUCINATION = "self_check_hallucination"
    LLAMA_GUARD_CHECK_INPUT = "llama_guard_check_input"
    LLAMA_GUARD_CHECK_OUTPUT = "llama_guard_check_output"
    PATRONUS_LYNX_CHECK_OUTPUT_HALLUCINATION = "patronus_lynx_check_output_hallucination"


__all__ = ["Task"]
