"""What all parts of a configuration have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from handrail.config._secrets import hidden, is_secret_key

if TYPE_CHECKING:
    from collections.abc import Iterable

Count = Annotated[int, Field(strict=True, ge=1)]
Tokens = Annotated[int, Field(strict=True, ge=0)]
Seconds = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]


def _empty_settings(value: Any) -> Any:
    """Return settings of each, where a key without anything below it stands for settings that are all left out."""
    if isinstance(value, dict):
        return {key: {} if below is None else below for key, below in value.items()}
    return value


SettingsByName = Annotated[dict[str, dict[str, Any]], BeforeValidator(_empty_settings)]


class Section(BaseModel):
    """A mapping of the configuration: immutable, closed to unknown keys; a null is as good as an absent key."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, values: Any) -> Any:
        if isinstance(values, dict):
            return {key: value for key, value in values.items() if value is not None}
        return values

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, "***" if is_secret_key(name) and value else hidden(value)


def reject(key: str, message: str) -> NoReturn:
    """Report from within a validator of a section what is wrong with one of its keys; an empty key means all of it."""
    raise PydanticCustomError("section", "{message}", {"message": message, "key": key})
