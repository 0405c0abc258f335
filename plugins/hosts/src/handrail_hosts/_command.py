"""`handrail open-webui`."""

from __future__ import annotations

from pathlib import Path


def open_webui(config: Path, /, *, title: str = "Handrail") -> int:
    """Print the filter to paste into Open WebUI.

    Exit codes: 0 printed, 2 wrong usage or configuration.

    Args:
        config: The configuration, where Open WebUI will find it.
        title: The filter's name in Open WebUI.
    """
    from handrail_hosts._open_webui_file import filter_file

    print(filter_file(str(config), title=title), end="")  # noqa: T201  # it is what the command is for
    return 0
