"""One configuration loads a model once, however many of its entries name it."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from handrail_huggingface._loading import LazyModel

_lock = threading.Lock()
_by_configuration: dict[int, dict[str, LazyModel]] = {}
"""What the living configurations share. The provider contract knows no other place that belongs to a configuration."""


def shared_model(config: object, key: str, make: Callable[[], LazyModel]) -> LazyModel:
    """Return the model that this configuration has under this key, or make it."""
    with _lock:
        if id(config) not in _by_configuration:
            _by_configuration[id(config)] = {}
            weakref.finalize(config, _by_configuration.pop, id(config), None)
        models = _by_configuration[id(config)]
        if key not in models:
            models[key] = make()
        return models[key]
