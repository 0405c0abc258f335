"""The directive `settings`: a table of what a configuration may write, made from the pydantic model that checks it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from inspect import cleandoc
from typing import Any

from docutils import nodes
from handrail import Registry
from handrail.plugins import ObserverSpec, PlacementSpec, ProviderSpec, RailSpec, StrategySpec
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

_ENTRY = re.compile(r"^ {4}(?P<names>\w[\w, ]*): (?P<text>.+(?:\n {8}.+)*)", re.MULTILINE)
_LIMITS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "minLength": "{} characters or more",
    "minItems": "{} or more",
}
_NAMES = {"string": "text", "integer": "integer", "number": "number", "boolean": "true or false", "null": "nothing"}


class Settings(SphinxDirective):
    """`{settings} package.module:Model`: the keys of the model and of the models below it."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the tables."""
        return self.parse_text_to_nodes("\n\n".join(tables(load(self.arguments[0]))))


def load(target: str) -> type[BaseModel]:
    """Import a model by `package.module:Name`."""
    module, _, name = target.partition(":")
    model = getattr(import_module(module), name)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise TypeError(f"{target} is {model!r}; the directive 'settings' needs a pydantic model")
    return model


def tables(model: type[BaseModel]) -> Iterator[str]:
    """Yield the table of a model, and one for each mapping that stands below one of its keys, headed by its path."""
    schema = model.model_json_schema(mode="validation")
    yield _table(model, schema)
    below, definitions = models_below(model), schema.get("$defs", {})
    waiting, shown = [("", schema)], set()
    while waiting:
        path, parent = waiting.pop(0)
        for key, name, several in _references(parent, definitions):
            if name in shown or name not in below:
                continue
            shown.add(name)
            place = f"{path}{key}{several}"
            forms = definitions[name].get("anyOf", [definitions[name]])
            others = [kind_of(form) for form in forms if "properties" not in form]
            yield f"**`{place}`**{''.join(f', which may also be {other}' for other in others)}:"
            form = next(form for form in forms if "properties" in form)
            yield _table(below[name], form)
            waiting.append((f"{place}.", form))


def _references(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield each key that holds another mapping: the key, the mapping's name, and `[]` for a list of them."""
    for key, shape in schema.get("properties", {}).items():
        for choice in shape.get("anyOf", [shape]):
            for holder, several in ((choice, ""), (choice.get("items", {}), "[]")):
                for form in holder.get("anyOf", holder.get("oneOf", [holder])):
                    name = str(form.get("$ref", "")).rpartition("/")[2]
                    if name and ("properties" in definitions[name] or "anyOf" in definitions[name]):
                        yield key, name, several


def models_below(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Return every model that a model's fields mention, by name, itself left out."""
    found: dict[str, type[BaseModel]] = {}
    waiting = [field.annotation for field in model.model_fields.values()]
    while waiting:
        kind = waiting.pop()
        waiting += getattr(kind, "__args__", ())
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind.__name__ not in found:
            found[kind.__name__] = kind
            waiting += [field.annotation for field in kind.model_fields.values()]
    return found


def descriptions(model: type[BaseModel]) -> dict[str, str]:
    """Return what is said of each key: by its field, or else under `Attributes:` in a docstring.

    Raises:
        ValueError: nothing is said of one.
    """
    said: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        _, _, listed = cleandoc(owner.__doc__ or "").partition("Attributes:\n")
        for entry in _ENTRY.finditer(listed):
            text = " ".join(entry["text"].split())
            said |= {name.strip(): text for name in entry["names"].split(",")}
    said |= {name: field.description for name, field in model.model_fields.items() if field.description}
    if silent := [name for name in _shown(model) if name not in said]:
        raise ValueError(f"{model.__module__}.{model.__name__} says nothing of {', '.join(silent)}")
    return said


def _shown(model: type[BaseModel]) -> list[str]:
    return [name for name, field in model.model_fields.items() if not field.exclude]


def _table(model: type[BaseModel], schema: Mapping[str, Any]) -> str:
    said = descriptions(model)
    rows = ["| Key | Takes | Default | |", "| --- | --- | --- | --- |"]
    for name in _shown(model):
        field = model.model_fields[name]
        shape = _property(schema, name, field)
        cells = (f"`{name}`", kind_of(shape), _default(field), _sentence(said[name]))
        rows.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    if schema.get("additionalProperties") is True:
        rows.append("| any other | | | see above |")
    return "\n".join(rows)


def _property(schema: Mapping[str, Any], name: str, field: FieldInfo) -> Mapping[str, Any]:
    known = schema["properties"]
    alias = field.validation_alias
    first = getattr(alias, "choices", [alias])[0] if alias is not None else name
    return known.get(name) or known[str(first)]  # type: ignore[no-any-return]  # JSON


def kind_of(shape: Mapping[str, Any], *, names: bool = False) -> str:
    """Return in words what a JSON Schema takes; mappings that are described elsewhere by their names."""
    if "$ref" in shape:
        return f"`{shape['$ref'].rpartition('/')[2]}`" if names else "mapping"
    if "const" in shape:
        return _literal(shape["const"])
    if "enum" in shape:
        return ", ".join(map(_literal, shape["enum"]))
    for key in ("anyOf", "oneOf"):
        if key in shape:
            kinds = dict.fromkeys(kind_of(choice, names=names) for choice in shape[key] if choice.get("type") != "null")
            return " or ".join(kinds)
    if "allOf" in shape:
        return " and ".join(kind_of(part, names=names) for part in shape["allOf"])
    return ", ".join([_name(shape, names=names), *_limits(shape)])


def _name(shape: Mapping[str, Any], *, names: bool) -> str:
    kind = shape.get("type")
    if kind == "array":
        if "prefixItems" in shape:
            return f"list of {len(shape['prefixItems'])}"
        return f"list of: {kind_of(shape['items'], names=names)}" if shape.get("items") else "list"
    if kind == "object":
        values = shape.get("additionalProperties")
        return f"mapping to: {kind_of(values, names=names)}" if isinstance(values, dict) and values else "mapping"
    return _NAMES.get(str(kind), "anything")


def _limits(shape: Mapping[str, Any]) -> Iterator[str]:
    for key, words in _LIMITS.items():
        if key in shape and not (shape.get("type") == "array" and "prefixItems" in shape):
            number = shape[key]
            yield words.format(int(number) if float(number).is_integer() else number)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value is PydanticUndefined or isinstance(value, BaseModel):
        return ""
    return "none" if value in ((), [], {}, "") else _literal(value)


def _literal(value: object) -> str:
    if isinstance(value, str):
        return f"`{value}`"
    return f"`{json.dumps(list(value) if isinstance(value, tuple) else value, default=str, ensure_ascii=False)}`"


def _sentence(text: str) -> str:
    text = text.strip().replace("<", "\\<")  # an angle bracket would begin HTML
    if not text.endswith((".", "`", ")")):
        text += "."
    return text if text.startswith(("true", "false")) else text[0].upper() + text[1:]


def _load_all() -> None:
    """Import every model now: once autodoc has read one, pydantic cannot make further ones."""
    registry = Registry.discover()
    finders = {
        ProviderSpec: registry.provider,
        RailSpec: registry.rail,
        StrategySpec: registry.strategy,
        ObserverSpec: registry.observer,
        PlacementSpec: registry.placement,
    }
    for kind, find in finders.items():
        for name in registry.names(kind):
            find(name).load_settings()


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive to Sphinx."""
    _load_all()
    app.add_directive("settings", Settings)
    return {"parallel_read_safe": True}
