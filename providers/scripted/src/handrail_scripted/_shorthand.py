"""Helpers with which settings accept a short spelling without their errors losing their place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import CoreSchema, PydanticCustomError, core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

_JSON_TYPES = {str: "string", bool: "boolean"}


@dataclass(frozen=True, slots=True)
class Or:
    """A value of the type `short` is taken as it is, any other is validated as `full`.

    A plain union would put the members' names into the places of errors, and no YAML has such keys.
    """

    short: type
    full: Any

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def validate(value: object, full: core_schema.ValidatorFunctionWrapHandler) -> object:
            return value if value is None or isinstance(value, self.short) else full(value)

        return core_schema.no_info_wrap_validator_function(validate, handler.generate_schema(self.full))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": _JSON_TYPES[self.short]}, handler(schema)]}


def as_list(value: object) -> object:
    """Accept one text where a list of texts is meant."""
    return [value] if isinstance(value, str) else value


def not_blank(value: str) -> str:
    """Refuse a text that every message contains."""
    if not value.strip():
        raise PydanticCustomError("blank", "a blank text occurs in every message; leave it out")
    return value


def file_or_list(value: object) -> object:
    """Return what `answers` takes where something else was given."""
    if not isinstance(value, str | list | tuple):
        raise PydanticCustomError(
            "answers",
            "write the name of a YAML file or a list of answers; 'default' is a key of its own beside 'answers'",
        )
    return value
