"""Models that this process has loaded: one of each, for as long as a rail asks it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary


class Loaded:
    """A model that rails of several configurations and event loops may ask.

    Attributes:
        model: what was loaded.
        turn: to be held while it computes.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.turn = threading.Lock()


_kept: WeakValueDictionary[Hashable, Loaded] = WeakValueDictionary()
_loading = threading.Lock()


def loaded(place: str, how: Hashable, load: Callable[[], Any]) -> Loaded:
    """Return the model that is loaded from a place in this way; load it, if none is or its files have changed.

    Raises:
        Exception: what `load` raises.
    """
    key = (place, how, _state(Path(place)))
    with _loading:
        kept = _kept.get(key)
        if kept is None:
            kept = _kept[key] = Loaded(load())
        return kept


def _state(folder: Path) -> Hashable:
    """Return what tells one state of a folder from another; nothing for the name of a model elsewhere."""
    if not folder.is_dir():
        return None
    found = ((file.name, file.stat()) for file in sorted(folder.iterdir()) if file.is_file())
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in found)
