"""Pydantic's errors as lines that name the place, what was found, what is allowed and what is nearest."""

from __future__ import annotations

from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from handrail.config._problems import Problem, at, dotted, listed, nearest, raise_problems, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pydantic_core import ErrorDetails

    from handrail.config._tree import Node, Path_

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
    "dict_type": "a mapping",
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


def validate(
    model: type[ModelT],
    values: object,
    *,
    tree: Node | None = None,
    path: Path_ = (),
    allowed: Collection[str] = (),
) -> ModelT:
    """Validate a part of a configuration.

    Args:
        model: what the part must be.
        values: the part.
        tree: the whole configuration, for places.
        path: where the part stands in it.
        allowed: further keys that an error names as allowed, since somebody else takes them.

    Raises:
        ConfigurationError: the part is wrong; each problem is a line.
    """
    validated, problems = checked(model, values, tree=tree, path=path, allowed=allowed)
    raise_problems(problems)
    assert validated is not None  # noqa: S101  # no problems, hence a value
    return validated


def checked(
    model: type[ModelT],
    values: object,
    *,
    tree: Node | None = None,
    path: Path_ = (),
    allowed: Collection[str] = (),
) -> tuple[ModelT | None, list[Problem]]:
    """Validate like `validate`, and give the problems instead of raising them."""
    try:
        return model.model_validate(values), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    problems = [_explain(detail, model, tree, tuple(path), allowed) for detail in details]
    return None, list(dict.fromkeys(problems))


def _explain(
    detail: ErrorDetails,
    model: type[BaseModel],
    tree: Node | None,
    prefix: tuple[object, ...],
    allowed: Collection[str],
) -> Problem:
    kind, context = detail["type"], detail.get("ctx", {})
    path = (*prefix, *_written(detail["loc"], tree, prefix))
    if kind == "extra_forbidden":
        return _unknown_key((*prefix, *detail["loc"]), _keys(model, detail["loc"][:-1], allowed), tree)
    if kind == "missing":
        parent, key = (*prefix, *detail["loc"][:-1]), detail["loc"][-1]
        return at(tree, parent, f"{dotted(parent) or 'the configuration'} has no {key!r}, which it needs")
    if kind == "section":
        path = (*path, context["key"]) if context["key"] else path
        return at(tree, path, f"{dotted(path)} {context['message']}")
    if kind in {"value_error", "assertion_error"}:
        return at(tree, path, f"{dotted(path)}: {context.get('error', detail['msg'])}")
    found = f"{dotted(path) or 'the configuration'} is {shown(detail['input'], path)}"
    return at(tree, path, f"{found}; {_allowed_values(kind, context, detail)}")


def _allowed_values(kind: str, context: dict[str, Any], detail: ErrorDetails) -> str:
    if kind in _EXPECTED:
        return f"it must be {_EXPECTED[kind]}{_hint(kind, detail['input'])}"
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"it must be {words} {context[name]}"
    if kind in {"literal_error", "enum"}:
        choices = [choice.strip("'") for choice in context["expected"].replace(" or ", ", ").split(", ")]
        near = nearest(detail["input"], choices) if isinstance(detail["input"], str) else ""
        return f"allowed: {listed(choices)}{near}"
    return detail["msg"][:1].lower() + detail["msg"][1:]


def _hint(kind: str, found: object) -> str:
    if kind in {"list_type", "tuple_type"} and isinstance(found, str):
        return ", each item on a line of its own that begins with '- '"
    if kind == "string_type" and isinstance(found, bool | int | float):
        return ", put it in quotes"
    if (
        kind in {"int_type", "float_type"}
        and isinstance(found, str)
        and found.strip("-+").replace(".", "", 1).isdigit()
    ):
        return ", without quotes"
    return ""


def _unknown_key(path: tuple[object, ...], known: Collection[str], tree: Node | None) -> Problem:
    *parent, key = path
    text = f"unknown key {key!r} in {dotted(parent)}; allowed: {listed(known)}{nearest(key, known)}"
    return at(tree, path, text, key=True)


def _written(location: tuple[int | str, ...], tree: Node | None, prefix: Path_) -> tuple[int | str, ...]:
    """Drop what pydantic adds to a location and nobody has written, such as the branch of a union."""
    if tree is None:
        return location
    _, taken = tree.descend((*prefix, *location))
    return location[: max(taken - len(prefix), 0)] if taken > len(prefix) else location


def _keys(model: type[BaseModel], location: tuple[int | str, ...], allowed: Collection[str]) -> list[str]:
    """Give the keys that may stand at a location below a model."""
    here: type[BaseModel] | None = model
    annotation: object = model
    for step in location:
        if isinstance(step, str) and here is not None and step in here.model_fields:
            annotation = here.model_fields[step].annotation
            here = _model_in(annotation)
    names = [] if here is None else [field.alias or name for name, field in here.model_fields.items()]
    return names if location else [*names, *allowed]


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in {Union, UnionType, list, tuple, dict}:
        return next((model for part in get_args(annotation) if (model := _model_in(part))), None)
    return None
