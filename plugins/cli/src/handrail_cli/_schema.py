"""`handrail schema`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from handrail import ConfigurationError, Registry
from handrail.config import json_schema

from handrail_cli._exit import ExitCode


def schema(*, output: Path | None = None) -> int:
    """Write the JSON Schema of a configuration, with the settings of the installed plugins, for an editor.

    Exit codes: 0 written, 2 the file cannot be written.

    Args:
        output: The file to write to, instead of the output.
    """
    text = json.dumps(json_schema(Registry.discover()), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        sys.stdout.write(text)
        return ExitCode.OK
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"--output {str(output)!r} cannot be written: {error.strerror}") from error
    return ExitCode.OK
