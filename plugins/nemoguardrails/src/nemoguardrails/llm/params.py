"""Parameters of a model for the requests of a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from handrail_colang import ActionModel


@contextmanager
def llm_params(llm: Any, **params: Any) -> Iterator[Any]:
    """Ask a model with other parameters inside a `with`: the `llm` of an action, or whatever has such attributes.

    Raises:
        AttributeError: it is no `llm` of an action and has no attribute of the name of a parameter.
    """
    if isinstance(llm, ActionModel):
        before, llm.params = llm.params, {**llm.params, **params}
        try:
            yield llm
        finally:
            llm.params = before
        return
    kept = {name: getattr(llm, name) for name in params}
    try:
        for name, value in params.items():
            setattr(llm, name, value)
        yield llm
    finally:
        for name, value in kept.items():
            setattr(llm, name, value)


__all__ = ["llm_params"]
