"""`handrail check`."""

from __future__ import annotations

import json as json_module
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handrail import LLMRails, RailsConfig, Registry
from handrail.errors import HandrailError

from handrail_cli._composed import describe
from handrail_cli._exit import ExitCode
from handrail_cli._missing import missing_in
from handrail_cli._packages import problems_of
from handrail_cli._parameters import Flag, configurations_in, one_path
from handrail_cli._served import registry_of, served
from handrail_cli._table import table, terminal_width, wrapped
from handrail_cli._visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from handrail.errors import Problem


def check(
    path: Path | None = None,
    /,
    *,
    config: Path | None = None,
    json: Flag = False,
) -> int:
    """Load a configuration and everything that it names, report every problem and what is missing; ask no model.

    Exit codes: 0 valid, 2 not valid.

    Args:
        path: A folder with a configuration, or its file; or a folder of such folders, each of which is checked.
        config: Another way to write PATH.
        json: Write JSON.
    """
    root, registry = one_path(path, config), Registry.discover()
    folders = configurations_in(root)
    results = [examine(folder, registry) for folder in folders or [root]]
    if json:
        shown = {"path": str(root), "configurations": results} if folders else results[0]
        sys.stdout.write(json_module.dumps(shown, indent=2) + "\n")
    else:
        sys.stdout.write(visible("\n\n".join("\n".join(_lines(result, terminal_width())) for result in results)) + "\n")
    return ExitCode.USAGE if any(result["problems"] for result in results) else ExitCode.OK


def examine(path: Path, registry: Registry) -> dict[str, Any]:
    """Return what a configuration composes, or its problems; and, if it can be read, who serves what it names."""
    try:
        config = RailsConfig.from_path(path)
    except HandrailError as error:
        return {"path": str(path), "problems": _problems(error)}
    try:
        rails = LLMRails(config, registry=registry)
    except HandrailError as error:
        names = served(config, registry_of(config, registry))
        return {"path": str(path), "problems": _problems(error), "names": names}
    found = {"path": str(path), "problems": [], "names": served(config, rails.composition.registry), **describe(rails)}
    found["warnings"] += [f"{name['where']}: {name['problem']}" for name in found["names"] if name["problem"]]
    return found


def _problems(error: HandrailError) -> list[dict[str, Any]]:
    return list(map(_problem, problems_of(error)))


def _problem(problem: Problem) -> dict[str, Any]:
    told: dict[str, Any] = {"message": problem.message.rstrip("\n"), "code": problem.code}
    if (missing := missing_in(problem)) is not None:
        told["missing"] = missing
    elif problem.subject:
        told |= {"subject": problem.subject, "fix": problem.fix} if problem.fix else {"subject": problem.subject}
    if problem.place is None:
        return told
    file, line, column = problem.place
    return {"file": file, "line": line, "column": column, **told}


def _lines(result: Mapping[str, Any], width: int | None) -> Iterator[str]:
    section = partial(_section, width=width)
    if result["problems"]:
        yield from _lines_of_problems(result, width)
        return
    yield f"{result['path']} is valid"
    yield from section("models", [_model(model) for model in result["models"]])
    for direction in ("input", "output"):
        rails = result[f"{direction}_rails"]
        yield from section(
            f"{direction} rails{_order(result, direction, rails)}",
            [(rail["flow"], rail["plugin"], _how(rail)) for rail in rails],
        )
    if result["output_rails"]:
        yield from section("channels of an answer", [*_channels(result)])
    yield from section("observers", [(observer["name"], observer["plugin"]) for observer in result["observers"]])
    yield from section("streaming", [(_streaming(result),)])
    yield from section("tokens", [(f"counted with {result['tokens']}",)])
    yield from section("notes", [(note,) for note in result["notes"]])
    yield from section("warnings", [(warning,) for warning in result["warnings"]])


def _lines_of_problems(result: Mapping[str, Any], width: int | None) -> Iterator[str]:
    problems = result["problems"]
    for problem in problems:
        place = f"{problem['file']}:{problem['line']}:{problem['column']}: " if "file" in problem else ""
        for line in problem["message"].splitlines():
            yield from wrapped(f"{place}{line}", width=width)
            place = ""
    yield from _section("names", [_server_of(name) for name in result.get("names", ())], width=width)
    yield from _section("missing", list(_missing(problems)), width=width)
    unread = "names" not in result and any("file" in problem for problem in problems)
    more = "; engines, rails and prompts are checked once the file can be read" if unread else ""
    yield from wrapped(f"{result['path']}: {len(problems)} problem{'s' * (len(problems) != 1)}{more}", width=width)


def _model(model: Mapping[str, Any]) -> tuple[str, ...]:
    more = ", ".join(_asked(model))
    return model["type"], f"{model['engine']}/{model['model']}".rstrip("/"), model["plugin"], *([more] if more else [])


def _asked(model: Mapping[str, Any]) -> Iterator[str]:
    """Yield how a model is asked, as far as its server or the configuration says more than usual."""
    if "api" in model:
        yield f"api: {model['api']}"
    if "concurrency" in model:
        yield f"rails ask at most {model['concurrency']} at once"
    if "breaker" in model:
        yield f"not for {model['breaker']['seconds']:g} s after {model['breaker']['failures']} failures in a row"
    if "fallback" in model:
        yield f"while it is down {', then '.join(model['fallback'])}"


def _server_of(name: Mapping[str, Any]) -> tuple[str, ...]:
    return name["kind"], name["name"], name["plugin"] or "not installed"


def _missing(problems: list[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    """Yield what is missing, each thing once."""
    found = [tuple(problem["missing"].values()) for problem in problems if "missing" in problem]
    yield from dict.fromkeys(found)


def _section(title: str, rows: list[tuple[str, ...]], *, width: int | None) -> Iterator[str]:
    if rows:
        yield title
        yield from table(rows, indent="  ", width=width)


def _order(result: Mapping[str, Any], direction: str, rails: list[Any]) -> str:
    if len(rails) < 2:  # one rail has no order
        return ""
    return ", all at once" if result[f"{direction}_parallel"] else ", one after the other"


def _how(rail: Mapping[str, Any]) -> str:
    if rail["kind"] == "stream":
        how = "stream rail: holds back only text that may still match"
    elif (window := rail["window"]) is None:
        how = "sees the message whole"
    else:
        how = f"{_windows(window)}, {rail['max_concurrency']} at once"
    for asked in rail["asks"]:
        instead = "" if asked["type"] == asked["model_type"] else f", since there is no {asked['type']}"
        how += f", asks {asked['model_type']}{instead}"
    timeout = "" if rail["kind"] == "stream" else f", {rail['timeout']:g} s each"
    notes = [f", a failure {'passes' if rail['on_error'] == 'allow' else 'blocks'}"]
    if rail["mode"] == "observe":
        notes = [", only observes: what it would have done is recorded, and the text goes out"]
    if rail["stream_first"]:
        notes.append(", text goes out before it is checked")
    return how + timeout + "".join(notes)


def _channels(result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each channel and who guards it."""
    for channel, rails in result["channels"].items():
        unguarded = "guarded by no rail"
        if channel in result["withheld"]:
            unguarded += "; the server and `handrail chat` withhold it (rails.output.deliver_unguarded)"
        yield channel.replace("_", " "), ", ".join(rails) or unguarded


def _windows(window: Mapping[str, Any]) -> str:
    by = f"windows by {window['strategy']} ({window['strategy_plugin']})"
    if "chunk_size" in window:
        return (
            f"{by}: at most {window['chunk_size']} tokens, {window['context_size']} of them overlap, "
            f"{window['hold_size']} held, first after {window['first_chunk_size']}"
        )
    own = {key: value for key, value in window.items() if not key.startswith("strategy")}
    return f"{by}: {', '.join(f'{key} {value}' for key, value in own.items()) or 'its own sizes'}"


def _streaming(result: Mapping[str, Any]) -> str:
    if not result["output_rails"]:
        return "unguarded: there are no output rails"
    return "enabled for output rails" if result["streaming"] else "not enabled for output rails"
