"""What is wrong in a file of the operator's, a line for each mistake; no value is shown."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from handrail_server._operator_file import OperatorFile

_MEMBERS = ("tuple[str, ...]", "literal['*']", "ParameterEdits")  # pydantic adds the members of a union to a place
_PREFIX = "Value error, "
Place = tuple[int | str, ...]


def mistakes(error: ValidationError, model: type[BaseModel], file: OperatorFile | None, top: str) -> tuple[str, ...]:
    """Return a line for each mistake.

    Args:
        error: what pydantic found.
        model: what it compared the file with.
        file: the file; None for options of the command line.
        top: the name of a place that is the file as a whole.
    """
    found = error.errors(include_input=False, include_url=False)
    return tuple(
        f"{file.where(problem['loc']) + ': ' if file else ''}{_written(problem['loc']) or top}: {_what(problem, model)}"
        for problem in found
        if problem["type"] != "too_short" or not _lies_below(problem["loc"], found)
    )


def _lies_below(place: Place, found: list[ErrorDetails]) -> bool:
    """Return whether something in a list is wrong: pydantic then counts it as too short, too."""
    return any(other["loc"][: len(place)] == place and len(other["loc"]) > len(place) for other in found)


def _written(place: Place) -> str:
    return ".".join(str(part) for part in place if part not in _MEMBERS)


def _what(problem: ErrorDetails, model: type[BaseModel]) -> str:
    if problem["type"] != "extra_forbidden":
        return problem["msg"].removeprefix(_PREFIX).replace("Input should be", "it must be")
    known = _keys_at(model, problem["loc"][:-1])
    near = get_close_matches(str(problem["loc"][-1]), known, n=1)
    return f"unknown key; did you mean {near[0]!r}?" if near else f"unknown key; known: {', '.join(sorted(known))}"


def _keys_at(model: type[BaseModel], place: Place) -> tuple[str, ...]:
    for part in place:
        if (field := model.model_fields.get(str(part))) is not None:
            model = next(_models_in(field.annotation), model)
    return tuple(model.model_fields)


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
