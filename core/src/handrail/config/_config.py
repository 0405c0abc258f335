"""A whole configuration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field, PrivateAttr, model_validator

from handrail.config._contract import set_aside
from handrail.config._flows import Flow
from handrail.config._loading import Origin, as_path, load_content, load_path
from handrail.config._prices import PricesConfig
from handrail.config._problems import error_of, place_at, problem_at
from handrail.config._prompts import choose_prompt
from handrail.config._rail_settings import find_key, own_settings, problems_of, rail_options, rail_streaming
from handrail.config._section import Section, SettingsByName
from handrail.config._sections import Instruction, ModelConfig, PluginsConfig, Rails, TaskPrompt
from handrail.config._streaming import YIELDED
from handrail.config._tree import Node, from_plain, plain
from handrail.config._unread import Unread, unread
from handrail.config._validation import ModelT, checked, valid
from handrail.errors import InvalidArgumentError, Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from os import PathLike

    from handrail.config._streaming import RailOptions, StreamingConfig


_OWN_FOLDER = Unread("Colang is read from the configuration's own folder")


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, float) else value


class RailsConfig(Section):
    """What to guard, with which models and how. Immutable; made by `from_path`, `from_content` or `+`.

    Attributes:
        models: the language models, one a type.
        instructions: text that precedes the conversation.
        sample_conversation: an example for the model.
        prompts: templates by task.
        prompting_mode: which prompts to prefer where a task has several.
        rails: the rails and their settings.
        plugins: plugins that must not be used.
        observers: who is told what happens in calls, each with its settings.
        prices: what models cost.
        lowest_temperature: the temperature of a judge.
        enable_rails_exceptions: whether a block is reported as an exception message instead of a refusal.
        custom_data: top-level keys that Handrail does not know.
        colang_version: the version of Colang files beside it.
        import_paths: further folders of Colang files.
    """

    model_config = ConfigDict(json_schema_extra={"additionalProperties": True})

    models: tuple[ModelConfig, ...] = ()
    instructions: tuple[Instruction, ...] = ()
    sample_conversation: str | None = None
    prompts: tuple[TaskPrompt, ...] = ()
    prompting_mode: str = "standard"
    rails: Rails = Rails()
    plugins: PluginsConfig = PluginsConfig()
    observers: SettingsByName = Field(default_factory=dict)
    prices: PricesConfig = PricesConfig()
    lowest_temperature: Annotated[float, Field(strict=True, ge=0)] = 0.001
    enable_rails_exceptions: bool = False
    custom_data: dict[Any, Any] = Field(default_factory=dict)
    colang_version: Annotated[str, BeforeValidator(_as_text)] = "1.0"
    import_paths: Annotated[tuple[str, ...], _OWN_FOLDER] = ()

    _origin: Origin = PrivateAttr(default_factory=Origin)
    _input_flows: tuple[Flow, ...] = PrivateAttr(default=())
    _output_flows: tuple[Flow, ...] = PrivateAttr(default=())

    @model_validator(mode="before")
    @classmethod
    def _keep_unknown_keys(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        unknown = {key: value for key, value in values.items() if key not in cls.model_fields}
        custom = values.get("custom_data") or {}
        if not unknown or not isinstance(custom, dict):
            return values
        known = {key: value for key, value in values.items() if key in cls.model_fields}
        return {**known, "custom_data": {**unknown, **custom}}

    def model_post_init(self, context: Any, /) -> None:
        """Keep where the configuration came from, which validation is told as its context."""
        if isinstance(context, Origin):
            self._origin = context
        else:
            self._origin = Origin(from_plain(self.model_dump(exclude_unset=True)))
        self._input_flows = tuple(map(Flow.parse, self.rails.input.flows))
        self._output_flows = tuple(map(Flow.parse, self.rails.output.flows))

    @classmethod
    def from_path(cls, config_path: str | PathLike[str]) -> Self:
        """Read a folder, with every YAML file below it that `.railsignore` does not name, or one file.

        Raises:
            ConfigurationError: it cannot be used; each problem is a line with its file, line and column.
            TypeError: it is no path.
        """
        return cls._build(load_path(as_path(config_path)))

    @classmethod
    def from_content(
        cls,
        colang_content: str | None = None,
        yaml_content: str | None = None,
        config: Mapping[str, object] | None = None,
    ) -> Self:
        """Read a YAML text, a dictionary, or both, of which the dictionary is the later one.

        Raises:
            ConfigurationError: it cannot be used; each problem is a line.
            TypeError: a text was expected and something else was passed.
        """
        _refuse_other_than_text(colang_content=colang_content, yaml_content=yaml_content)
        return cls._build(load_content(colang_content, yaml_content, config))

    def __add__(self, later: RailsConfig) -> Self:
        """Merge with a later configuration, which overrides this one; the lists of the kernel are concatenated.

        Raises:
            ConfigurationError: the two do not fit together.
        """
        return self._build(self._origin + later._origin) if isinstance(later, RailsConfig) else NotImplemented

    @classmethod
    def _build(cls, origin: Origin) -> Self:
        tree = origin.tree
        left = set_aside(plain(tree), cls.model_fields, tree)
        notes = tuple(dict.fromkeys((*origin.notes, *map(str, left.notes))))
        config, problems = checked(cls, left.values, tree=tree, context=replace(origin, notes=notes))
        problems += left.problems
        rails = left.values.get("rails") if isinstance(left.values, dict) else None
        sections = rails.get("config") if isinstance(rails, dict) else None
        problems += problems_of(sections, config.rails.output.streaming if config else None, tree)
        problems += _one_model_a_type(config.models if config else (), tree)
        if config is None or problems:
            raise error_of(problems)
        return config

    @property
    def base_path(self) -> Path:
        """The folder of the configuration; for one that came from no file, the folder that was current then."""
        return self._origin.folder

    @property
    def files(self) -> tuple[Path, ...]:
        """The YAML files that were read, in order."""
        return self._origin.files

    @property
    def colang_files(self) -> tuple[Path, ...]:
        """Files in Colang in the configuration's folder."""
        return self._origin.colang_files

    @property
    def colang_content(self) -> str:
        """Text in Colang that was passed to `from_content`."""
        return self._origin.colang_content

    @property
    def action_files(self) -> tuple[Path, ...]:
        """Python files in the configuration's folder that hold actions or initialise it."""
        return self._origin.action_files

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know though it is not an error: keys without effect, keys that look misspelt."""
        return (*self._origin.notes, *map(str, unread(self, self._origin.tree)))

    @property
    def input_flows(self) -> tuple[Flow, ...]:
        """The rails of the input, in order."""
        return self._input_flows

    @property
    def output_flows(self) -> tuple[Flow, ...]:
        """The rails of the output, in order."""
        return self._output_flows

    def where(self, *path: str | int) -> str:
        """Return file, line and column of a value, such as `config/config.yml:5:9`; empty if they are not known."""
        node, taken = self._origin.tree.descend(path)
        return str(node.best_place() or "") if taken == len(path) else ""

    def folder_of(self, *path: str | int) -> Path:
        """Return the folder that a relative path in a value is meant from.

        It is `base_path`, but for values that came from another configuration by `+`.
        """
        place = self._origin.tree.descend(path)[0].place
        return place.source.folder if place is not None else self.base_path

    def model_for(self, type: str) -> ModelConfig | None:  # noqa: A002  # the configuration's own word
        """Return the model of a type, if there is one."""
        return next((model for model in self.models if model.type == type), None)

    def prompt(self, task: str, *, model: ModelConfig | None = None) -> TaskPrompt:
        """Return the prompt for a task.

        Args:
            task: the task.
            model: the model that will be asked; unless given, the one of that type, or the main one.

        Raises:
            InvalidRailsConfigurationError: there is none; the message shows how to write it.
        """
        serving = model or self.model_for(task) or self.model_for("main")
        InvalidArgumentError.unless(isinstance(task, str), "task", task, "the name of a task")
        return choose_prompt(self.prompts, task, serving, self.prompting_mode)

    def rail_key(self, name: str, config_key: str | None = None) -> str | None:
        """Return the key under `rails.config` that belongs to a rail, as written; None if there is none."""
        return find_key(self.rails.config, name, config_key)

    def rail_options(
        self, name: str, config_key: str | None = None, *, fields: Collection[str] = YIELDED
    ) -> tuple[RailOptions, dict[str, object]]:
        """Split `rails.config` of one rail into the kernel's options and the rail's own settings.

        Args:
            name: the rail's name; case, spaces, hyphens and underscores make no difference.
            config_key: another key that its settings may have.
            fields: of the rail's own settings, for which some of the kernel's keys make way; unless given, all do.
        """
        key = self.rail_key(name, config_key)
        section = self.rails.config[key] if key is not None else {}
        options = valid(*rail_options(key or name, section, self._origin.tree, fields))
        return options, own_settings(section, fields)

    def rail_streaming(self, options: RailOptions) -> StreamingConfig:
        """Return `rails.output.streaming` with what a rail sets otherwise.

        Raises:
            ConfigurationError: the two do not fit together, which `from_path` has ruled out for its own rails.
        """
        InvalidArgumentError.unless(hasattr(options, "streaming"), "options", options, "what rail_options() returns")
        base = self.rails.output.streaming
        if options.streaming is None:
            return base
        return valid(*rail_streaming(base, options.streaming, ("streaming",), None))

    def validate_settings(
        self, model: type[ModelT], values: object, *path: str | int, also: Collection[str] = ()
    ) -> ModelT:
        """Validate a plugin's settings, and report what is wrong with them as for the kernel's own.

        Unknown keys are refused unless the model says something else about them.

        Args:
            model: the plugin's pydantic model.
            values: the settings.
            path: where they stand in the configuration, such as `"rails", "config", "toxicity check"`.
            also: further keys that are valid there, for the message about an unknown one.

        Raises:
            ConfigurationError: they are wrong; each problem is a line.
        """
        InvalidArgumentError.unless(hasattr(model, "model_validate"), "model", model, "a pydantic model")
        return valid(*checked(model, values, tree=self._origin.tree, path=path, also=also))


def _one_model_a_type(models: Sequence[ModelConfig], tree: Node) -> list[Problem]:
    """Refuse a second, different model of a type: nobody could say which of them is asked."""
    problems: list[Problem] = []
    first: dict[str, int] = {}
    for index, model in enumerate(models):
        earlier = first.setdefault(model.type, index)
        if models[earlier] != model:
            place = place_at(tree, ("models", earlier))
            before = f" at {place}" if place else f", models[{earlier}]"
            text = f"models[{index}] is a second model of the type '{model.type}', first{before}; keep one of them"
            problems.append(problem_at(tree, ("models", index), text))
    return problems


def _refuse_other_than_text(**contents: object) -> None:
    for name, content in contents.items():
        if content is not None and not isinstance(content, str):
            raise InvalidArgumentError(
                f"{name} must be text, not {type(content).__name__}; "
                "write from_content(yaml_content=...) for YAML and from_content(config=...) for a dictionary"
            )
