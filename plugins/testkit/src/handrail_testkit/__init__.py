"""What authors of plugins test with: conformance classes, fixtures, a server that speaks OpenAI's protocol.

Names are imported when they are first used, so that pytest can prepare the conformance classes before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_testkit._certificates import Authority as Authority
    from handrail_testkit._clock import VirtualLoop as VirtualLoop
    from handrail_testkit._clock import virtual_backend as virtual_backend
    from handrail_testkit._completions import Completion as Completion
    from handrail_testkit._contexts import provider_context as provider_context
    from handrail_testkit._delivered import Delivered as Delivered
    from handrail_testkit._delivered import delivered as delivered
    from handrail_testkit._distribution_suite import DistributionConformance as DistributionConformance
    from handrail_testkit._distribution_suite import PluginConformance as PluginConformance
    from handrail_testkit._host_case import HostAnswer as HostAnswer
    from handrail_testkit._host_case import HostCase as HostCase
    from handrail_testkit._host_case import HostModel as HostModel
    from handrail_testkit._host_case import HostRequest as HostRequest
    from handrail_testkit._host_case import ModelFailure as ModelFailure
    from handrail_testkit._host_case import host_rails as host_rails
    from handrail_testkit._host_suite import HostConformance as HostConformance
    from handrail_testkit._http import Received as Received
    from handrail_testkit._oracle import OracleRail as OracleRail
    from handrail_testkit._pieces import pieces_of as pieces_of
    from handrail_testkit._pieces import stream_of as stream_of
    from handrail_testkit._provider_case import ProviderCase as ProviderCase
    from handrail_testkit._provider_suite import ProviderConformance as ProviderConformance
    from handrail_testkit._rail_case import RailCase as RailCase
    from handrail_testkit._server import ProtocolServer as ProtocolServer
    from handrail_testkit._strategy_case import StrategyCase as StrategyCase
    from handrail_testkit._strategy_suite import StrategyConformance as StrategyConformance
    from handrail_testkit._stream_rail_suite import StreamRailConformance as StreamRailConformance
    from handrail_testkit._window_rail_suite import WindowRailConformance as WindowRailConformance
    from handrail_testkit.replies import Ending as Ending
    from handrail_testkit.replies import Pause as Pause
    from handrail_testkit.replies import Reply as Reply

_HOMES = {
    "_certificates": ("Authority",),
    "_clock": ("VirtualLoop", "virtual_backend"),
    "_completions": ("Completion",),
    "_contexts": ("provider_context",),
    "_delivered": ("Delivered", "delivered"),
    "_distribution_suite": ("DistributionConformance", "PluginConformance"),
    "_host_case": ("HostAnswer", "HostCase", "HostModel", "HostRequest", "ModelFailure", "host_rails"),
    "_host_suite": ("HostConformance",),
    "_http": ("Received",),
    "_oracle": ("OracleRail",),
    "_pieces": ("pieces_of", "stream_of"),
    "_provider_suite": ("ProviderConformance",),
    "_provider_case": ("ProviderCase",),
    "_rail_case": ("RailCase",),
    "replies": ("Ending", "Pause", "Reply"),
    "_server": ("ProtocolServer",),
    "_strategy_case": ("StrategyCase",),
    "_strategy_suite": ("StrategyConformance",),
    "_stream_rail_suite": ("StreamRailConformance",),
    "_window_rail_suite": ("WindowRailConformance",),
}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
