"""The JSON Schema of a configuration with the settings of whatever is installed, for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from handrail._specs import PlacementSpec, ProviderSpec, RailSpec, StrategySpec
from handrail.config import _schema_names as names
from handrail.config._config import RailsConfig
from handrail.config._contract import RAILS_WITHOUT_EFFECT, REASONING, REFUSED, REFUSED_RAILS, WITHOUT_EFFECT
from handrail.config._flows import normalized_name
from handrail.config._rail_settings import STREAM_WIDE
from handrail.config._schema_models import REF, definitions_of, or_null, reachable
from handrail.config._sections import InputRails, ModelConfig, OutputRails, PluginsConfig, Rails, TaskPrompt
from handrail.config._streaming import SIZES, YIELDED, RailOptions, StreamingConfig
from handrail.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Collection

    from pydantic import BaseModel

    from handrail._specs import Direction
    from handrail.config._catalogue import Catalogue
    from handrail.config._schema_names import Served

Schema: TypeAlias = dict[str, Any]

_SECTIONS = (ModelConfig, TaskPrompt, Rails, InputRails, OutputRails, StreamingConfig, RailOptions, PluginsConfig)
_OPTIONAL = (Rails, InputRails, OutputRails, StreamingConfig, PluginsConfig)
_NAME_OF_MODEL: Schema = {"type": "string", "description": "The model's name, unless 'parameters' has it."}
_OBSERVERS: Schema = {
    "type": "object",
    "additionalProperties": {"type": ["object", "null"]},
    "description": "Who is told what happens in calls: an installed observer's name, with its settings below it.",
}
_UNNAMED = "Settings of a rail that the configuration itself defines."


def json_schema(registry: Catalogue) -> Schema:
    """Describe every configuration that can be used with these plugins, in JSON Schema, draft 7.

    What it refuses cannot be used, but for values that are converted, such as numbers in quotes, and for settings of
    what no flow names. What it lets pass may still be wrong: conditions between several values, and whatever a plugin
    looks at when it is built, cannot be said in a schema.

    Args:
        registry: what is installed. Where a plugin's settings cannot be imported, anything may be written.
    """
    InvalidArgumentError.unless(hasattr(registry, "names"), "registry", registry, "a Registry")
    return _Writer(registry).schema()


class _Writer:
    def __init__(self, registry: Catalogue) -> None:
        self._engines = list(names.served(registry.names(ProviderSpec), registry.provider))
        self._rails = list(names.served(registry.names(RailSpec), registry.rail))
        self._strategies = list(names.served(registry.names(StrategySpec), registry.strategy))
        self._placements = list(names.served(registry.names(PlacementSpec), registry.placement))
        plugins = registry.plugins
        self._plugins = sorted({name for plugin in plugins for name in (plugin.distribution, plugin.name) if name})
        # Where plugins read rails or engines from the configuration itself, any name may be right.
        self._own_rails = any(plugin.config_rails for plugin in plugins)
        self._own_engines = any(plugin.config_providers for plugin in plugins)
        served = (*self._engines, *self._rails, *self._strategies, *self._placements)
        models = [one.settings for one in served if one.settings is not None]
        self._names, self._definitions = definitions_of([RailsConfig, *_SECTIONS, *models])

    def schema(self) -> Schema:
        """Return it."""
        for model in _OPTIONAL:
            self._section(model)["type"] = ["object", "null"]
        self._describe_streaming()
        self._describe_placements()
        self._describe_models()
        self._describe_rails()
        plugins = self._keys(PluginsConfig)
        plugins["disable"]["items"] = {"enum": self._plugins}
        plugins["enable"]["anyOf"][0]["items"] = {"enum": self._plugins}
        self._section(TaskPrompt)["oneOf"] = [{"required": ["content"]}, {"required": ["messages"]}]
        top = self._section(RailsConfig)
        top["properties"] |= {key: _without_effect() for key in sorted(WITHOUT_EFFECT)}
        top["properties"]["observers"] = _OBSERVERS
        top["properties"] |= {key: _refused(instead) for key, instead in REFUSED.items()}
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "A configuration of Handrail",
            **top,
            "definitions": reachable(top, self._definitions),
        }

    def _section(self, model: type[BaseModel]) -> Schema:
        section: Schema = self._definitions[self._names[model]]
        return section

    def _keys(self, model: type[BaseModel]) -> Schema:
        keys: Schema = self._section(model)["properties"]
        return keys

    def _settings(self, served: Served) -> Schema:
        """Return the schema of a name's settings, as a mapping that can be changed."""
        name = self._names.get(served.settings) if served.settings is not None else None
        found: Schema = self._definitions[name] if name is not None else {"type": "object"}
        anything = {"additionalProperties": True} if served.takes_anything or name is None else {}
        return {**found, **anything, "properties": dict(found.get("properties", {})), "description": served.text}

    def _describe_models(self) -> None:
        section = self._section(ModelConfig)
        section["properties"]["engine"]["anyOf"] = names.choice(self._engines) + _any_text(self._own_engines)
        if self._engines:
            section["allOf"] = [{"if": _is("engine", one.name), "then": self._parameters(one)} for one in self._engines]

    def _parameters(self, engine: Served) -> Schema:
        settings = self._settings(engine)
        settings["properties"] |= dict.fromkeys(("model", "model_name"), _NAME_OF_MODEL)
        is_required = bool(settings.get("required") or settings.get("allOf"))
        key = f"parameters_of_{normalized_name(engine.name)}"
        self._definitions[key] = settings if is_required else or_null(settings)
        found: Schema = {"properties": {"parameters": {"$ref": REF + key}}}
        return {**found, "required": ["parameters"]} if is_required else found

    def _describe_streaming(self) -> None:
        section = self._section(StreamingConfig)
        keys = section["properties"]
        keys["strategy"] = {**keys["strategy"], "type": ["string", "null"], "anyOf": names.choice(self._strategies)}
        keys["strategy"]["anyOf"].append({"type": "null"})
        own = {key: value for key, value in keys.items() if key not in STREAM_WIDE}
        default = StreamingConfig().strategy
        unset = [one for one in self._strategies if one.name == default] or self._strategies
        self._definitions["streaming_of_a_rail"] = or_null(
            {
                "type": "object",
                "description": "What is otherwise for this rail.",
                "properties": own,
                "allOf": self._strategy_keys(own, self._strategies),
            }
        )
        del section["additionalProperties"]
        section["allOf"] = self._strategy_keys(keys, unset)

    def _describe_placements(self) -> None:
        self._definitions["place_of_a_rail"] = {
            "type": ["object", "null"],
            "description": "Where the rail runs, if not in this process: one placement, with its settings below it.",
            "properties": {one.name: or_null(self._settings(one)) for one in self._placements},
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        }

    def _strategy_keys(self, kernel: Collection[str], unset: list[Served]) -> list[Schema]:
        """Return which keys go with which strategy, and which do if none is named and it is one of some."""
        cases = [{"if": _is("strategy", one.name), "then": self._keys_of(kernel, [one])} for one in self._strategies]
        named = {"properties": {"strategy": {"type": "string"}}, "required": ["strategy"]}
        return [*cases, {"if": {"not": named}, "then": self._keys_of(kernel, unset)}]

    def _keys_of(self, kernel: Collection[str], strategies: list[Served]) -> Schema:
        keys: dict[str, list[Schema]] = {}
        for one in map(self._settings, strategies):
            for key, value in one["properties"].items():
                keys.setdefault(key, []).append(value)
        own = {key: each[0] if len(each) == 1 else {"anyOf": each} for key, each in keys.items()}
        if all(one.settings is not None for one in strategies):
            kernel = [key for key in kernel if key not in SIZES]
        anything = any(one.takes_anything for one in strategies)
        found: Schema = {"properties": {**own, **dict.fromkeys(kernel, True)}, "additionalProperties": anything}
        if len(strategies) == 1:
            settings = self._settings(strategies[0])
            found |= {key: settings[key] for key in ("required", "allOf") if key in settings}
        return found

    def _describe_rails(self) -> None:
        self._keys(InputRails)["flows"]["items"] = self._flow("input")
        self._keys(OutputRails)["flows"]["items"] = self._flow("output")
        self._keys(OutputRails)[REASONING] = {"const": False, "description": "Rails name their 'channels' instead."}
        keys = self._keys(Rails)
        keys |= {key: _without_effect() for key in sorted(RAILS_WITHOUT_EFFECT)}
        keys |= {key: _refused_flows(instead) for key, instead in REFUSED_RAILS.items()}
        keys["config"] = {"description": keys["config"]["description"], **self._settings_of_rails()}

    def _flow(self, direction: Direction) -> Schema:
        rails = [one for one in self._rails if not isinstance(one.spec, RailSpec) or direction in one.spec.directions]
        pattern = names.flow_pattern(one.name for one in rails)
        with_arguments = {"pattern": pattern, "description": "A rail with arguments, such as $model=guard."}
        return {"type": "string", "anyOf": [*names.choice(rails), with_arguments, *_any_text(self._own_rails)]}

    def _settings_of_rails(self) -> Schema:
        sections: dict[str, list[Schema]] = {}
        written: dict[str, str] = {}
        texts: dict[str, str] = {}
        for rail in self._rails:
            definition = f"settings_of_{normalized_name(rail.spec.name if rail.spec else rail.name)}"
            self._definitions[definition] = or_null(self._with_options(self._settings(rail)))
            for key in dict.fromkeys((rail.name, getattr(rail.spec, "config_key", None) or rail.name)):
                section = {"$ref": REF + definition}
                if section not in (others := sections.setdefault(normalized_name(key), [])):
                    others.append(section)
                written.setdefault(normalized_name(key), key)
                texts.setdefault(normalized_name(key), rail.text)
        each = {key: one[0] if len(one) == 1 else {"anyOf": one} for key, one in sections.items()}
        anything = {"type": "object", "properties": {}, "additionalProperties": True, "description": _UNNAMED}
        return {
            "type": ["object", "null"],
            "properties": {written[key]: {"description": text} for key, text in texts.items()},
            "patternProperties": {names.any_spelling(key): section for key, section in each.items()},
            "additionalProperties": or_null(self._with_options(anything)) if self._own_rails else False,
        }

    def _with_options(self, settings: Schema) -> Schema:
        """Add what the kernel takes of every rail's settings; a few of its keys only where the rail has none."""
        options = {
            **self._keys(RailOptions),
            "streaming": {"$ref": f"{REF}streaming_of_a_rail"},
            "place": {"$ref": f"{REF}place_of_a_rail"},
        }
        own = {key: section for key, section in settings["properties"].items() if key in YIELDED}
        return {**settings, "properties": {**settings["properties"], **options, **own}}


def _is(key: str, value: str) -> Schema:
    return {"properties": {key: {"const": value}}, "required": [key]}


def _any_text(may_be_any: bool) -> list[Schema]:  # noqa: FBT001  # says what it is for
    return [{"type": "string", "description": "One that the configuration itself defines."}] if may_be_any else []


def _without_effect() -> Schema:
    return {"description": "Has no effect; kept for configurations that have it.", "deprecated": True}


def _refused(instead: str) -> Schema:
    return {"not": {}, "description": f"Not carried out; {instead}."}


def _refused_flows(instead: str) -> Schema:
    flows = {"type": ["array", "null"], "maxItems": 0}
    return {"type": ["object", "null"], "properties": {"flows": flows}, "description": f"Not carried out; {instead}."}
