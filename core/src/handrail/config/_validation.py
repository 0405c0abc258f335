"""Pydantic's errors as lines that name the place, what was found, what is allowed and what is nearest."""

from __future__ import annotations

from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from handrail._nearest import did_you_mean, nearest
from handrail.config._problems import dotted, error_of, listed, problem_at, shown
from handrail.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pydantic_core import ErrorDetails

    from handrail.config._tree import KeyPath, Node

ModelT = TypeVar("ModelT", bound=BaseModel)

_EXPECTED: Mapping[str, str] = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dataclass_type": "a mapping",
    "none_required": "empty",
}
_BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
    "multiple_of": ("multiple_of", "a multiple of"),
}


def valid(validated: ModelT | None, problems: Sequence[Problem]) -> ModelT:
    """Return what came of validating a part of a configuration.

    Raises:
        ConfigurationError: there are problems; each is a line.
    """
    if validated is None or problems:
        raise error_of(problems)
    return validated


def checked(
    model: type[ModelT],
    values: object,
    *,
    tree: Node | None = None,
    path: KeyPath = (),
    also: Collection[str] = (),
    context: object = None,
) -> tuple[ModelT | None, list[Problem]]:
    """Validate a part of a configuration; return it, or None and its problems.

    A model that does not say what becomes of unknown keys refuses them.

    Args:
        model: what the part must be.
        values: the part.
        tree: the whole configuration, for places.
        path: where the part stands in it.
        also: further keys that an error names as allowed, since somebody else takes them.
        context: for the model's validators.
    """
    extra: Literal["forbid"] | None = None if "extra" in model.model_config else "forbid"
    try:
        return model.model_validate(values, extra=extra, context=context), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    explained = (_explain(detail, model, tree, tuple(path), also) for detail in details)
    return None, list(dict.fromkeys(explained))


def _explain(
    detail: ErrorDetails,
    model: type[BaseModel],
    tree: Node | None,
    prefix: tuple[object, ...],
    also: Collection[str],
) -> Problem:
    kind, context = detail["type"], detail.get("ctx", {})
    *parent, last = (*_written(detail["loc"][:-1], tree, prefix), *detail["loc"][-1:]) or ("",)
    if kind in {"extra_forbidden", "invalid_key"}:
        return _unknown_key((*prefix, *parent, last), _keys(model, parent, also), tree)
    if kind == "missing":
        path = (*prefix, *parent)
        text = f"{dotted(path)} is missing the required key '{last}'"
        return problem_at(tree, path, text, code="missing-key", subject=str(last))
    path = (*prefix, *_written(detail["loc"], tree, prefix))
    if kind == "section":
        path = (*path, context["key"]) if context["key"] else path
        return problem_at(tree, path, f"{dotted(path)} {context['message']}", code="invalid-value")
    if kind in {"value_error", "assertion_error"}:
        return problem_at(tree, path, f"{dotted(path)}: {context.get('error') or detail['msg']}", code="invalid-value")
    text = f"{dotted(path)} is {shown(detail['input'], path)}; {_allowed(kind, context, detail)}"
    return problem_at(tree, path, text, code="invalid-value")


def _allowed(kind: str, context: Mapping[str, Any], detail: ErrorDetails) -> str:
    if kind in _EXPECTED:
        return f"it must be {_EXPECTED[kind]}{_hint(kind, detail['input'])}"
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        bound = context[name]
        return f"it must be {words} {int(bound) if isinstance(bound, float) and bound.is_integer() else bound}"
    if kind in {"literal_error", "enum"}:
        choices = [choice.strip("'") for choice in context["expected"].replace(" or ", ", ").split(", ")]
        return f"allowed: {listed(choices)}{did_you_mean(detail['input'], choices)}"
    return detail["msg"][:1].lower() + detail["msg"][1:]


def _hint(kind: str, found: object) -> str:
    if kind in {"list_type", "tuple_type"} and isinstance(found, str | dict):
        return ", each item on a line of its own that begins with '- '"
    if kind == "string_type" and isinstance(found, bool | int | float):
        return ", put it in quotes"
    is_number = isinstance(found, str) and found.strip("-+").replace(".", "", 1).isdigit()
    if kind in {"int_type", "float_type"} and is_number:
        return ", write it without quotes"
    return ""


def _unknown_key(path: tuple[object, ...], known: Collection[str], tree: Node | None) -> Problem:
    *parent, key = path
    allowed = f"; allowed: {listed(known)}" if known else ""
    text = f"unknown key '{key}' in {dotted(parent)}{allowed}{did_you_mean(key, known)}"
    near = nearest(key, known) or ""
    return problem_at(tree, path, text, key=True, code="unknown-key", subject=str(key), fix=near)


def _written(location: Sequence[int | str], tree: Node | None, prefix: KeyPath) -> list[int | str]:
    """Drop what pydantic adds to a location and nobody has written, such as the branch of a union."""
    if tree is None:
        return list(location)
    node, taken = tree.descend(prefix)
    if taken < len(prefix):
        return list(location)
    written: list[int | str] = []
    for step in location:
        below = node.child(step)
        if below is not None:
            written.append(step)
            node = below
    return written


def _keys(model: type[BaseModel], location: Sequence[int | str], also: Collection[str]) -> list[str]:
    """Return the keys that are valid at a location below a model."""
    here: type[BaseModel] | None = model
    for step in location:
        if isinstance(step, str) and here is not None and step in here.model_fields:
            here = _model_in(here.model_fields[step].annotation)
    names = [] if here is None else [field.alias or name for name, field in here.model_fields.items()]
    return names if location else [*names, *also]


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in {Annotated, Union, UnionType, list, tuple, dict}:
        return next((model for part in get_args(annotation) if (model := _model_in(part))), None)
    return None
