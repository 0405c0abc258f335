"""A whole configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from handrail.config._flows import Flow, normalized_name
from handrail.config._loading import Origin, load_content, load_path
from handrail.config._problems import Problem, at, dotted, listed, nearest, raise_problems
from handrail.config._section import Section
from handrail.config._sections import Instruction, ModelConfig, PluginsConfig, Rails, TaskPrompt
from handrail.config._streaming import STREAM_WIDE, RailOptions, StreamingConfig, overridden
from handrail.config._tree import plain
from handrail.config._validation import ModelT, checked, validate
from handrail.errors import InvalidRailsConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike


class RailsConfig(Section):
    """What to guard, with which models and how. Immutable; made by `from_path`, `from_content` or `+`.

    Attributes:
        models: the language models, one a type.
        instructions: text that precedes the conversation.
        sample_conversation: an example for the model.
        prompts: templates by task.
        rails: the rails and their settings.
        plugins: plugins that must not be used.
        lowest_temperature: the temperature of a judge.
        enable_rails_exceptions: whether a block is reported as an exception message instead of a refusal.
        custom_data: top-level keys that Handrail does not know.
        colang_version: the version of Colang files beside it.
        import_paths: further folders of Colang files.
    """

    models: tuple[ModelConfig, ...] = ()
    instructions: tuple[Instruction, ...] = ()
    sample_conversation: str | None = None
    prompts: tuple[TaskPrompt, ...] = ()
    rails: Rails = Rails()
    plugins: PluginsConfig = PluginsConfig()
    lowest_temperature: Annotated[float, Field(strict=True, ge=0)] = 0.001
    enable_rails_exceptions: bool = False
    custom_data: dict[str, Any] = Field(default_factory=dict)
    colang_version: Annotated[str, BeforeValidator(lambda value: str(value))] = "1.0"
    import_paths: tuple[str, ...] = ()

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
        self._input_flows = tuple(map(Flow.parse, self.rails.input.flows))
        self._output_flows = tuple(map(Flow.parse, self.rails.output.flows))

    @classmethod
    def from_path(cls, config_path: str | PathLike[str]) -> Self:
        """Read a folder, with every YAML file below it, or one file.

        Raises:
            ConfigurationError: it cannot be used; each problem is a line with its file, line and column.
        """
        return cls._build(load_path(Path(config_path).expanduser()))

    @classmethod
    def from_content(
        cls,
        colang_content: str | None = None,
        yaml_content: str | None = None,
        config: Mapping[str, object] | None = None,
    ) -> Self:
        """Read a YAML text, a dictionary, or both.

        Raises:
            ConfigurationError: it cannot be used; each problem is a line.
        """
        return cls._build(load_content(colang_content, yaml_content, config))

    def __add__(self, later: RailsConfig) -> Self:
        """Merge with a later configuration: known lists are concatenated, other keys are taken from the later one.

        Raises:
            ConfigurationError: the two do not fit together.
        """
        return self._build(self._origin + later._origin)

    @classmethod
    def _build(cls, origin: Origin) -> Self:
        values = plain(origin.tree)
        config, problems = checked(cls, values, tree=origin.tree)
        if config is not None:
            config._origin = origin
            problems = config._problems_of_rails()
        raise_problems(problems)
        assert config is not None  # noqa: S101  # no problems, hence a configuration
        return config

    def _problems_of_rails(self) -> list[Problem]:
        """Check what depends on more than one section."""
        problems: list[Problem] = []
        for name, section in self.rails.config.items():
            options, found = self._options(name, section)
            problems += found
            if options is not None:
                problems += self._streaming(name, options)[1]
        return problems

    def _options(self, key: str, section: Mapping[str, Any]) -> tuple[RailOptions | None, list[Problem]]:
        own = {name: value for name, value in section.items() if name in RailOptions.model_fields}
        return checked(RailOptions, own, tree=self._origin.tree, path=("rails", "config", key))

    def _streaming(self, key: str | None, options: RailOptions) -> tuple[StreamingConfig | None, list[Problem]]:
        tree, path = self._origin.tree, ("rails", "config", key, "streaming")
        override = options.streaming
        problems = [
            at(
                tree,
                (*path, name),
                f"{dotted((*path, name))} cannot be set for one rail; set it in rails.output.streaming",
            )
            for name in STREAM_WIDE
            if name in (override or {})
        ]
        base = self.rails.output.streaming
        streaming, found = checked(StreamingConfig, overridden(base, override), tree=tree, path=path)
        return streaming, problems + found

    @property
    def base_path(self) -> Path:
        """The folder of the configuration, or the current one where it came from no file."""
        return self._origin.base_path

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
    def input_flows(self) -> tuple[Flow, ...]:
        """The rails of the input, in order."""
        return self._input_flows

    @property
    def output_flows(self) -> tuple[Flow, ...]:
        """The rails of the output, in order."""
        return self._output_flows

    def where(self, *path: str | int) -> str:
        """Give file, line and column of a value, such as `config/config.yml:5:9`; empty where they are unknown."""
        node, taken = self._origin.tree.descend(path)
        return str(node.best_place() or "") if taken == len(path) else ""

    def model_for(self, type: str) -> ModelConfig | None:  # noqa: A002  # the configuration's own word
        """Give the model of a type, if there is one."""
        return next((model for model in self.models if model.type == type), None)

    def prompt(self, task: str) -> TaskPrompt:
        """Give the prompt for a task.

        Raises:
            InvalidRailsConfigurationError: there is none.
        """
        found = next((prompt for prompt in reversed(self.prompts) if prompt.task == task), None)
        if found is not None:
            return found
        tasks = [prompt.task for prompt in self.prompts]
        have = f"; there are prompts for {listed(tasks)}{nearest(task, tasks)}" if tasks else ""
        raise InvalidRailsConfigurationError(
            f"no prompt for the task {task!r}{have}; add one:\nprompts:\n  - task: {task}\n    content: |\n      ...\n"
        )

    def rail_key(self, name: str, config_key: str | None = None) -> str | None:
        """Give the key under `rails.config` that belongs to a rail, as written; None if there is none."""
        wanted = {normalized_name(candidate) for candidate in (name, config_key) if candidate}
        return next((key for key in self.rails.config if normalized_name(key) in wanted), None)

    def rail_options(self, name: str, config_key: str | None = None) -> tuple[RailOptions, dict[str, object]]:
        """Split `rails.config` of one rail into the kernel's options and the rail's own settings.

        Args:
            name: the rail's name; case, spaces, hyphens and underscores make no difference.
            config_key: another key under which its settings may stand.
        """
        key = self.rail_key(name, config_key)
        if key is None:
            return RailOptions(), {}
        section = self.rails.config[key]
        options, problems = self._options(key, section)
        raise_problems(problems)
        assert options is not None  # noqa: S101  # no problems, hence options
        return options, {name: value for name, value in section.items() if name not in RailOptions.model_fields}

    def rail_streaming(self, options: RailOptions) -> StreamingConfig:
        """Give `rails.output.streaming` with what a rail sets otherwise.

        Raises:
            ConfigurationError: the two do not fit together.
        """
        if options.streaming is None:
            return self.rails.output.streaming
        streaming, problems = self._streaming(None, options)
        raise_problems(problems)
        assert streaming is not None  # noqa: S101  # no problems, hence settings
        return streaming

    def validate_settings(self, model: type[ModelT], values: object, *path: str | int) -> ModelT:
        """Validate a plugin's settings, and report what is wrong with them as for the kernel's own.

        Args:
            model: the plugin's pydantic model.
            values: the settings.
            path: where they stand in the configuration, such as `"rails", "config", "toxicity check"`.

        Raises:
            ConfigurationError: they are wrong; each problem is a line.
        """
        return validate(model, values, tree=self._origin.tree, path=path)
