"""The JSON Schema of a configuration with whatever plugins there are."""

from __future__ import annotations

import threading
from functools import cache
from typing import Annotated, Any

from handrail import Registry
from handrail.config import json_schema
from handrail.plugins import ProviderSpec, RailSpec, StrategySpec, hookimpl
from jsonschema import Draft7Validator
from pydantic import AliasChoices, BaseModel, ConfigDict, Field


class Point(BaseModel):
    x: int
    y: int


class Settings(BaseModel):
    """How it is done.

    Attributes:
        level: how loud,
            from 0 on.
        point, area: where.
    """

    level: Annotated[int, Field(ge=0)] = Field(default=3, validation_alias=AliasChoices("level", "loudness"))
    point: tuple[int, str] | None = None
    area: Point | None = None
    named: str = Field(validation_alias=AliasChoices("named", "called"))


class Tolerant(BaseModel):
    model_config = ConfigDict(extra="allow")


class Indescribable(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    lock: threading.Event = Field(default_factory=threading.Event)


class Target:
    def __init__(self, settings, context):
        pass


class Plugin:
    @hookimpl
    def handrail_rails(self):
        yield RailSpec(
            "loud (very) check", Target, Settings, ("output",), "Hears.", aliases=("din",), config_key="noise"
        )
        yield RailSpec("broken check", Target, "no_such_module:Settings")
        yield RailSpec("odd check", Target, Indescribable)

    @hookimpl
    def handrail_providers(self):
        yield ProviderSpec("plain", Target)
        yield ProviderSpec("tolerant", Target, Tolerant)

    @hookimpl
    def handrail_strategies(self):
        yield StrategySpec("own", Target, Settings)


class Twin:
    @hookimpl
    def handrail_providers(self):
        yield ProviderSpec("plain", Target, Settings)


@cache
def validator(*plugins: type) -> Draft7Validator:
    schema = json_schema(Registry().with_plugins(*(plugin() for plugin in plugins)))
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


def problems(configuration: dict[str, Any], *plugins: type) -> list[str]:
    return ["/".join(map(str, error.absolute_path)) for error in validator(*plugins).iter_errors(configuration)]


def rail(name: str, settings: object) -> dict[str, Any]:
    return {"rails": {"config": {name: settings}}}


def test_settings_are_described_by_their_docstring_and_known_by_every_spelling():
    schema = json_schema(Registry().with_plugins(Plugin()))
    keys = schema["definitions"]["settings_of_loud_(very)_check"]["properties"]
    assert keys["level"] == keys["loudness"] == {
        "type": "integer", "minimum": 0, "default": 3, "description": "How loud, from 0 on.",
    }  # fmt: skip
    assert keys["point"]["description"] == keys["area"]["description"] == "Where."
    assert {"timeout", "on_error", "streaming"} <= keys.keys()


def test_a_rail_has_its_settings_under_each_of_its_names_in_any_spelling():
    for name in ("loud (very) check", "Loud-(Very)_Check", "din", "DIN", "noise"):
        assert problems(rail(name, {"named": "x", "loudness": 2, "timeout": 3}), Plugin) == []
        assert problems(rail(name, {"called": "x", "level": -1}), Plugin) == [f"rails/config/{name}/level"]
        assert problems(rail(name, {"level": 1}), Plugin) == [f"rails/config/{name}"]
        assert problems(rail(name, {"named": "x", "volume": 1}), Plugin) == [f"rails/config/{name}"]
    assert problems(rail("quiet check", {}), Plugin) == ["rails/config"]


def test_a_tuple_has_its_items_in_order_and_no_more():
    assert problems(rail("din", {"named": "x", "point": [1, "a"]}), Plugin) == []
    for wrong in ([1], ["a", 1], [1, "a", 2]):
        assert problems(rail("din", {"named": "x", "point": wrong}), Plugin)


def test_a_model_that_says_nothing_about_unknown_keys_refuses_them_as_check_does():
    assert problems(rail("din", {"named": "x", "area": {"x": 1, "y": 2}}), Plugin) == []
    assert problems(rail("din", {"named": "x", "area": {"x": 1, "y": 2, "z": 3}}), Plugin)


def test_settings_that_cannot_be_imported_or_described_may_be_anything():
    for name in ("broken check", "odd check"):
        assert problems(rail(name, {"what": "ever", "timeout": 1}), Plugin) == []
        assert problems(rail(name, {"what": "ever", "timeout": 0}), Plugin) == [f"rails/config/{name}/timeout"]


def test_parameters_without_a_model_may_be_anything_and_an_engine_must_be_offered():
    def models(engine: str, **parameters: object) -> dict[str, Any]:
        return {"models": [{"type": "main", "engine": engine, "parameters": parameters}]}

    assert problems(models("plain", anything=1), Plugin) == []
    assert problems(models("tolerant", anything=1), Plugin) == []
    assert problems(models("other"), Plugin) == ["models/0/engine"]
    assert problems(models("plain", anything=1), Plugin, Twin) == []  # offered twice: nobody knows whose they are


def test_a_strategy_has_its_keys_beside_the_kernels():
    def streaming(**keys: object) -> dict[str, Any]:
        return {"rails": {"output": {"streaming": keys}}}

    assert problems(streaming(strategy="own", named="x", enabled=True), Plugin) == []
    assert problems(streaming(strategy="own", enabled=True), Plugin) == ["rails/output/streaming"]
    assert problems(streaming(strategy="own", named="x", level=-1), Plugin) == ["rails/output/streaming/level"]
    assert problems(streaming(strategy="owl"), Plugin) == ["rails/output/streaming/strategy"]


def test_nothing_installed_leaves_nothing_to_name():
    assert problems({"models": []}) == []
    assert problems({"models": [{"type": "main", "engine": "any"}]}) == ["models/0/engine"]
    assert problems({"rails": {"output": {"flows": ["any"]}}}) == ["rails/output/flows/0"]
