"""The command `nemoguardrails`: Handrail's commands under the words that people have in their scripts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import handrail
from handrail import Registry
from handrail.plugins import CommandSpec, ProviderSpec, hookimpl
from handrail_cli import app

from nemoguardrails import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

_HELP = """usage: nemoguardrails COMMAND

  chat [PATH | --config PATH] [--streaming] [--verbose]   chat with a guarded model
  server [--config PATH] [--port 8000] [--default-config-id ID] [--auto-reload] [--prefix P]
                                                          serve guarded models over HTTP
  check PATH                                              say what of a configuration can be used
  find-providers                                          list the engines of models
  --version                                               say what is installed"""


_ELSEWHERE = {
    "convert": "Colang 1.0 is what is read here; 'check PATH' lists what of a configuration cannot be used",
    "actions-server": "actions run in the process of the rails; put them into actions.py, or call register_action",
    "eval": "install handrail-eval, whose command it is",
}


def main() -> None:
    """Run the command line of this process; commands that are not named here are those of `handrail`."""
    command, registry = sys.argv[1] if len(sys.argv) > 1 else "--help", Registry.discover()
    if command in {"--version", "-v"}:
        sys.stdout.write(f"handrail-nemoguardrails {__version__}, handrail {handrail.__version__}\n")
    elif command in {"--help", "-h"}:
        sys.stdout.write(f"{_HELP}\n")
    elif command == "find-providers":
        sys.stdout.write("\n".join(registry.names(ProviderSpec)) + "\n")
    elif command in _ELSEWHERE and command not in registry.names(CommandSpec):
        sys.stderr.write(f"nemoguardrails {command} is not supported: {_ELSEWHERE[command]}\n")
        sys.exit(2)
    elif command == "server":
        sys.exit(app.run(sys.argv[1:], registry.without(["server"]).with_plugins(Commands())))
    else:
        app.main()


class Commands:
    """Offers the server as clients of the original know it, in place of Handrail's own."""

    @hookimpl
    def handrail_commands(self) -> Iterator[CommandSpec]:
        """Offer the command."""
        summary = "Serve guarded models as clients of NeMo Guardrails expect it."
        yield CommandSpec("server", "nemoguardrails.server.api:command", summary)


if __name__ == "__main__":
    main()
