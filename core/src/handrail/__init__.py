"""Guardrails for language models that stream: nothing unchecked is delivered.

Names are imported when they are first used, so that `import handrail` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail._lazy import lazy_exports

if TYPE_CHECKING:
    from handrail._call.background import SyncStream as SyncStream
    from handrail._call.checking import RailsResult as RailsResult
    from handrail._call.checking import RailStatus as RailStatus
    from handrail._call.explain import Explanation as Explanation
    from handrail._call.fed import FedStream as FedStream
    from handrail._call.guarded import GuardedStream as GuardedStream
    from handrail._call.log import ActivatedRail as ActivatedRail
    from handrail._call.log import ExecutedAction as ExecutedAction
    from handrail._call.log import GenerationLog as GenerationLog
    from handrail._call.log import GenerationStats as GenerationStats
    from handrail._call.log import LLMCallInfo as LLMCallInfo
    from handrail._call.options import GenerationOptions as GenerationOptions
    from handrail._call.options import LogOptions as LogOptions
    from handrail._call.response import GenerationResponse as GenerationResponse
    from handrail._compose.completion import Completion as Completion
    from handrail._compose.composition import Composition as Composition
    from handrail._compose.composition import ObserverPlan as ObserverPlan
    from handrail._compose.contexts import ObserverContext as ObserverContext
    from handrail._compose.contexts import PlacementContext as PlacementContext
    from handrail._compose.contexts import ProviderContext as ProviderContext
    from handrail._compose.contexts import RailContext as RailContext
    from handrail._compose.functions import RailFunction as RailFunction
    from handrail._compose.functions import rewritten as rewritten
    from handrail._compose.inner import InnerRail as InnerRail
    from handrail._compose.model import Model as Model
    from handrail._compose.standalone import StandaloneRail as StandaloneRail
    from handrail._content import JUDGED_NAMES as JUDGED_NAMES
    from handrail._content import message_text as message_text
    from handrail._events import Blocked as Blocked
    from handrail._events import Event as Event
    from handrail._events import Finished as Finished
    from handrail._events import Outcome as Outcome
    from handrail._events import RailFailed as RailFailed
    from handrail._events import ReasoningDelta as ReasoningDelta
    from handrail._events import Retraction as Retraction
    from handrail._events import StreamError as StreamError
    from handrail._events import TextDelta as TextDelta
    from handrail._observers import CallEnded as CallEnded
    from handrail._observers import CallKind as CallKind
    from handrail._observers import CallOutcome as CallOutcome
    from handrail._observers import ObservedCall as ObservedCall
    from handrail._observers import Observer as Observer
    from handrail._observers import Released as Released
    from handrail._plugins.discovery import Plugin as Plugin
    from handrail._plugins.lock import Lock as Lock
    from handrail._plugins.lock import LockedDistribution as LockedDistribution
    from handrail._plugins.registrations import Registrations as Registrations
    from handrail._plugins.registry import Offer as Offer
    from handrail._plugins.registry import Registry as Registry
    from handrail._prices import Price as Price
    from handrail._protocols import Provider as Provider
    from handrail._protocols import Session as Session
    from handrail._protocols import StatefulWindowRail as StatefulWindowRail
    from handrail._protocols import Strategy as Strategy
    from handrail._protocols import StreamRail as StreamRail
    from handrail._protocols import WindowRail as WindowRail
    from handrail._protocols import WindowSession as WindowSession
    from handrail._rails import LLMRails as LLMRails
    from handrail._records import CheckRecord as CheckRecord
    from handrail._records import FailureKind as FailureKind
    from handrail._records import RailId as RailId
    from handrail._records import WouldHave as WouldHave
    from handrail._reloadable import ReloadableRails as ReloadableRails
    from handrail._request_id import request_id as request_id
    from handrail._specs import Direction as Direction
    from handrail._stream.plan import MakeStrategy as MakeStrategy
    from handrail._stream.plan import RailPlan as RailPlan
    from handrail._tokens import TokenCounter as TokenCounter
    from handrail._turn import Journal as Journal
    from handrail._turn import LLMCall as LLMCall
    from handrail._turn import RailRun as RailRun
    from handrail._turn import Turn as Turn
    from handrail._types import Channel as Channel
    from handrail._types import Chunk as Chunk
    from handrail._types import CountTokens as CountTokens
    from handrail._types import Decision as Decision
    from handrail._types import Edit as Edit
    from handrail._types import Message as Message
    from handrail._types import Ruling as Ruling
    from handrail._types import Span as Span
    from handrail._types import ToolCall as ToolCall
    from handrail._types import ToolCallDelta as ToolCallDelta
    from handrail._types import Usage as Usage
    from handrail._types import Verdict as Verdict
    from handrail._types import Window as Window
    from handrail.config import RailsConfig as RailsConfig
    from handrail.errors import ConfigurationError as ConfigurationError
    from handrail.errors import ContentError as ContentError
    from handrail.errors import HandrailError as HandrailError
    from handrail.errors import ProviderError as ProviderError
    from handrail.errors import RailError as RailError
    from handrail.errors import RailsClosedError as RailsClosedError
    from handrail.errors import StreamingNotSupportedError as StreamingNotSupportedError
    from handrail.errors import TimedOut as TimedOut

_HOMES = {
    "_call.background": ("SyncStream",),
    "_call.checking": ("RailsResult", "RailStatus"),
    "_call.explain": ("Explanation",),
    "_call.fed": ("FedStream",),
    "_call.guarded": ("GuardedStream",),
    "_call.log": ("ActivatedRail", "ExecutedAction", "GenerationLog", "GenerationStats", "LLMCallInfo"),
    "_call.options": ("GenerationOptions", "LogOptions"),
    "_call.response": ("GenerationResponse",),
    "_compose.completion": ("Completion",),
    "_compose.composition": ("Composition", "ObserverPlan"),
    "_compose.contexts": ("ObserverContext", "PlacementContext", "ProviderContext", "RailContext"),
    "_compose.functions": ("RailFunction", "rewritten"),
    "_compose.inner": ("InnerRail",),
    "_compose.model": ("Model",),
    "_compose.standalone": ("StandaloneRail",),
    "_content": ("JUDGED_NAMES", "message_text"),
    "_events": (
        "Blocked",
        "Event",
        "Finished",
        "Outcome",
        "RailFailed",
        "ReasoningDelta",
        "Retraction",
        "StreamError",
        "TextDelta",
    ),
    "_plugins.discovery": ("Plugin",),
    "_plugins.lock": ("Lock", "LockedDistribution"),
    "_plugins.registrations": ("Registrations",),
    "_plugins.registry": ("Offer", "Registry"),
    "_observers": ("CallEnded", "CallKind", "CallOutcome", "ObservedCall", "Observer", "Released"),
    "_prices": ("Price",),
    "_protocols": (
        "Provider",
        "Session",
        "StatefulWindowRail",
        "Strategy",
        "StreamRail",
        "WindowRail",
        "WindowSession",
    ),
    "_rails": ("LLMRails",),
    "_records": ("CheckRecord", "FailureKind", "RailId", "WouldHave"),
    "_reloadable": ("ReloadableRails",),
    "_request_id": ("request_id",),
    "_specs": ("Direction",),
    "_stream.plan": ("MakeStrategy", "RailPlan"),
    "_tokens": ("TokenCounter",),
    "_turn": ("Journal", "LLMCall", "RailRun", "Turn"),
    "_types": (
        "Channel",
        "Chunk",
        "CountTokens",
        "Decision",
        "Edit",
        "Message",
        "Ruling",
        "Span",
        "ToolCall",
        "ToolCallDelta",
        "Usage",
        "Verdict",
        "Window",
    ),
    "config": ("RailsConfig",),
    "errors": (
        "ConfigurationError",
        "ContentError",
        "HandrailError",
        "ProviderError",
        "RailError",
        "RailsClosedError",
        "StreamingNotSupportedError",
        "TimedOut",
    ),
}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
