"""The JSON Schema of a configuration with the settings of whatever is installed, for editors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import BaseModel

from handrail._specs import ProviderSpec, RailSpec, StrategySpec
from handrail.config._config import RailsConfig
from handrail.config._contract import RAILS_WITHOUT_EFFECT, REASONING, REFUSED_RAILS, WITHOUT_EFFECT
from handrail.config._flows import normalized_name
from handrail.config._rail_settings import STREAM_WIDE
from handrail.config._schema_models import REF, definitions_of, or_null
from handrail.config._sections import InputRails, ModelConfig, OutputRails, PluginsConfig, Rails, TaskPrompt
from handrail.config._streaming import RailOptions, StreamingConfig
from handrail.errors import HandrailError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from handrail._registry import Offer, Registry
    from handrail._specs import Direction

Schema: TypeAlias = dict[str, Any]

_KERNEL = (
    RailsConfig,
    ModelConfig,
    TaskPrompt,
    Rails,
    InputRails,
    OutputRails,
    StreamingConfig,
    RailOptions,
    PluginsConfig,
)
_ANYTHING: Schema = {"type": ["object", "null"]}
_NAME_OF_MODEL: Schema = {"type": "string", "description": "The model's name, unless it stands beside 'parameters'."}


def json_schema(registry: Registry) -> Schema:
    """Describe every configuration that can be used with these plugins, in JSON Schema, draft 7.

    What it refuses, `handrail check` refuses too, but for values that would be converted, such as numbers in quotes.
    Conditions between several values, and whatever a plugin checks when it is built, cannot be said in a schema.

    Args:
        registry: what is installed; a plugin whose settings cannot be imported takes whatever is written.
    """
    return _Writer(registry).schema()


@dataclass(frozen=True, slots=True)
class _Served:
    """A name that a configuration may write, what it means, and the settings that go with it."""

    name: str
    text: str
    settings: type[BaseModel] | None = None
    is_known: bool = True
    spec: ProviderSpec | RailSpec | StrategySpec | None = None


class _Writer:
    def __init__(self, registry: Registry) -> None:
        self._engines = list(_served(registry, ProviderSpec, registry.provider))
        self._rails = list(_served(registry, RailSpec, registry.rail))
        self._strategies = list(_served(registry, StrategySpec, registry.strategy))
        self._plugins = sorted({name for plugin in registry.plugins for name in (plugin.distribution, plugin.name) if name})
        # Such plugins read rails and engines from the configuration itself, so any name may be right.
        self._is_open = any(plugin.config_rails or plugin.config_providers for plugin in registry.plugins)
        served = (*self._engines, *self._rails, *self._strategies)
        models = [one.settings for one in served if one.settings is not None]
        self._names, self._definitions = definitions_of([*_KERNEL, *models])

    def schema(self) -> Schema:
        """Give it."""
        streaming = self._streaming(StreamingConfig.model_fields)
        own_streaming = self._streaming([key for key in StreamingConfig.model_fields if key not in STREAM_WIDE])
        self._definitions[self._names[StreamingConfig]] = streaming
        self._definitions["RailStreaming"] = or_null(own_streaming)
        self._describe_models()
        self._describe_rails()
        self._of(PluginsConfig)["plugins" if False else "disable"]["items"] = {"enum": self._plugins}
        prompt = self._definitions[self._names[TaskPrompt]]
        prompt["oneOf"] = [{"required": ["content"]}, {"required": ["messages"]}]
        top = self._definitions.pop(self._names[RailsConfig])
        for key in sorted(WITHOUT_EFFECT):
            top["properties"].setdefault(key, _without_effect())
        top["properties"]["flows"] = _refused("Rails stand in 'rails.input.flows' and 'rails.output.flows'.")
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "A configuration of Handrail",
            **top,
            "definitions": dict(sorted(self._definitions.items())),
        }

    def _of(self, model: type[BaseModel]) -> Schema:
        """Give the properties of one of the kernel's sections, to be changed."""
        properties: Schema = self._definitions[self._names[model]]["properties"]
        return properties

    def _describe_models(self) -> None:
        definition = self._definitions[self._names[ModelConfig]]
        definition["properties"]["engine"] |= self._choice(self._engines)
        definition["allOf"] = [
            {"if": _is("engine", one.name), "then": self._parameters(one)} for one in self._engines
        ]

    def _parameters(self, engine: _Served) -> Schema:
        settings = self._settings(engine)
        settings["properties"] |= {key: _NAME_OF_MODEL for key in ("model", "model_name")}
        name = self._define(f"Parameters of {engine.name}", settings)
        found: Schema = {"properties": {"parameters": {"$ref": REF + name}}}
        if settings.get("required") or settings.get("allOf"):
            return {**found, "required": ["parameters"]}
        return {"properties": {"parameters": {"anyOf": [{"$ref": REF + name}, {"type": "null"}]}}}

    def _describe_rails(self) -> None:
        for model, direction in ((InputRails, "input"), (OutputRails, "output")):
            self._of(model)["flows"]["items"] = self._flow(direction)
        self._of(OutputRails)[REASONING] = {"const": False, "description": "Rails name their 'channels' instead."}
        rails = self._of(Rails)
        rails |= {key: _without_effect() for key in RAILS_WITHOUT_EFFECT}
        no_flows = {"type": ["object", "null"], "properties": {"flows": {"maxItems": 0}}}
        rails |= {key: {**no_flows, "description": f"Not carried out; {text}."} for key, text in REFUSED_RAILS.items()}
        rails["config"] |= self._rails_config()

    def _flow(self, direction: Direction) -> Schema:
        rails = [one for one in self._rails if isinstance(one.spec, RailSpec) and direction in one.spec.directions]
        rails += [one for one in self._rails if one.spec is None]
        names = "|".join(_pattern(one.name) for one in rails) or "(?!)"
        value = r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s"'$]+)"""
        with_arguments = {
            "pattern": rf"^\s*({names})(\s+\$\w[\w.-]*\s*=\s*{value})*\s*$",
            "description": "A rail, with arguments such as $model=guard.",
        }
        choices = [{"const": one.name, "description": one.text} for one in rails]
        return {"type": "string", "anyOf": [*choices, with_arguments, *self._others("rail")]}

    def _rails_config(self) -> Schema:
        sections: dict[str, list[Schema]] = {}
        patterns: dict[str, str] = {}
        for rail in self._rails:
            keys = {rail.name, getattr(rail.spec, "config_key", None) or rail.name}
            section = {"$ref": REF + self._define(f"Settings of {rail.name}", or_null(self._rail_section(rail)))}
            for key in keys:
                same = patterns.setdefault(normalized_name(key), key)
                sections.setdefault(same, []).append(section)
        each = {key: one[0] if len(one) == 1 else {"anyOf": one} for key, one in sections.items()}
        found: Schema = {"type": ["object", "null"], "properties": each}
        found["patternProperties"] = {_any_spelling(folded): each[key] for folded, key in patterns.items()}
        found["additionalProperties"] = self._rail_section(_Served("", "", is_known=False)) if self._is_open else False
        return found

    def _rail_section(self, rail: _Served) -> Schema:
        options = dict(self._of(RailOptions))
        options["streaming"] = {"$ref": f"{REF}RailStreaming"}
        settings = self._settings(rail)
        settings["properties"] = {**settings["properties"], **options}
        settings["description"] = rail.text or "Settings of a rail."
        return settings

    def _settings(self, served: _Served) -> Schema:
        """Give what may stand where a plugin's settings are: what its model says, or anything if there is none."""
        name = self._names.get(served.settings) if served.settings is not None else None
        if name is None:
            return {"type": "object", "properties": {}, "additionalProperties": True, "description": served.text}
        found = dict(self._definitions[name])
        return {**found, "properties": dict(found.get("properties", {}))}

    def _streaming(self, keys: Iterable[str]) -> Schema:
        """Give a section about streaming: the kernel's keys, and those of the strategy that it names."""
        kernel = self._definitions[self._names[StreamingConfig]]
        own = {key: kernel["properties"][key] for key in keys}
        own["strategy"] = {**own["strategy"], **self._choice(self._strategies), "type": ["string", "null"]}
        closed = {"properties": dict.fromkeys(own, True), "additionalProperties": False}
        cases: list[Schema] = []
        unset = closed
        every = {}
        for strategy in self._strategies:
            settings = self._settings(strategy)
            every |= settings["properties"]
            ...
        raise NotImplementedError

    def _choice(self, served: list[_Served]) -> Schema:
        return {}

    def _others(self, what: str) -> list[Schema]:
        return []

    def _define(self, name: str, schema: Schema) -> str:
        return name
