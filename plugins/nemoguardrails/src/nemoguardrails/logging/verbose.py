"""Shows more of what happens, for people at a terminal."""

from __future__ import annotations

import logging


def set_verbose(verbose: bool) -> None:  # noqa: FBT001  # the published signature
    """Log what Handrail has to say from now on, or only its warnings."""
    logging.getLogger("handrail").setLevel(logging.DEBUG if verbose else logging.WARNING)


__all__ = ["set_verbose"]
