"""The Python files of a configuration: custom actions, and `init(app)`."""

from __future__ import annotations

import hashlib
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from handrail.errors import InvalidRailsConfigurationError, message_of

from handrail_colang._outcomes import ACTION_NAME

if TYPE_CHECKING:
    from handrail import RailsConfig


@dataclass(frozen=True, slots=True)
class ConfigCode:
    """What the Python files of one configuration define.

    Attributes:
        actions: functions, and objects with `run`, by name.
        inits: the `init` of each `config.py`, with its file.
    """

    actions: dict[str, Callable[..., Any]] = field(default_factory=dict)
    inits: tuple[tuple[Path, Callable[[Any], object]], ...] = ()

    @classmethod
    def load(cls, config: RailsConfig) -> ConfigCode:
        """Run the files, `config.py` first.

        Raises:
            InvalidRailsConfigurationError: one of them raises; the message has the file and line.
        """
        actions: dict[str, Callable[..., Any]] = {}
        inits: list[tuple[Path, Callable[[Any], object]]] = []
        for file in sorted(config.action_files, key=lambda file: (file.name != "config.py", file.parts)):
            module = _run(file)
            actions.update(_actions(module))
            init = getattr(module, "init", None)
            if file.name == "config.py" and callable(init):
                inits.append((file, init))
        return cls(actions, tuple(inits))

    def initialise(self, app: object) -> None:
        """Call every `init` with what it may register on.

        Raises:
            InvalidRailsConfigurationError: one of them raises; the message has the file and line.
        """
        for file, init in self.inits:
            try:
                init(app)
            except Exception as exc:
                raise _failed(file, "init(app)", exc) from exc


def _run(file: Path) -> ModuleType:
    digest = hashlib.sha256(str(file).encode()).hexdigest()[:12]
    name = f"_handrail_config_{digest}_{file.stem}"
    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise InvalidRailsConfigurationError(f"{file}: it cannot be imported")
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look a class's module up there
    try:
        spec.loader.exec_module(module)
    except Exception as exc:
        del sys.modules[name]
        raise _failed(file, "it", exc) from exc
    return module


def _failed(file: Path, what: str, exc: Exception) -> InvalidRailsConfigurationError:
    lines = [frame.lineno for frame in traceback.extract_tb(exc.__traceback__) if frame.filename == str(file)]
    line = exc.lineno if isinstance(exc, SyntaxError) else (lines[-1] if lines else 1)
    return InvalidRailsConfigurationError(
        f"{file}:{line or 1}:1: {what} raised {type(exc).__name__}: {message_of(exc)}"
    )


def _actions(module: ModuleType) -> Iterator[tuple[str, Callable[..., Any]]]:
    for value in vars(module).values():
        meta = getattr(value, ACTION_NAME, None)
        if isinstance(meta, dict) and "name" in meta:
            yield str(meta["name"]), _method(value) if inspect.isclass(value) else value


def _method(action: Any) -> Callable[..., Any]:
    """Return what an action that is a class does: its `run`."""
    run: Callable[..., Any] = action().run
    return run
