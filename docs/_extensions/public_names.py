"""Makes entries of Python's names readable, and finds those that annotations give by a private module."""

from __future__ import annotations

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

PUBLIC = ("handrail", "handrail.plugins", "handrail.config", "handrail.errors", "handrail_testkit", "nemoguardrails")
"""Modules whose names are documented."""


def find(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement) -> nodes.Element | None:
    """Return a link to the public name; plain text for what is no part of this project."""
    if node.get("refdomain") != "py":
        return None
    target = str(node["reftarget"])
    objects = env.domains.python_domain.objects
    name = target.rpartition(".")[2]
    for module in PUBLIC:
        entry = objects.get(f"{module}.{name}")
        if entry is not None and (target.startswith(("handrail", "nemoguardrails")) or "." not in target):
            return _link(app, env, node, content, entry.docname, entry.node_id)
    return None if target.startswith(PUBLIC) and "._" not in target else content


def _link(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement, page: str, anchor: str
) -> nodes.Element:
    uri = app.builder.get_relative_uri(str(node.get("refdoc", env.docname)), page)
    return nodes.reference("", "", content, internal=True, refuri=f"{uri}#{anchor}")


def show_trees(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Let a tree that a docstring draws stand as it is drawn."""
    drawn = [index for index, line in enumerate(lines) if "├──" in line or "└──" in line]
    if drawn:
        first, last = drawn[0] - 1, drawn[-1]
        lines[first : last + 1] = ["::", "", *(f"    {line}" for line in lines[first : last + 1]), ""]


def readable_signature(
    app: Sphinx, what: str, name: str, thing: object, options: object, signature: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """Write a default that is made for each object so that Sphinx can still read the signature."""
    return signature and signature.replace("<factory>", "..."), returned


def name_attributes(app: Sphinx, doctree: nodes.document) -> None:
    """Call attributes what docstrings call them."""
    for field in doctree.findall(nodes.field_name):
        if field.astext() == "Variables":
            field.children = [nodes.Text("Attributes")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the resolver to Sphinx."""
    app.connect("autodoc-process-docstring", show_trees)
    app.connect("autodoc-process-signature", readable_signature)
    app.connect("doctree-read", name_attributes)
    app.connect("missing-reference", find)
    return {"parallel_read_safe": True}
