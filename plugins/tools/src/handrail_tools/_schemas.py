"""JSON Schemas of tools: compiled, found in a request's definitions, and what an error against them says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError as InvalidSchema
from jsonschema.exceptions import best_match
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

Schema: TypeAlias = dict[str, Any]
Path: TypeAlias = Sequence[str | int]

NO_PARAMETERS: Schema = {"type": "object", "additionalProperties": False}
_LONGEST = 200  # characters of an error that are shown


class SchemaError(ValueError):
    """A schema cannot be used."""


def compiled(schema: Schema) -> Callable[[Any], tuple[str, Path] | None]:
    """Return a function that checks a value: None if it fits, else what is wrong and where in the value.

    References to other documents are never fetched.

    Raises:
        SchemaError: it is not a JSON Schema.
    """
    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except InvalidSchema as exc:
        raise SchemaError(f"it is not a JSON Schema: {exc.json_path}: {_short(exc.message)}") from exc
    validator: Validator = kind(schema, registry=Registry())

    def check(value: Any) -> tuple[str, Path] | None:
        try:
            error = best_match(validator.iter_errors(value))
        except Unresolvable as exc:
            raise SchemaError(f"it refers to {exc.ref!r}, which is not in it, and nothing is fetched") from exc
        if error is None:
            return None
        return f"{error.json_path}: {_short(error.message)}", tuple(error.absolute_path)

    return check


def schemas_of(tools: Iterable[Mapping[str, Any]]) -> dict[str, Schema]:
    """Return the schemas by name of tool definitions in OpenAI's form; a tool without parameters takes none.

    Raises:
        SchemaError: a definition has another form.
    """
    found: dict[str, Schema] = {}
    for tool in tools:
        function = tool.get("function", tool) if isinstance(tool, Mapping) else tool
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise SchemaError(
                f"the request has the tool {_short(repr(tool))}; it must be {{'type': 'function', 'function': "
                f"{{'name': ..., 'parameters': <JSON Schema>}}}}"
            )
        found[function["name"]] = function.get("parameters") or NO_PARAMETERS
    return found


def _short(message: str) -> str:
    return message if len(message) <= _LONGEST else f"{message[:_LONGEST]}…"
