"""The file that is pasted into Open WebUI."""

from __future__ import annotations

_FILE = '''"""
title: {title}
description: Handrail's rails around every model.
version: {version}
requirements: handrail-hosts>={minor},<{next_minor}
"""

from handrail_hosts.open_webui import make_filter

Filter = make_filter({config!r})
'''


def filter_file(config: str, *, title: str) -> str:
    """Return the file.

    Args:
        config: the path of the configuration where Open WebUI runs.
        title: the filter's name there.
    """
    from handrail_hosts import __version__

    major, minor, _ = __version__.split(".")
    return _FILE.format(
        title=" ".join(title.split()).replace('"', "'").replace("\\", "/"),
        version=__version__,
        minor=f"{major}.{minor}",
        next_minor=f"{major}.{int(minor) + 1}",
        config=config,
    )
