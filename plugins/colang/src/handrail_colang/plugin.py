"""What the package offers to Handrail: the rails that a configuration has in its Colang files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from handrail import Registrations
    from handrail.config import RailsConfig
    from handrail.plugins import RailSpec


@hookimpl
def handrail_config_rails(config: RailsConfig, registrations: Registrations) -> Iterable[RailSpec] | None:
    """Offer the flows of the configuration, whose Python files are run first."""
    if not (config.colang_files or config.colang_content or config.action_files):
        return None
    from handrail_colang._rails import rails_of

    return rails_of(config, registrations)
