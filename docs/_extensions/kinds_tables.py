"""The directive `kinds`: a table of the kinds of values that a rail of handrail-patterns knows, made from its code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module

from docutils import nodes
from handrail_patterns._kind import Kind
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Kinds(SphinxDirective):
    """`{kinds} package.module:NAME`: the kinds of that sequence, each with its form and what is verified."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        module, _, name = self.arguments[0].partition(":")
        return self.parse_text_to_nodes("\n".join(lines(getattr(import_module(module), name))))


def lines(kinds: Sequence[Kind]) -> Iterator[str]:
    """Yield the lines of the table in Markdown."""
    yield "| kind | what it is | form | verified | word before it |"
    yield "|---|---|---|---|---|"
    for kind in kinds:
        cells = (f"`{kind.name}`", kind.summary, kind.form, kind.checksum, _word(kind))
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _word(kind: Kind) -> str:
    needed = [way.near is not None for way in kind.ways]
    if not any(needed):
        return "never"
    return "always" if all(needed) else "for some forms"


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive to Sphinx."""
    app.add_directive("kinds", Kinds)
    return {"parallel_read_safe": True}
