"""The `handrail` command, and what shows answers in it, for programs that want to show them in the same way.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_cli._answer import Answer as Answer
    from handrail_cli._answer import View as View
    from handrail_cli._answer import WaitingView as WaitingView
    from handrail_cli._answer import show_answer as show_answer
    from handrail_cli._chat import chat as chat
    from handrail_cli._errors import print_error as print_error
    from handrail_cli._exit import ExitCode as ExitCode
    from handrail_cli._json_lines import JsonLines as JsonLines
    from handrail_cli._log import flush_log as flush_log
    from handrail_cli._log import log_to_stderr as log_to_stderr
    from handrail_cli._notes import Notes as Notes
    from handrail_cli._notes import notes_console as notes_console
    from handrail_cli._screen import Screen as Screen
    from handrail_cli._visible import visible as visible

_HOMES = {
    "_answer": ("Answer", "View", "WaitingView", "show_answer"),
    "_chat": ("chat",),
    "_errors": ("print_error",),
    "_exit": ("ExitCode",),
    "_json_lines": ("JsonLines",),
    "_log": ("flush_log", "log_to_stderr"),
    "_notes": ("Notes", "notes_console"),
    "_screen": ("Screen",),
    "_visible": ("visible",),
}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
