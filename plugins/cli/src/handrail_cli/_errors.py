"""Errors as a person reads them: what is wrong, and no traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail_cli._notes import notes_console
from handrail_cli._packages import problems_of
from handrail_cli._visible import visible

if TYPE_CHECKING:
    from handrail.errors import HandrailError


def print_error(error: HandrailError) -> None:
    """Write an error to the error stream. Lines that begin with a place keep their beginning, as editors expect it."""
    from rich.text import Text

    problems = problems_of(error)
    console = notes_console()
    if len(problems) > 1:
        console.print(Text(f"handrail: {len(problems)} problems", "red bold"))
    else:
        console.print(Text("handrail: ", "red bold"), end="")
    for problem in problems:
        console.print(Text(visible(problem).rstrip("\n")))
