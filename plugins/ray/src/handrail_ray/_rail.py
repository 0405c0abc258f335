"""The rail that stands in a configuration for one that runs in Ray: it asks the replicas, and waits for them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import anyio
from handrail import Verdict
from handrail.errors import PluginContractError, RailBusyError, RailError, RailTimeoutError

from handrail_ray._naming import deployment_name
from handrail_ray._transport import BusyError, UnreachableError
from handrail_ray._wire import calls_of, of_turn, of_window, verdict_of

if TYPE_CHECKING:
    from handrail import PlacementContext, Turn, Window

    from handrail_ray._settings import RaySettings
    from handrail_ray._transport import Transport
    from handrail_ray._wire import Plain

_PAUSE, _LONGEST_PAUSE = 0.05, 1.0  # seconds between two attempts
_PATIENCE = 0.8  # of the time that is left, after which an attempt that fails is the last


class RayRail:
    """A rail that runs in replicas of a deployment.

    A replica that dies or cannot be reached is asked again, or another one, while there is time for it; a check changes
    nothing, so that it may be asked twice. A full queue fails at once, for asking again would only fill it more.

    Attributes:
        settings: where and how the rail runs.
        flow: the flow's text.
        direction: the list of flows in which it stands.
        deployment: the name of its deployment.
    """

    def __init__(self, settings: RaySettings, context: PlacementContext) -> None:
        self.settings = settings
        self.flow = context.flow
        self.direction = context.rail.direction
        self.deployment = deployment_name(context.rail.direction, context.flow)
        self._name = context.rail.name
        self._timeout = context.timeout
        self._context = context.rail

    async def check(self, window: Window, turn: Turn) -> Verdict:
        """Judge a window in a replica."""
        answer = await self._ask({"window": of_window(window), "turn": of_turn(turn, self._name)}, turn)
        return self._verdict(answer, turn)

    def open(self, turn: Turn) -> RaySession:
        """Start a stream, for a rail that keeps a state."""
        return RaySession(self, turn)

    async def judge_next(self, session: str, windows: list[Plain], turn: Turn) -> Verdict:
        """Judge the last of a stream's windows in a replica, which may have seen none, some or all before it."""
        told, missing = of_turn(turn, self._name), len(windows) - 1
        while True:
            request = {"turn": told, "session": session, "from": missing, "windows": windows[missing:]}
            answer = await self._ask(request, turn)
            found = answer.get("missing_from")
            if found is None:
                return self._verdict(answer, turn)
            if type(found) is not int or not 0 <= found < len(windows):
                text = f"rail {self._name!r}: the replica asked for windows that there are not"
                raise RailError(text, rail=self._name)
            missing = found

    async def _ask(self, request: Mapping[str, Any], turn: Turn) -> Plain:
        clock, pause = anyio.current_time, _PAUSE
        begun = clock()
        until = min(begun + self._timeout, turn.deadline or begun + self._timeout)
        while True:
            try:
                transport = await self._transport()
                return await transport.ask({**request, "within": max(until - clock(), 0.0)})
            except BusyError as exc:
                raise RailBusyError(f"rail {self._name!r}: {exc}", rail=self._name) from exc
            except UnreachableError as exc:
                if clock() + pause > begun + _PATIENCE * (until - begun):
                    raise RailError(f"rail {self._name!r}: {exc}", rail=self._name) from exc
            await anyio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _transport(self) -> Transport:
        key = ("handrail_ray", self.settings.address, self.settings.app, self.deployment)
        if self.settings.is_http:
            from handrail_ray._http import over_http

            return await self._context.shared(key, lambda: over_http(self.settings, self.deployment))
        from handrail_ray._handle import by_handle

        return await self._context.shared(key, lambda: by_handle(self.settings, self.deployment))

    def _verdict(self, answer: Plain, turn: Turn) -> Verdict:
        try:
            for call in calls_of(answer.get("calls", ())):
                turn.journal.asked(call)
                turn.journal.answered(call)
            turn.state.update(answer.get("state", {}))
        except (AttributeError, KeyError, TypeError, ValueError):
            raise RailError(f"rail {self._name!r}: the replica's answer makes no sense", rail=self._name) from None
        failure = answer.get("failed")
        if failure is not None:
            raise _error_of(failure, self._name)
        return verdict_of(answer.get("verdict"), self._name)


class RaySession:
    """The windows of one stream, kept so that a replica that has not seen them can be told."""

    def __init__(self, rail: RayRail, turn: Turn) -> None:
        self._rail = rail
        self._turn = turn
        self._id = secrets.token_hex(12)
        self._windows: list[Plain] = []

    async def check(self, window: Window) -> Verdict:
        """Judge the next window."""
        self._windows.append(of_window(window))
        return await self._rail.judge_next(self._id, self._windows, self._turn)


def _error_of(failure: object, rail: str) -> Exception:
    """Return the failure of a rail where it runs, as it would be here."""
    told = failure if isinstance(failure, Mapping) else {}
    text = f"{told.get('type', 'an error')} where it runs: {told.get('text', '')}".rstrip(": ")
    detail = told.get("detail") if isinstance(told.get("detail"), Mapping) else None
    if told.get("kind") == "contract":
        return PluginContractError(text)
    if told.get("kind") == "busy":
        return RailBusyError(f"rail {rail!r}: {text}", rail=rail)
    if told.get("kind") == "timed out":
        return RailTimeoutError(f"rail {rail!r}: {text}", rail=rail)
    return RailError(f"rail {rail!r}: {text}", rail=rail, detail=detail)
