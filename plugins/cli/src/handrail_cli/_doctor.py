"""`handrail doctor`."""

from __future__ import annotations

import json as json_module
import sys
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from handrail import LLMRails, RailsConfig, Registry

from handrail_cli._exit import ExitCode
from handrail_cli._interrupt import Runner, leaving_when_stuck
from handrail_cli._masking import masking
from handrail_cli._parameters import Flag, Variables, one_configuration
from handrail_cli._table import table, terminal_width
from handrail_cli._trials import Trial, at_hand, try_models, try_rails, try_store
from handrail_cli._variables import variables_of
from handrail_cli._visible import visible

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

_CODES: Mapping[str, ExitCode] = {"model": ExitCode.MODEL_FAILED, "rail": ExitCode.RAIL_FAILED}
_NOT_ASKED = "No model was asked. --ask sends each model and each rail one short harmless text, which may cost tokens."


def doctor(
    path: Path | None = None,
    /,
    *,
    config: Path | None = None,
    ask: Flag = False,
    store: str | None = None,
    variable: Variables = (),
    timeout: float = 30.0,
    json: Flag = False,
) -> int:
    """Try what a configuration needs: keys, a vocabulary and, if asked to, its models, its rails and a store.

    No key is ever shown.

    Exit codes: 0 everything that was tried works, 2 the configuration, a key or
    the store does not, 4 a rail failed, 5 a model failed, 130 stopped with Ctrl-C.

    Args:
        path: A folder with a configuration, or its file.
        config: Another way to write PATH.
        ask: Send each model and each rail one short harmless text.
        store: Also try the Redis for 'handrail server --store': redis://HOST:PORT/DB.
        variable: NAME=TEXT, NAME=@FILE or NAME:=JSON: a context variable for the rails. May be repeated.
        timeout: Seconds that each answer may take.
        json: Write JSON.
    """
    root, variables = one_configuration(path, config), variables_of(variable)
    rails = LLMRails(RailsConfig.from_path(root), registry=Registry.discover())
    work: list[Callable[[], Awaitable[list[Trial]]]] = []
    if ask:
        work += [partial(try_models, rails, timeout), partial(try_rails, rails, variables, timeout)]
    if store is not None:
        work.append(partial(try_store, store, timeout))
    trials = at_hand(rails)
    if not _tried(rails, work, trials):
        return ExitCode.INTERRUPTED
    mask = masking(rails.config, store)
    shown = [replace(trial, name=mask(trial.name), detail=mask(trial.detail)) for trial in trials]
    _write(root, shown, asked=ask, json=json)
    return _code(trials)


def _tried(rails: LLMRails, work: Sequence[Callable[[], Awaitable[list[Trial]]]], trials: list[Trial]) -> bool:
    """Do the work and add what comes of it; False if Ctrl-C stopped it."""
    with leaving_when_stuck(), Runner(lambda: None) as runner:
        try:
            for each in work:
                if (found := runner.run(each)) is None:
                    return False
                trials += found
        finally:
            runner.run(rails.aclose)
    return True


def _write(root: Path, trials: Sequence[Trial], *, asked: bool, json: bool) -> None:
    if json:
        shown = {"path": str(root), "asked": asked, "trials": [asdict(trial) for trial in trials]}
        sys.stdout.write(json_module.dumps(shown, indent=2) + "\n")
    else:
        sys.stdout.write(visible("\n".join(_lines(root, trials, asked=asked))) + "\n")


def _lines(root: Path, trials: Sequence[Trial], *, asked: bool) -> Iterator[str]:
    failed = sum(trial.status == "failed" for trial in trials)
    yield f"{root}: {f'{failed} of {len(trials)} failed' if failed else 'everything that was tried works'}"
    rows = [(trial.kind, trial.name, trial.status, _told(trial)) for trial in trials]
    yield from table(rows, indent="  ", width=terminal_width())
    if not asked:
        yield _NOT_ASKED


def _told(trial: Trial) -> str:
    detail = " ".join(trial.detail.split())
    return detail if trial.seconds is None else f"{trial.seconds:.2f} s{', ' if detail else ''}{detail}"


def _code(trials: Sequence[Trial]) -> ExitCode:
    codes = {_CODES.get(trial.kind, ExitCode.USAGE) for trial in trials if trial.status == "failed"}
    return max(codes, default=ExitCode.OK)
