"""What the author of a plugin imports. Importing it costs pluggy and the standard library, nothing else."""

from __future__ import annotations

from handrail._lazy import lazy_exports as lazy_exports
from handrail._plugins.hookspecs import hookimpl as hookimpl
from handrail._specs import CommandSpec as CommandSpec
from handrail._specs import DialectSpec as DialectSpec
from handrail._specs import ObserverSpec as ObserverSpec
from handrail._specs import PlacementSpec as PlacementSpec
from handrail._specs import ProviderSpec as ProviderSpec
from handrail._specs import RailSpec as RailSpec
from handrail._specs import Spec as Spec
from handrail._specs import StrategySpec as StrategySpec

CONTRACT = 1
"""The edition of what plugins may rely on. Additions raise it; nothing that a plugin relies on is ever taken away."""

__all__ = [
    "CONTRACT",
    "CommandSpec",
    "DialectSpec",
    "ObserverSpec",
    "PlacementSpec",
    "ProviderSpec",
    "RailSpec",
    "Spec",
    "StrategySpec",
    "hookimpl",
    "lazy_exports",
]
