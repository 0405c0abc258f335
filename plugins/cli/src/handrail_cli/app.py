"""The command `handrail`: finds every installed subcommand, and imports only the one that is used."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from cyclopts import App
from handrail import Registry
from handrail.errors import HandrailError, PluginConflictError
from handrail.plugins import CommandSpec

from handrail_cli._exit import ExitCode
from handrail_cli._usage import usage_error

if TYPE_CHECKING:
    from collections.abc import Sequence

_NEVER_IMPORTED = "handrail_cli:unused"  # stands in for commands that are only listed
_CANNOT_WRITE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
HELP = "Guardrails for language models that stream: nothing unchecked is delivered."


def main() -> None:
    """Run the command line of this process."""
    if sys.stdout is None:  # closed by whoever started the process
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # until the process ends
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        # A text that the terminal's encoding does not have must not end a chat.
        if (reconfigure := getattr(stream, "reconfigure", None)) is not None:
            reconfigure(errors="replace" if stream is sys.stdin else "backslashreplace")
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python fails once more as it exits
        code = ExitCode.OUTPUT_CLOSED
    except OSError as error:
        if error.errno not in _CANNOT_WRITE:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.stderr.write(f"handrail: the output cannot be written: {error.strerror}\n")
        code = ExitCode.OUTPUT_FAILED
    sys.exit(code)


def run(arguments: Sequence[str], registry: Registry | None = None) -> int:
    """Run a command line.

    Args:
        arguments: the words after `handrail`.
        registry: what is installed; by default whatever is found.

    Returns:
        The exit code.

    Raises:
        SystemExit: the words do not fit the command; what is wrong was written to the error stream.
    """
    try:
        registry = registry or Registry.discover()
        if not arguments:
            from handrail_cli._welcome import welcome

            return welcome(registry)
        app = build_app(registry, used=arguments[0])
        result = app(list(arguments), result_action="return_value", error_formatter=usage_error)
    except HandrailError as error:
        from handrail_cli._errors import print_error

        print_error(error)
        return ExitCode.USAGE
    return result if isinstance(result, int) else ExitCode.OK


def build_app(registry: Registry, used: str) -> App:
    """Return the command line with every subcommand that is installed.

    Args:
        registry: what is installed.
        used: the subcommand that is about to run, which alone is imported.

    Raises:
        ConfigurationError: there is no such subcommand.
        PluginError: its plugin cannot be imported, or two plugins offer it.
    """
    app = App(name="handrail", help=HELP, version=_versions, help_format="plaintext")
    if used and not used.startswith("-"):
        add_command(app, registry, used)
    for name in registry.names(CommandSpec):
        if name != used:
            app.command(_NEVER_IMPORTED, name=name, help=summary(registry, name))
    return app


def add_command(app: App, registry: Registry, name: str) -> None:
    """Import a subcommand and add it.

    Raises:
        ConfigurationError: there is no such subcommand.
        PluginError: its plugin cannot be imported, or two plugins offer it.
    """
    offer = registry.command(name)
    command = cast("Any", offer.load())
    documented = isinstance(command, App) or bool(command.__doc__)
    app.command(command, name=name, **({} if documented else {"help": offer.spec.summary}))


def summary(registry: Registry, name: str) -> str:
    """Return the line of a subcommand in a list, without importing it."""
    try:
        return registry.command(name).spec.summary
    except PluginConflictError as error:
        return f"Cannot be used: {error}"


def _versions() -> str:
    from handrail_cli._plugins import version_lines

    return "\n".join(version_lines(Registry.discover()))


if __name__ == "__main__":
    main()
