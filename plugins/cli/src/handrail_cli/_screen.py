"""Shows answers to a person: the text on one stream, everything else beside it on another."""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING, TextIO

from handrail import Blocked, Finished, RailFailed, ReasoningDelta, Retraction, TextDelta, ToolCallDelta
from handrail.errors import message_of

from handrail_cli._answer import WAITING_TICK
from handrail_cli._details import detail_lines
from handrail_cli._notes import Notes
from handrail_cli._page import Page
from handrail_cli._visible import visible

if TYPE_CHECKING:
    from handrail import Event

    from handrail_cli._answer import Answer

_TAB = "    "
_FRAMES = "|/-\\"  # every terminal and every font has these


class Screen:
    """Writes text as it is released, and notes about it.

    The text goes to `output` alone, so that redirecting it gives the answer and nothing else. Nothing in it is
    interpreted: neither markup nor control characters.

    Args:
        output: where text goes; the process's output by default.
        notes: where everything else goes; the error stream by default.
        verbose: whether checks, tokens and times follow each answer.
    """

    def __init__(self, output: TextIO | None = None, notes: Notes | None = None, *, verbose: bool = False) -> None:
        self.verbose = verbose
        self._output = sys.stdout if output is None else output
        self._notes = notes or Notes()
        self._terminal = self._output.isatty() and os.environ.get("TERM") != "dumb"
        self._text = ""  # of this answer, as it was delivered and not withdrawn
        self._page = Page()
        self._page_start = 0  # the first character that stands on the page; behind what precedes it, a note was written
        self._line_is_open = False
        self._thinking = False
        self._tool_calls: dict[int, tuple[str, str]] = {}

    def begin(self) -> None:
        """Start a new answer."""
        self._text = ""
        self._tool_calls = {}
        self._turn_page()

    def show(self, event: Event) -> None:
        """Show what was delivered."""
        if isinstance(event, TextDelta):
            self._show_text(event.text)
        elif isinstance(event, ReasoningDelta):
            self._show_reasoning(event.text)
        elif isinstance(event, ToolCallDelta):
            name, arguments = self._tool_calls.get(event.index, ("", ""))
            self._tool_calls[event.index] = (event.name or name, arguments + event.arguments)
        elif isinstance(event, Retraction):
            self._withdraw(event)
        elif isinstance(event, Finished):
            self._finish(event)
        elif isinstance(event, Blocked | RailFailed):
            self._show_stop(event)

    def fail(self, error: Exception) -> None:
        """Show that the model failed, which is neither a refusal nor a failure of a rail."""
        from handrail import HandrailError

        text = message_of(error) if isinstance(error, HandrailError) else f"{type(error).__name__}: {message_of(error)}"
        self._note("model error", f"{text}{_where(error)}", "yellow")
        if self.verbose and not isinstance(error, HandrailError):
            self._notes.plain("".join(traceback.format_exception(error)).rstrip(), "dim")

    def wait(self, held: int, seconds: float) -> None:
        """Show what an answer that has not begun to appear waits for, on a terminal only."""
        if self._line_is_open or not self._notes.has_status:
            return
        frame = _FRAMES[int(seconds / WAITING_TICK) % len(_FRAMES)]
        what = f"{held} characters held until the rails have checked them" if held else "waiting for the first words"
        self._notes.status(f"{frame} {what}, {seconds:.1f} s")

    def stop(self) -> None:
        """Show that the answer was stopped."""
        self._note("stopped", "You stopped the answer.", "cyan")

    def end(self, answer: Answer) -> None:
        """Close the answer."""
        self._notes.clear()
        self._close_line()
        if self.verbose:
            for line in detail_lines(answer):
                self._notes.plain(line, "dim")

    def note(self, text: str) -> None:
        """Show a note that is no part of any answer."""
        self._close_line()
        self._notes.plain(text, "dim")

    def _show_text(self, text: str) -> None:
        if self._thinking:
            self._close_line()
        self._text += text
        self._write(self._page.feed(self._as_written(text)) if self._terminal else self._as_written(text))

    def _write(self, written: str) -> None:
        if written:
            self._notes.clear()
            self._output.write(written)
            self._output.flush()
            self._line_is_open = self._page.line_is_open if self._terminal else not written.endswith("\n")

    def _show_reasoning(self, text: str) -> None:
        if not self._thinking:
            self._close_line()
        self._thinking = self._line_is_open = True
        self._turn_page()
        self._notes.piece(text, "dim italic")

    def _withdraw(self, event: Retraction) -> None:
        count = event.end - event.start
        what = "the answer" if event.channel == "text" else event.channel.replace("_", " ")
        if event.channel == "text":
            erased = self._erase(event.start)
            self._text = self._text[: event.start]
            how = "were erased again" if erased else "must be disregarded"
        else:
            how = "must be disregarded"
        self._note("withdrawn", f"{count} characters of {what} that had been shown {how}.", "magenta")

    def _erase(self, start: int) -> bool:
        """Take text from the screen from this character on; tell whether it could be done."""
        if not self._terminal or start < self._page_start:
            return False
        sequence = self._page.erase(len(self._as_written(self._text[self._page_start : start])))
        self._write(sequence or "")
        return sequence is not None

    def _finish(self, event: Finished) -> None:
        for name, arguments in self._tool_calls.values():
            self._note("tool call", f"{name}({arguments})", "blue")
        if not self._text and not self._tool_calls:
            self._note("empty", "The model returned an empty answer.", "cyan")
        elif event.finish_reason == "length":
            self._note("cut", "The answer has reached its limit of tokens.", "cyan")

    def _show_stop(self, event: Blocked | RailFailed) -> None:
        what = "your message" if event.direction == "input" else "the answer"
        if isinstance(event, Blocked):
            category = f" ({event.category})" if event.category else ""
            reason = f": {event.reason}" if event.reason else ""
            text, tag, style = f"The rail {event.rail!r} refused {what}{category}{reason}", "blocked", "red"
        else:
            late = "did not answer in time" if event.timed_out else "failed"
            text = f"The rail {event.rail!r} {late}, so {what} was not let through: {event.error}"
            tag, style = "rail failed", "magenta"
        instead = f"\n{event.message}" if event.message and not self._text else ""
        self._note(tag, text + instead, style)

    def _note(self, tag: str, text: str, style: str) -> None:
        self._close_line()
        self._notes.tagged(tag, text, style)
        self._turn_page()

    def _turn_page(self) -> None:
        self._page, self._page_start = Page(), len(self._text)

    def _close_line(self) -> None:
        """End the line that text or reasoning has left open."""
        if self._line_is_open and self._thinking:
            self._notes.plain("")
        elif self._line_is_open:
            self._output.write("\n")
            self._output.flush()
        self._line_is_open = self._thinking = False

    def _as_written(self, text: str) -> str:
        text = visible(text)
        return text.replace("\t", _TAB) if self._terminal else text


def _where(error: Exception) -> str:
    """Write what a provider's error says of the request, for its support."""
    named = (("status", "HTTP status"), ("code", "code"), ("request_id", "request"), ("retry_after", "retry after"))
    known = [f"{label} {value}" for name, label in named if (value := getattr(error, name, None)) is not None]
    return f" ({', '.join(known)})" if known else ""
