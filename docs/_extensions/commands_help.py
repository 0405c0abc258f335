"""The directive `command-help`: what a command says of itself with `--help`."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout

from docutils import nodes
from handrail_cli.app import run
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)


class CommandHelp(SphinxDirective):
    """`{command-help} chat`, or without an argument the help of `handrail` itself."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the help as it is printed."""
        text = help_of(*self.arguments)
        return [nodes.literal_block(text, text, language="text")]


def help_of(*command: str) -> str:
    """Return the help of a command; of a word of its own, if it is a group of them."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        run([*" ".join(command).split(), "--help"])
    return _TRAILING.sub("", printed.getvalue()).strip()


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive to Sphinx."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True}
