"""Configuration: the YAML that says what to guard, with which models and how."""

from __future__ import annotations

from handrail.config._config import RailsConfig as RailsConfig
from handrail.config._flows import Flow as Flow
from handrail.config._flows import normalized_name as normalized_name
from handrail.config._prices import PriceConfig as PriceConfig
from handrail.config._prices import PricesConfig as PricesConfig
from handrail.config._schema import json_schema as json_schema
from handrail.config._sections import BreakerConfig as BreakerConfig
from handrail.config._sections import InputRails as InputRails
from handrail.config._sections import Instruction as Instruction
from handrail.config._sections import ModelConfig as ModelConfig
from handrail.config._sections import OutputRails as OutputRails
from handrail.config._sections import PluginsConfig as PluginsConfig
from handrail.config._sections import PromptMessage as PromptMessage
from handrail.config._sections import Rails as Rails
from handrail.config._sections import TaskPrompt as TaskPrompt
from handrail.config._streaming import RailOptions as RailOptions
from handrail.config._streaming import StreamingConfig as StreamingConfig
from handrail.config._when import When as When
