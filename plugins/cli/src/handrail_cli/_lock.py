"""`handrail lock`."""

from __future__ import annotations

import sys
from pathlib import Path

from handrail import ConfigurationError, Lock

from handrail_cli._exit import ExitCode
from handrail_cli._parameters import Flag, one_path


def lock(path: Path | None = None, /, *, config: Path | None = None, check: Flag = False) -> int:
    """Record which plugins are installed: distributions, versions and hashes of their files, in handrail.lock.

    `handrail server` does not start if the file exists and anything differs.

    Exit codes: 0 written, or nothing differs, 2 something differs.

    Args:
        path: The folder of the configurations, or a configuration's file; the lock is written beside it.
        config: Another way to write PATH.
        check: Compare with the lock that is there, and write nothing.
    """
    place = Lock.file_of(one_path(path, config))
    if check:
        if not place.is_file():
            raise ConfigurationError(f"{place} does not exist; write it with 'handrail lock'")
        Lock.refuse_changed(place.parent)
        return ExitCode.OK
    installed = Lock.of_installed()
    try:
        place.write_text(installed.text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{place} cannot be written: {error.strerror}") from error
    sys.stdout.write(f"{place}: {len(installed.distributions)} distributions\n")
    return ExitCode.OK
