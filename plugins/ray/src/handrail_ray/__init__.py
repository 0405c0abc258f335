"""Rails that run in a Ray cluster, as deployments of Ray Serve.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_ray._rail import RayRail as RayRail
    from handrail_ray._serving import application as application
    from handrail_ray._settings import Autoscale as Autoscale
    from handrail_ray._settings import RaySettings as RaySettings

_HOMES = {
    "_rail": ("RayRail",),
    "_serving": ("application",),
    "_settings": ("Autoscale", "RaySettings"),
}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
