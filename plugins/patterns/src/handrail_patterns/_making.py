"""From settings to actions, rules and phrases; every mistake is told with its place in the configuration."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.errors import ConfigurationError, message_of

from handrail_patterns._actions import Action, ActionName
from handrail_patterns._rule import Rule, make_rule

if TYPE_CHECKING:
    from handrail import RailContext

    from handrail_patterns._kind import Kind
    from handrail_patterns._settings import ActionSettings, PatternSettings, RegexCheckSettings


def make_action(settings: ActionSettings, name: ActionName, label: str, context: RailContext) -> Action:
    """Make an action, with its key if it needs one.

    Raises:
        ConfigurationError: it needs a key, and there is none.
    """
    key = _hash_key(settings, context) if name == "hash" else b""
    return Action(name, label, settings.replacement, settings.keep, key)


def rules_of(
    kinds: Iterable[Kind], actions: Mapping[str, Action], *, first: int = 0, needs_words: bool = True
) -> list[Rule]:
    """Make the rules of kinds, each with its action by name; every way of writing a kind is a rule of its own.

    Args:
        kinds: the kinds.
        actions: what happens to each, by its name.
        first: the place of the first in its rail.
        needs_words: whether a number that is nothing but digits counts only after its name.
    """
    return [
        make_rule(
            kind.name,
            way.pattern,
            actions[kind.name],
            way=way if needs_words else replace(way, near=None),
            limit=way.limit,
            order=order,
            is_ours=kind.is_ours,
        )
        for order, kind in enumerate(kinds, first)
        for way in kind.ways
    ]


def pattern_rule(entry: PatternSettings, index: int, settings: RegexCheckSettings, context: RailContext) -> Rule:
    """Make the rule of one configured pattern.

    Raises:
        ConfigurationError: the pattern cannot be used, or its action needs a key that is not there.
    """
    label = entry.name.upper().replace(" ", "_") if entry.name else "REDACTED"
    own = {key: value for key in ("replacement", "keep") if (value := getattr(entry, key)) is not None}
    action = make_action(settings.model_copy(update=own), entry.action or settings.action, label, context)
    ignore_case = settings.ignore_case if entry.ignore_case is None else entry.ignore_case
    limit = entry.max_match or settings.max_match
    name = entry.name or f"pattern {index + 1}"
    try:
        return make_rule(
            name,
            entry.pattern,
            action,
            ignore_case=ignore_case,
            limit=limit,
            order=index,
            whole_text=context.direction == "input",
        )
    except ConfigurationError as exc:
        raise ConfigurationError(f"{place(context, 'patterns', index)}{exc}") from exc


def phrases_in_files(files: Iterable[str], context: RailContext) -> Iterator[str]:
    """Read lists of phrases.

    Raises:
        ConfigurationError: a file cannot be read, or has no phrase in it.
    """
    for index, name in enumerate(files):
        path = context.base_path / name
        where = f"{place(context, 'files', index)}rail {context.name!r}: "
        found = [line for line in map(str.strip, _lines(path, where)) if line and not line.startswith("#")]
        if not found:
            raise ConfigurationError(f"{where}there is no phrase in {str(path)!r}; add one to it, a line each")
        yield from found


def place(context: RailContext, *path: str | int, below: str | None = None) -> str:
    """Return the file, line and column of a setting of a rail, as the beginning of a message; empty if not known."""
    key = context.config.rail_key(context.name, below)
    where = "" if key is None else context.config.where("rails", "config", key, *path)
    return f"{where}: " if where else ""


def nothing_to_look_for(context: RailContext, key: str, what: str, *, below: str | None = None) -> ConfigurationError:
    """Make the error of a rail that would find nothing, and so guard nothing."""
    return ConfigurationError(
        f"rail {context.name!r} has nothing to look for; add {what} to rails.config.{below or context.name}.{key}, "
        f"or take the rail out of the list"
    )


def _hash_key(settings: ActionSettings, context: RailContext) -> bytes:
    variable = settings.hash_key_env_var
    if variable is None:
        raise ConfigurationError(
            f"rail {context.name!r}: the action 'hash' needs a key; name its environment variable in 'hash_key_env_var'"
        )
    if not (key := os.environ.get(variable)):
        raise ConfigurationError(
            f"rail {context.name!r} takes its key from the environment variable {variable!r}, which is not set",
            code="missing-variable",
            subject=variable,
            fix=f"export {variable}=...",
        )
    return key.encode()


def _lines(path: Path, where: str) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as exc:
        why = exc.strerror or message_of(exc)
    except UnicodeDecodeError as exc:
        why = f"it is not UTF-8 ({exc.reason} at byte {exc.start})"
    raise ConfigurationError(
        f"{where}the phrases in {str(path)!r} cannot be read: {why}; correct the name in 'files'",
        code="missing-file",
        subject=str(path),
        fix="put it there, or correct its name",
    )
