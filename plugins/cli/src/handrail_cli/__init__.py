"""The `handrail` command, and what shows answers in it, for programs that want to show them in the same way.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handrail_cli._answer import Answer as Answer
    from handrail_cli._answer import View as View
    from handrail_cli._answer import show_answer as show_answer
    from handrail_cli._chat import chat as chat
    from handrail_cli._errors import print_error as print_error
    from handrail_cli._exit import ExitCode as ExitCode
    from handrail_cli._json_lines import JsonLines as JsonLines
    from handrail_cli._notes import Notes as Notes
    from handrail_cli._notes import notes_console as notes_console
    from handrail_cli._screen import Screen as Screen
    from handrail_cli._visible import visible as visible

_HOMES = {
    "_answer": ("Answer", "View", "show_answer"),
    "_chat": ("chat",),
    "_errors": ("print_error",),
    "_exit": ("ExitCode",),
    "_json_lines": ("JsonLines",),
    "_notes": ("Notes", "notes_console"),
    "_screen": ("Screen",),
    "_visible": ("visible",),
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names}

__version__ = "0.1.0"
__all__ = sorted([*_MODULES, "__version__"])  # noqa: PLE0605  # built from the one table above


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
