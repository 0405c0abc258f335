"""Serve scripted models over OpenAI's protocol: `python -m handrail_testkit NAME=ANSWERS.yml ... [--port 8123]`."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.errors import ConfigurationError, message_of
from handrail_scripted import ScriptedProvider

from handrail_testkit._server import ProtocolServer

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until the process is told to end."""
    parser = argparse.ArgumentParser(prog="python -m handrail_testkit", description=__doc__)
    parser.add_argument("models", nargs="+", metavar="NAME=ANSWERS.yml", help="a model and the file of its answers")
    parser.add_argument("--host", default="127.0.0.1", help="by default 127.0.0.1")
    parser.add_argument("--port", type=int, default=8123, help="by default 8123; 0 takes a free one")
    parser.add_argument("--key", help="refuse requests with another key")
    parser.add_argument("--tokens-per-second", type=float, default=60, help="by default 60; 0: as fast as possible")
    options = parser.parse_args(arguments)
    try:
        models = dict(_model(text, options.tokens_per_second) for text in options.models)
    except (ConfigurationError, ValueError) as exc:
        parser.error(message_of(exc))
    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())
    with ProtocolServer(models=models, key=options.key, host=options.host, port=options.port) as server:
        print(f"serving {', '.join(models)} at {server.base_url}", flush=True)  # noqa: T201  # it is a command
        ended.wait()


def _model(text: str, tokens_per_second: float) -> tuple[str, ScriptedProvider]:
    name, equals, file = text.rpartition("=")
    if not (name and equals):
        raise ValueError(f"{text!r} is not NAME=ANSWERS.yml")
    answers = str(Path(file).absolute())
    return name, ScriptedProvider({"answers": answers, "tokens_per_second": tokens_per_second})


if __name__ == "__main__":
    main()
