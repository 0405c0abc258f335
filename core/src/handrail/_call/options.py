"""What a caller may ask for in one call: which rails, parameters of the model, what comes back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from handrail._nearest import did_you_mean, shown
from handrail._specs import Direction
from handrail._stream.plan import RailPlan
from handrail.errors import InvalidRequestError

if TYPE_CHECKING:
    from handrail.config import RailsConfig

_KEYS = ("rails", "llm_params", "llm_output", "output_vars", "log")
_RAIL_KINDS = ("input", "output", "dialog", "retrieval", "tool_input", "tool_output")
_LOG_KEYS = ("activated_rails", "llm_calls", "internal_events", "colang_history")


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Which parts of the log come back."""

    activated_rails: bool = False
    llm_calls: bool = False
    internal_events: bool = False
    colang_history: bool = False


EVERYTHING = LogOptions(activated_rails=True, llm_calls=True, internal_events=True)


@dataclass(frozen=True, slots=True)
class GenerationOptions:
    """The options of one call.

    Attributes:
        rails: for a direction, whether its rails run, or the names of those that do; all for one that is absent.
        llm_params: parameters for the model, over the configured ones.
        llm_output: whether what the provider sent beside the text comes back.
        output_vars: whether the context's variables come back, or the names of those that do.
        log: which parts of the log come back.
    """

    rails: Mapping[str, bool | Sequence[str]] = field(default_factory=dict)
    llm_params: Mapping[str, Any] = field(default_factory=dict)
    llm_output: bool = False
    output_vars: bool | Sequence[str] = False
    log: LogOptions = field(default_factory=LogOptions)

    def choose(self, plans: Sequence[RailPlan], direction: Direction) -> tuple[RailPlan, ...]:
        """Return the rails of a direction that run.

        Raises:
            InvalidRequestError: a name is not configured.
        """
        wanted = self.rails.get(direction, True)
        if isinstance(wanted, bool):
            return tuple(plans) if wanted else ()
        names = [plan.name for plan in plans]
        for name in wanted:
            if name not in names:
                raise InvalidRequestError(
                    f"options.rails.{direction} names {name!r}; configured are {', '.join(map(repr, names)) or 'none'}"
                )
        return tuple(plan for plan in plans if plan.name in wanted)

    def asks_for_json(self, config: RailsConfig) -> bool:
        """Return whether the model is asked for an answer that is JSON, by the call or by its configuration."""
        main = config.model_for("main")
        configured = main.parameters.get("response_format") if main is not None else None
        wanted = self.llm_params.get("response_format", configured)
        return isinstance(wanted, Mapping) and wanted.get("type") in ("json_object", "json_schema")


_NOTHING_ASKED = GenerationOptions(rails=MappingProxyType({}), llm_params=MappingProxyType({}))  # shared, so read-only


def parse_options(options: object, *, allowed: Collection[str] | None = None) -> GenerationOptions:
    """Check a caller's options.

    Args:
        options: a mapping, `GenerationOptions`, or None.
        allowed: which of them the program lets a caller set; None for all.

    Raises:
        InvalidRequestError: they are wrong, or not allowed.
    """
    if options is None:
        return _NOTHING_ASKED
    if isinstance(options, GenerationOptions):
        untouched = GenerationOptions()
        values = {key: getattr(options, key) for key in _KEYS}
        options = {key: value for key, value in values.items() if value != getattr(untouched, key)}
    if not isinstance(options, Mapping):
        raise InvalidRequestError(f"'options' must be a mapping, not {type(options).__name__}")
    for key in options:
        _known("options", key, _KEYS)
    _refuse_forbidden(options, allowed)
    return GenerationOptions(
        rails=_rails(options.get("rails")),
        llm_params=_mapping("llm_params", options.get("llm_params")),
        llm_output=_flag("llm_output", options.get("llm_output", False)),
        output_vars=_names_or_flag("output_vars", options.get("output_vars", False)),
        log=_log(options.get("log")),
    )


def _refuse_forbidden(keys: Iterable[str], allowed: Collection[str] | None) -> None:
    for key in keys:
        if allowed is not None and key not in allowed:
            raise InvalidRequestError(
                f"options.{key} may not be set here; allowed: {', '.join(sorted(allowed)) or 'none'}"
            )


def _rails(value: object) -> Mapping[str, bool | Sequence[str]]:
    if value is None:
        return {}
    if isinstance(value, list | tuple):
        for name in value:
            _known("options.rails", name, _RAIL_KINDS)
        return {kind: kind in value for kind in _RAIL_KINDS}
    for key in _mapping("rails", value):
        _known("options.rails", key, _RAIL_KINDS)
    return {key: _names_or_flag(f"rails.{key}", wanted) for key, wanted in _mapping("rails", value).items()}


def _log(value: object) -> LogOptions:
    if value is None:
        return LogOptions()
    if isinstance(value, LogOptions):
        return value
    flags = _mapping("log", value)
    for key in flags:
        _known("options.log", key, _LOG_KEYS)
    return LogOptions(**{key: _flag(f"log.{key}", flag) for key, flag in flags.items()})


def _mapping(name: str, value: object) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidRequestError(f"options.{name} must be a mapping, not {type(value).__name__}")
    return value


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidRequestError(f"options.{name} must be true or false, not {type(value).__name__}")
    return value


def _names_or_flag(name: str, value: object) -> bool | Sequence[str]:
    if isinstance(value, bool):
        return value
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return value
    raise InvalidRequestError(f"options.{name} must be true, false or a list of names, not {type(value).__name__}")


def _known(where: str, key: object, known: Sequence[str]) -> None:
    if key not in known:
        raise InvalidRequestError(f"{where} has {shown(key)}; allowed: {', '.join(known)}{did_you_mean(key, known)}")
