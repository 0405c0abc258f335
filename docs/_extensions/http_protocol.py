"""The directive `http-protocol`: the server's paths and bodies, made from its own OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docutils import nodes
from handrail_server._openapi import openapi
from handrail_server._settings import ServerSettings
from settings_tables import kind_of
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

_METHODS = ("get", "post", "put", "delete")


class HttpProtocol(SphinxDirective):
    """`{http-protocol}`: each operation with its answers, then each body with its fields."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        document = openapi(ServerSettings(config=Path()))
        text = "\n\n".join([*_operations(document), *_bodies(document)])
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield each operation: method, path, what is said of it."""
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield method.upper(), path, methods[method]


def _operations(document: Mapping[str, Any]) -> Iterator[str]:
    for method, path, operation in operations(document):
        yield f"## {method} {path}"
        yield operation["summary"]
        if "requestBody" in operation:
            kinds = [kind_of(media["schema"], names=True) for media in operation["requestBody"]["content"].values()]
            yield f"Takes {' or '.join(dict.fromkeys(kinds))}, as JSON."
        rows = ["| Status | Answer |", "| --- | --- |"]
        rows += [f"| {status} | {_answer(answer)} |" for status, answer in operation["responses"].items()]
        yield "\n".join(rows)


def _answer(answer: Mapping[str, Any]) -> str:
    described = [
        f"`{media}`: {about['schema'].get('description') or kind_of(about['schema'], names=True)}"
        for media, about in answer.get("content", {}).items()
        if about["schema"] != {"$ref": "#/components/schemas/Error"}
    ]
    return " ".join([answer["description"], "; ".join(described)]).strip().replace("|", "\\|")


def _bodies(document: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in document["components"]["schemas"].items():
        if not schema.get("properties"):
            continue
        yield f"## {name}"
        if said := schema.get("description"):
            yield str(said)
        required = schema.get("required", ())
        rows = ["| Field | Takes | |", "| --- | --- | --- |"]
        for field, shape in schema["properties"].items():
            needed = "Needed. " if field in required else ""
            text = f"{needed}{shape.get('description', '')}".strip()
            rows.append(f"| `{field}` | {kind_of(shape, names=True)} | {text} |")
        yield "\n".join(rows)


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive to Sphinx."""
    app.add_directive("http-protocol", HttpProtocol)
    return {"parallel_read_safe": True}
