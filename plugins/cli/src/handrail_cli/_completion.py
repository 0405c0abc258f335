"""`handrail completion`."""

from __future__ import annotations

import sys
from typing import Literal

from cyclopts import App
from handrail import Registry
from handrail.errors import HandrailError
from handrail.plugins import CommandSpec

from handrail_cli.app import HELP, add_command

Shell = Literal["bash", "zsh", "fish"]
# The library's script only defines a function. zsh runs a file `_handrail` of $fpath as the completer itself, so it has
# to call that function; elsewhere the function is registered.
_CALLED_BY_ZSH = """
if [[ $funcstack[1] == _handrail ]]; then
  _cyclopts_handrail "$@"
else
  compdef _cyclopts_handrail handrail
fi
"""


def completion(shell: Shell, /) -> int:
    """Write a script that completes commands, options and files in a shell.

    bash: eval "$(handrail completion bash)" in ~/.bashrc

    zsh: eval "$(handrail completion zsh)" in ~/.zshrc, after compinit;
    or handrail completion zsh > _handrail in a folder of $fpath

    fish: handrail completion fish > ~/.config/fish/completions/handrail.fish

    Write it again after installing a package that adds commands.

    Args:
        shell: Which shell.
    """
    sys.stdout.write(script(shell, Registry.discover()))
    return 0


def script(shell: Shell, registry: Registry) -> str:
    """Return the script for every command that can be used; a broken one is left out, for nobody can run it."""
    app = App(name="handrail", help=HELP, help_format="plaintext")
    for name in registry.names(CommandSpec):
        try:
            add_command(app, registry, name)
        except HandrailError:
            continue  # `handrail plugins` says why
    return app.generate_completion(shell=shell) + (_CALLED_BY_ZSH if shell == "zsh" else "")
