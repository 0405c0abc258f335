"""`handrail chat`."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from handrail import ConfigurationError, LLMRails, RailsConfig, Registry

from handrail_cli._exit import ExitCode
from handrail_cli._interrupt import Runner, leaving_when_stuck
from handrail_cli._json_lines import JsonLines
from handrail_cli._loop import Loop
from handrail_cli._main_model import with_main_model
from handrail_cli._notes import Notes, shown_log
from handrail_cli._parameters import Flag, Variables, one_configuration
from handrail_cli._reading import TerminalReader, reader
from handrail_cli._screen import Screen
from handrail_cli._session import Session
from handrail_cli._variables import variables_of

if TYPE_CHECKING:
    from handrail_cli._reading import Reader


def chat(
    path: Path | None = None,
    /,
    *,
    config: Path | None = None,
    streaming: Flag = False,
    model: str | None = None,
    message: str | None = None,
    variable: Variables = (),
    json: Flag = False,
    verbose: Flag = False,
) -> int:
    """Chat with a guarded model.

    Exit codes, for --message and for messages from a pipe:
    0 answered, 2 wrong usage or configuration, 3 blocked by a rail,
    4 a rail failed, 5 the model failed, 130 stopped with Ctrl-C.

    Args:
        path: A folder with a configuration, or its file.
        config: Another way to write PATH.
        streaming: Show the answer as the rails release it, instead of all at its end.
        model: ENGINE/MODEL to ask in place of the configured main model.
        message: Ask this, show the answer, and exit.
        variable: NAME=TEXT, NAME=@FILE or NAME:=JSON: a context variable for rails and prompts. May be repeated.
        json: Write one JSON object a line for each event.
        verbose: Show checks, tokens and times after each answer, and the log.
    """
    notes = Notes()
    view = JsonLines(notes=notes, verbose=verbose) if json else Screen(notes=notes, verbose=verbose)
    with shown_log(notes, logging.INFO if verbose else logging.WARNING):
        if message is not None and not message.strip():
            raise ConfigurationError("--message is empty; write what is to be asked")
        variables = variables_of(variable)
        rails = _load(one_configuration(path, config), model)
        if streaming:
            rails.stream("")  # raises now, and not after the first question, if the configuration does not allow it
        return _run(rails, Session(rails, view, whole=not streaming, variables=variables), view, message)


def _run(rails: LLMRails, session: Session, view: Screen | JsonLines, message: str | None) -> int:
    slow = partial(view.note, "The model has not stopped yet. Press Ctrl-C again to leave at once.")
    with Runner(slow) as runner, leaving_when_stuck():
        try:
            with leaving_when_stuck():
                if message is None:
                    return _converse(session, view, runner, rails.config)
                answer = runner.run(partial(session.ask, message))
                return ExitCode.INTERRUPTED if answer is None else answer.code
        finally:
            runner.run(partial(rails.aclose, drain=0))


def _load(path: Path, model: str | None) -> LLMRails:
    config, registry = RailsConfig.from_path(path), Registry.discover()
    if model is not None:
        config = with_main_model(config, model, registry)
    if config.model_for("main") is None:
        raise ConfigurationError(f"{path}: no model of type 'main' is configured; add one to 'models', or use --model")
    return LLMRails(config, registry=registry)


def _converse(session: Session, view: Screen | JsonLines, runner: Runner, config: RailsConfig) -> ExitCode:
    lines: Reader = reader()
    typed = isinstance(lines, TerminalReader)
    if typed:
        view.note(_greeting(config))
    try:
        code = Loop(session, view, lines, runner).run()
    finally:
        lines.close()
    if typed and code is not ExitCode.INTERRUPTED:
        return ExitCode.OK
    return code


def _greeting(config: RailsConfig) -> str:
    main = config.model_for("main")
    model = "/".join(filter(None, (main.engine, main.model))) if main is not None else "no model"
    sides = (("input", config.input_flows), ("output", config.output_flows))
    rails = [f"{side} rails: {', '.join(flow.text for flow in flows)}" for side, flows in sides if flows]
    if config.output_flows and config.rails.output.streaming.stream_first:
        rails.append("text is shown before it is checked")
    return f"{model}, {'; '.join(rails) or 'no rails'}. /help lists commands."
