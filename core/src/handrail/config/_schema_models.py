"""Pydantic's models as JSON Schema for editors: with descriptions, every spelling of a key, and no noise."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from pydantic import AliasChoices, AliasPath, BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from handrail.config._section import Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pydantic.fields import FieldInfo
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import core_schema

REF = "#/definitions/"
_ATTRIBUTES = re.compile(r"^Attributes:\n(?P<lines>(?:[ \t]+.*\n?|\n)*)", re.MULTILINE)
_ATTRIBUTE = re.compile(r"^ {4}(?P<names>\w+(?:, \w+)*): (?P<text>.*(?:\n {5,}.*)*)", re.MULTILINE)
_SECTION = re.compile(r"\n\n(?=\w+:\n)")


def definitions_of(models: Iterable[type[BaseModel]]) -> tuple[dict[type[BaseModel], str], dict[str, Any]]:
    """Describe models, together with all that they are made of.

    Returns:
        The name of each model's definition, and the definitions by name. A model that cannot be described has none.
    """
    described = [model for model in dict.fromkeys(models) if _can_be_described(model)]
    inputs: Any = [(model, "validation") for model in described]
    refs, schema = models_json_schema(inputs, ref_template=REF + "{model}", schema_generator=_ForEditors)
    names = {model: refs[model, "validation"]["$ref"].removeprefix(REF) for model in described}
    return names, schema.get("$defs", {})


def documented(model: type) -> dict[str, str]:
    """Return what the docstrings of a class and its bases say of each attribute."""
    found: dict[str, str] = {}
    for cls in model.__mro__:
        section = _ATTRIBUTES.search(inspect.cleandoc(cls.__dict__.get("__doc__") or ""))
        for attribute in _ATTRIBUTE.finditer(section["lines"]) if section else ():
            for name in attribute["names"].split(", "):
                found.setdefault(name, _sentence(attribute["text"]))
    return found


def or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Let a value be null too."""
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    if "$ref" in schema or "anyOf" not in schema:
        inner = {key: value for key, value in schema.items() if key not in {"description", "default"}}
        outer = {key: value for key, value in schema.items() if key in {"description", "default"}}
        return {**outer, "anyOf": [inner, {"type": "null"}]} if inner else dict(schema)
    if {"type": "null"} in schema["anyOf"]:
        return dict(schema)
    return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}


def reachable(root: object, definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definitions to which something refers, directly or through others, in the order of their names."""
    found: set[str] = set()
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting += part.values()
            name = str(part.get("$ref", "")).removeprefix(REF)
            if name in definitions and name not in found:
                found.add(name)
                waiting.append(definitions[name])
        elif isinstance(part, list):
            waiting += part
    return {name: definitions[name] for name in sorted(found)}


class _ForEditors(GenerateJsonSchema):
    """Writes draft 7, which every editor of YAML understands."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  # pydantic asks for each schema
        """Return False: titles would only repeat the keys."""
        return False

    def tuple_schema(self, schema: core_schema.TupleSchema) -> JsonSchemaValue:
        """Write a tuple of different items as draft 7 has it."""
        found = super().tuple_schema(schema)
        if (items := found.pop("prefixItems", None)) is not None:
            found |= {"items": items, "additionalItems": found.get("items", False)}
        return found

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Show defaults that are one value; whole sections would be noise."""
        found = super().default_schema(schema)
        if found.get("default") is None or isinstance(found["default"], dict | list):
            found.pop("default", None)
        return found

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Describe a model as `check` takes it."""
        found, cls = super().model_schema(schema), schema["cls"]
        found.pop("title", None)
        if "extra" not in cls.model_config:
            found["additionalProperties"] = False
        if "description" in found:
            found["description"] = _sentence(_SECTION.split(found["description"])[0])
        descriptions = documented(cls)
        for name, field in cls.model_fields.items():
            spellings = [key for key in _spellings(name, field, cls) if key in found.get("properties", {})]
            if spellings:
                self._describe_field(found, spellings[0], name, field, cls, descriptions)
        return found

    def _describe_field(
        self,
        found: dict[str, Any],
        key: str,
        name: str,
        field: FieldInfo,
        cls: type[BaseModel],
        descriptions: Mapping[str, str],
    ) -> None:
        properties = found["properties"]
        value = properties[key]
        if name in descriptions:
            value.setdefault("description", descriptions[name])
        if (
            issubclass(cls, Section) and not field.is_required() and "$ref" not in value
        ):  # sections can be null themselves
            value = or_null(value)
        spellings = list(_spellings(name, field, cls))
        properties |= dict.fromkeys(spellings, value)
        if field.is_required() and len(spellings) > 1:
            found["required"] = [other for other in found["required"] if other != key]
            found.setdefault("allOf", []).append({"anyOf": [{"required": [one]} for one in spellings]})
            if not found["required"]:
                del found["required"]


def _can_be_described(model: type[BaseModel]) -> bool:
    try:
        model.model_json_schema(schema_generator=_ForEditors)
    except PydanticInvalidForJsonSchema:
        return False
    return True


def _spellings(name: str, field: FieldInfo, cls: type[BaseModel]) -> Iterator[str]:
    """Yield the keys that a field accepts, the main one first."""
    alias = field.validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    aliases = [choice for choice in choices if isinstance(choice, str) and not isinstance(choice, AliasPath)]
    by_name = cls.model_config.get("validate_by_name") or cls.model_config.get("populate_by_name")
    yield from dict.fromkeys([*aliases, *([name] if by_name or not aliases else [])])


def _sentence(text: str) -> str:
    """Join the lines of a text, and begin it with a capital, as hovering texts do."""
    joined = " ".join(text.split())
    return joined[:1].upper() + joined[1:]
