"""A model that exists already, as the class that `register_llm_provider` expects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def get_llm_instance_wrapper(llm_instance: object, llm_type: str) -> Callable[..., object]:
    """Return a function that always returns this model; `llm_type` is kept for existing code."""
    del llm_type

    def give(**parameters: Any) -> object:  # noqa: ARG001  # the model has its parameters already
        return llm_instance

    return give
