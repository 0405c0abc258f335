"""`rails` of a configuration: flows that existing code compares with lists, settings that it reads as attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from handrail import config
from pydantic import ConfigDict, field_validator

_CHANGE = (
    "a loaded configuration cannot be changed; add one that has more flows: "
    "config + RailsConfig.from_content(yaml_content=...)"
)


class FlowNames(tuple[str, ...]):
    """Names of flows in order, equal to a list of the same names. They cannot be changed."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return tuple.__eq__(self, tuple(other) if isinstance(other, list) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = tuple.__hash__

    if not TYPE_CHECKING:  # a type checker must still find a misspelt name

        def __getattr__(self, name: str) -> NoReturn:
            said = f"{type(self).__name__!r} object has no attribute {name!r}"
            raise AttributeError(f"{said}; {_CHANGE}" if hasattr(list, name) else said)


class Settings(dict[str, Any]):
    """Settings of rails, whose values are attributes, too: one that a rail's settings do not have is None."""

    __slots__ = ()

    if not TYPE_CHECKING:  # a type checker must still find a misspelt name

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            return self.get(name)

    def __reduce__(self) -> tuple[type[Settings], tuple[dict[str, Any]]]:
        return Settings, (dict(self),)

    @classmethod
    def of(cls, value: Any) -> Any:
        """Return a mapping, and those within it, as settings; anything else as it is."""
        if isinstance(value, Mapping):
            return cls({name: cls.of(inner) for name, inner in value.items()})
        return [cls.of(inner) for inner in value] if isinstance(value, list) else value


class InputRails(config.InputRails):
    """`rails.input`."""

    model_config = ConfigDict(validate_default=True)

    @field_validator("flows")
    @classmethod
    def _comparable(cls, flows: tuple[str, ...]) -> FlowNames:
        return FlowNames(flows)


class OutputRails(config.OutputRails):
    """`rails.output`."""

    model_config = ConfigDict(validate_default=True)

    @field_validator("flows")
    @classmethod
    def _comparable(cls, flows: tuple[str, ...]) -> FlowNames:
        return FlowNames(flows)


class Rails(config.Rails):
    """`rails`."""

    input: InputRails = InputRails()
    output: OutputRails = OutputRails()

    @field_validator("config")
    @classmethod
    def _readable(cls, settings: Mapping[str, Any]) -> Settings:
        return Settings({name: Settings.of(value) for name, value in settings.items()})
