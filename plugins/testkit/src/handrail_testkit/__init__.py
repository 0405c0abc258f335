"""What authors of plugins test with: conformance classes, fixtures, a server that speaks OpenAI's protocol.

Names are imported when they are first used, so that pytest can prepare the conformance classes before.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handrail_testkit._certificates import Authority as Authority
    from handrail_testkit._completions import Completion as Completion
    from handrail_testkit._contexts import provider_context as provider_context
    from handrail_testkit._http import Received as Received
    from handrail_testkit._provider import ProviderConformance as ProviderConformance
    from handrail_testkit._provider_case import ProviderCase as ProviderCase
    from handrail_testkit._server import ProtocolServer as ProtocolServer
    from handrail_testkit.replies import Ending as Ending
    from handrail_testkit.replies import Pause as Pause
    from handrail_testkit.replies import Reply as Reply

_HOMES = {
    "_certificates": ("Authority",),
    "_completions": ("Completion",),
    "_contexts": ("provider_context",),
    "_http": ("Received",),
    "_provider": ("ProviderConformance",),
    "_provider_case": ("ProviderCase",),
    "replies": ("Ending", "Pause", "Reply"),
    "_server": ("ProtocolServer",),
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names}

__version__ = "0.1.0"
__all__ = sorted([*_MODULES, "__version__"])  # noqa: PLE0605  # built from the one table above


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
