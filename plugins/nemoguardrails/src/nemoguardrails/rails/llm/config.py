"""The configuration: Handrail's, with the one default that existing configurations rely on."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from os import PathLike
from typing import Self

import handrail
import yaml
from handrail.config import Instruction as Instruction
from handrail.config import ModelConfig as Model
from handrail.config import StreamingConfig as OutputRailsStreamingConfig
from handrail.config import TaskPrompt as TaskPrompt
from handrail_colang import defined_messages, messages_as_colang, without_steps
from pydantic import PrivateAttr

from nemoguardrails._flow_names import InputRails as InputRails
from nemoguardrails._flow_names import OutputRails as OutputRails
from nemoguardrails._flow_names import Rails as Rails

__all__ = [
    "InputRails",
    "Instruction",
    "Model",
    "OutputRails",
    "OutputRailsStreamingConfig",
    "Rails",
    "RailsConfig",
    "TaskPrompt",
]

_log = logging.getLogger("nemoguardrails")
_GENERAL = "prompts: the prompt of the task 'general' is not used; write what the model is told into 'instructions'"
_CARRIED_OUT = ("'user_messages' has no effect", "'bot_messages' has no effect")
_DEFAULTS = {"rails": {"output": {"streaming": {"stream_first": True}}}}


class RailsConfig(handrail.RailsConfig):
    """What to guard, with which models and how.

    Unless a configuration sets `rails.output.streaming.stream_first`, it is true here, as existing code expects: text
    goes out before it is checked. Where that matters it is said in the log, once for each `LLMRails`.
    """

    rails: Rails = Rails()

    _given: handrail.RailsConfig | None = PrivateAttr(default=None)

    @property
    def streaming(self) -> bool:
        """Whether answers may be streamed, which they always may; kept for existing code."""
        return True

    @property
    def streaming_supported(self) -> bool:
        """The same under its older name."""
        return True

    @property
    def config_path(self) -> str:
        """Where the configuration was read from."""
        return str(self.base_path)

    @property
    def passthrough(self) -> bool:
        """Whether the model gets the conversation as it is, which it always does; kept for existing code."""
        return True

    @property
    def user_messages(self) -> dict[str, list[str]]:
        """What users say, by what they mean.

        Raises:
            InvalidRailsConfigurationError: the Colang of the configuration cannot be used.
        """
        return defined_messages(self)[0]

    @property
    def bot_messages(self) -> dict[str, list[str]]:
        """What the bot may say, by phrase.

        Raises:
            InvalidRailsConfigurationError: the Colang of the configuration cannot be used.
        """
        return defined_messages(self)[1]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know though it is no error."""
        general = any(prompt.task == "general" for prompt in self.prompts)
        notes = (note for note in super().notes if not note.endswith(_CARRIED_OUT))
        return (*notes, *((_GENERAL,) if general else ()))

    @classmethod
    def from_path(cls, config_path: str | PathLike[str]) -> Self:
        """Read a folder or a file.

        Raises:
            ConfigurationError: it cannot be used; each problem is a line with its file, line and column.
        """
        config = handrail.RailsConfig.from_path(config_path)
        messages = [_messages_in(file.read_text("utf-8")) for file in config.files]
        if colang := "\n".join(filter(None, messages)):
            config += handrail.RailsConfig.from_content(colang)
        return cls._with_defaults(config)

    @classmethod
    def from_content(
        cls,
        colang_content: str | None = None,
        yaml_content: str | None = None,
        config: Mapping[str, object] | None = None,
    ) -> Self:
        """Read texts, a dictionary, or both.

        Raises:
            ConfigurationError: they cannot be used; each problem is a line.
        """
        values, flows = (config, "") if config is None else without_steps(config)
        text = yaml_content if isinstance(yaml_content, str) else ""
        given = (_messages_in(text), messages_as_colang(config), flows, colang_content)
        colang = "\n".join(filter(None, given)) or None
        return cls._with_defaults(handrail.RailsConfig.from_content(colang, yaml_content, values))

    @classmethod
    def parse_object(cls, obj: Mapping[str, object] | str) -> Self:
        """Do the same with a dictionary, or with text in YAML, alone."""
        return cls.from_content(yaml_content=obj) if isinstance(obj, str) else cls.from_content(config=obj)

    def __add__(self, later: handrail.RailsConfig) -> Self:
        """Merge with a later configuration. A default of the one never overrides what the other sets."""
        return self._with_defaults(given(self) + given(later))

    @classmethod
    def _with_defaults(cls, config: handrail.RailsConfig) -> Self:
        merged = super().from_content(config=_DEFAULTS)
        merged = handrail.RailsConfig.__add__(merged, config)
        merged._given = config  # noqa: SLF001  # its own
        return merged


def _messages_in(text: str) -> str:
    """Return the messages of a YAML text. What is wrong with the text is told by whoever reads all of it."""
    try:
        return messages_as_colang(yaml.safe_load(text))
    except yaml.YAMLError:
        return ""


def given(config: handrail.RailsConfig) -> handrail.RailsConfig:
    """Return a configuration without what is only a default here."""
    own = config._given if isinstance(config, RailsConfig) else None  # noqa: SLF001  # its own class's
    return config if own is None else own


def say_differences(config: handrail.RailsConfig) -> None:
    """Warn that text goes out unchecked, if nobody has asked for it, and what in the configuration has no effect."""
    for note in config.notes:
        _log.warning("%s", note)
    streaming = config.rails.output.streaming
    chosen = "stream_first" in given(config).rails.output.streaming.model_fields_set
    if streaming.enabled and streaming.stream_first and config.output_flows and not chosen:
        _log.warning(
            "rails.output.streaming.stream_first is not set, so it is true: text goes out before the output rails "
            "have seen it. Set it to False to hold back what is not checked, or to True to be told this no more."
        )
