"""The loop of a chat: read a line, obey it if it is a command, else ask."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from handrail import ConfigurationError

from handrail_cli._exit import ExitCode
from handrail_cli._terminal import echo_off
from handrail_cli._variables import shown, variables_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from handrail_cli._interrupt import Runner
    from handrail_cli._json_lines import JsonLines
    from handrail_cli._reading import Reader
    from handrail_cli._screen import Screen
    from handrail_cli._session import Session

HELP = """\
/help     show this list
/reset    forget the conversation so far
/set      NAME=TEXT, NAME=@FILE or NAME:=JSON sets a context variable; alone, lists their names
/verbose  show checks, tokens and times after each answer, or hide them again
/exit     leave; so do Ctrl-D and Ctrl-C pressed twice
Ctrl-C stops an answer. To send a message that begins with a slash, put a space before it."""


class Loop:
    """Reads and answers until the person leaves or the input ends.

    Args:
        session: the conversation.
        view: where it is shown.
        reader: where lines come from.
        runner: runs answers so that Ctrl-C can stop them.
    """

    def __init__(self, session: Session, view: Screen | JsonLines, reader: Reader, runner: Runner) -> None:
        self._session = session
        self._view = view
        self._reader = reader
        self._runner = runner
        self._worst = ExitCode.OK
        self._interrupted = False  # by the key that was pressed last
        self._commands: Mapping[str, Callable[[], None]] = {
            "/help": lambda: self._view.note(HELP),
            "/reset": self._reset,
            "/set": self._list_variables,
            "/verbose": self._toggle_verbose,
        }

    def run(self) -> ExitCode:
        """Chat.

        Returns:
            INTERRUPTED if Ctrl-C ended it, else OK or the code of the last answer that was not complete.

        Raises:
            StuckError: Ctrl-C was pressed twice, and the model does not let itself be stopped.
        """
        while True:
            try:
                line = self._reader.read()
            except EOFError:
                return self._worst
            except KeyboardInterrupt:
                if self._interrupt():
                    return ExitCode.INTERRUPTED
                continue
            self._interrupted = False
            if line.strip() in {"/exit", "/quit"}:
                return self._worst
            self._obey_or_ask(line)

    def _interrupt(self) -> bool:
        """Handle Ctrl-C at the prompt; return whether it was the second in a row."""
        if self._reader.dropped:
            return False
        if self._interrupted:
            return True
        self._interrupted = True
        self._view.note("Press Ctrl-C again to leave.")
        return False

    def _obey_or_ask(self, line: str) -> None:
        message = line.strip()
        if not message:
            return
        if not line.startswith("/"):
            self._ask(message)
        elif (command := self._commands.get(message)) is not None:
            command()
        elif message.startswith("/set "):
            self._set(message.removeprefix("/set ").strip())
        else:
            self._view.note(f"There is no command {message.split()[0]!r}.\n{HELP}")

    def _ask(self, message: str) -> None:
        with echo_off():
            answer = self._runner.run(partial(self._session.ask, message))
        if answer is None:
            self._interrupted = True
        elif answer.code is not ExitCode.OK:
            self._worst = answer.code

    def _reset(self) -> None:
        self._session.forget()
        self._view.note("The conversation starts over.")

    def _set(self, written: str) -> None:
        try:
            self._session.variables.update(variables_of([written]))
        except ConfigurationError as error:
            self._view.note(str(error))
        else:
            self._list_variables()

    def _list_variables(self) -> None:
        self._view.note(f"Context variables: {shown(self._session.variables)}.")

    def _toggle_verbose(self) -> None:
        self._view.verbose = not self._view.verbose
        self._view.note(f"Checks, tokens and times are {'shown' if self._view.verbose else 'no longer shown'}.")
