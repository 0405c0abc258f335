"""Settings that nothing reads: somebody has written them and may count on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handrail import RailPlan, RailsConfig

_SIZES = ("chunk_size", "context_size", "hold_size", "first_chunk_size")
_OF_WINDOWS = ("streaming", "max_concurrency", "timeout", "on_timeout")
_OF_STREAMED_WINDOWS = ("streaming", "max_concurrency")


def without_effect(
    config: RailsConfig, input_rails: Sequence[RailPlan], output_rails: Sequence[RailPlan]
) -> Iterator[str]:
    """Yield what has no effect in a valid configuration, with its place."""
    used: dict[str, list[RailPlan]] = {}
    for plan in (*input_rails, *output_rails):
        if plan.key is not None:
            used.setdefault(plan.key, []).append(plan)
    for key, section in config.rails.config.items():
        if key not in used:
            yield _note(config, "no flow names this rail", "rails", "config", key)
            continue
        idle = _idle(used[key])
        why = "this rail reads the stream" if idle is _OF_WINDOWS else "this rail sees messages whole"
        for name in idle:
            if name in section:
                yield _note(config, why, "rails", "config", key, name)
    yield from _of_streaming(config, output_rails)


def _idle(plans: Sequence[RailPlan]) -> tuple[str, ...]:
    """Return the options that none of a rail's places in the flows reads."""
    if all(plan.is_stream_rail for plan in plans):
        return _OF_WINDOWS
    if all(plan.direction == "input" for plan in plans):
        return _OF_STREAMED_WINDOWS
    return ()


def _of_streaming(config: RailsConfig, output_rails: Sequence[RailPlan]) -> Iterator[str]:
    """Sizes and strategies cut text into windows, which only some rails read."""
    if not output_rails or any(plan.strategy_plugin for plan in output_rails):
        return
    for name in ("strategy", *_SIZES):
        if name in config.rails.output.streaming.model_fields_set:
            yield _note(config, "no output rail reads windows", "rails", "output", "streaming", name)


def _note(config: RailsConfig, why: str, *path: str) -> str:
    where = config.where(*path)
    return f"{where + ': ' if where else ''}{'.'.join(path)} has no effect: {why}"
