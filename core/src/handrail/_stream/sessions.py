"""The stage of a stream rail: its session reads each character once and says at once what is final."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from handrail._events import RailFailed
from handrail._stream.edits import OffsetMap
from handrail._stream.sinks import NEVER
from handrail._turn import RailRun
from handrail._types import Channel, Ruling, Verdict
from handrail.errors import PluginContractError

if TYPE_CHECKING:
    from handrail._protocols import Session
    from handrail._stream.pipeline import Pipeline
    from handrail._stream.plan import RailPlan
    from handrail._stream.sinks import Stage


class SessionStage:
    """Feeds a session and passes on what it lets through."""

    due = NEVER

    def __init__(self, plan: RailPlan, host: Pipeline, down: Stage, channel: Channel) -> None:
        self._plan = plan
        self._host = host
        self._down = down
        self._channel = channel
        self._map = OffsetMap()
        self._fed = 0
        self._raw = ""  # what the session holds, kept only where `on_error: allow` may have to let it pass
        self._open = True
        self._passing = False  # True after a failure that `on_error: allow` lets pass
        self._run = RailRun(plan.name, plan.direction, started_at=time.time())
        host.turn.journal.rail_runs.append(self._run)
        self._session = self._opened()
        self.feed = self.take_in = self._make_feed()

    def look(self) -> None:
        """Do nothing: a session looks at whatever comes at once."""

    def _make_feed(self) -> Callable[[str], None]:
        """Make what is called for each chunk: as little as can be between the chunk and the session."""
        session, feed_down = self._session, self._down.feed
        if session is None or self._plan.allow_on_error:
            return self._feed_carefully
        feed_session = session.feed

        def feed(text: str) -> None:
            if not self._open:
                return
            self._fed += len(text)
            try:
                ruling = feed_session(text)
                if (
                    type(ruling) is not Ruling
                    or type(ruling.text) is not str
                    or ruling.block is not None
                    or ruling.edits
                ):
                    self._judge(ruling)
                    return
            except Exception as exc:  # noqa: BLE001  # the plugin boundary: a failure becomes an event that names the plugin
                self._fail(exc)
                return
            if out := ruling.text:
                feed_down(out)

        return feed

    def _feed_carefully(self, text: str) -> None:
        """Feed a session whose failure lets the text pass: remember what it holds."""
        if not self._open:
            return
        self._fed += len(text)
        if self._session is None:
            if self._passing:
                self._down.feed(text)
            return
        self._raw += text
        try:
            self._judge(self._session.feed(text))
        except Exception as exc:  # noqa: BLE001  # the plugin boundary, as above
            self._fail(exc)

    def finish(self) -> None:
        """Let the session say its last word."""
        if not self._open:
            return
        if self._session is not None:
            try:
                self._judge(self._session.finish())
            except Exception as exc:  # noqa: BLE001  # the plugin boundary, as in feed
                self._fail(exc)
        self._close()
        if not self._host.ended:
            self._down.finish()

    def to_delivered(self, offset: int) -> int:
        """Follow an offset through this rail's edits and on."""
        return self._down.to_delivered(self._map.to_output(offset))

    def _opened(self) -> Session | None:
        try:
            session = self._plan.rail.open(self._host.turn)  # type: ignore[union-attr]  # a plan for this stage has `open`
            if not callable(getattr(session, "feed", None)) or not callable(getattr(session, "finish", None)):
                raise PluginContractError(f"open() returned {session!r}; it must return an object with feed and finish")
        except Exception as exc:  # noqa: BLE001  # the plugin boundary, as in feed
            self._fail(exc)
            return None
        return session

    def _judge(self, ruling: Ruling) -> None:
        if type(ruling) is not Ruling or not isinstance(ruling.text, str):
            raise PluginContractError(f"the session returned {ruling!r}; it must return a Ruling")
        block = ruling.block
        if block is not None and (type(block) is not Verdict or block.decision != "block"):
            raise PluginContractError(
                f"the session returned a Ruling with block={block!r}; it must be Verdict.block(...)"
            )
        if ruling.edits:
            self._run.decision = "rewrite"
            self._map.add(ruling.edits)
        if ruling.text or ruling.edits:
            self._release(ruling)
        if block is not None and not self._host.ended:
            self._block(block)

    def _release(self, ruling: Ruling) -> None:
        if self._plan.allow_on_error:
            grown = sum(len(edit.replacement) - (edit.end - edit.start) for edit in ruling.edits)
            self._raw = self._raw[len(ruling.text) - grown :]
        if ruling.text:
            self._down.feed(ruling.text)

    def _block(self, verdict: Verdict) -> None:
        run, plan = self._run, self._plan
        run.decision, run.reason = "block", verdict.reason
        run.category, run.span = verdict.category, verdict.span
        self._close()
        self._host.end(plan.blocked(verdict, self._channel))

    def _fail(self, exc: Exception) -> None:
        run, plan = self._run, self._plan
        run.decision = "failed"
        run.error = f"{plan.plugin}: {type(exc).__name__}: {exc}"
        self._session = None
        if plan.allow_on_error:
            run.allowed_on_error = self._passing = True
            self._host.log_allowed(plan, run.error)
            raw, self._raw = self._raw, ""
            if raw:
                self._down.feed(raw)
            return
        self._close()
        self._host.end(RailFailed(plan.name, plan.direction, run.error, channel=self._channel), exc)

    def _close(self) -> None:
        self._open = False
        self._run.characters, self._run.window = self._fed, (0, self._fed)
        self._run.finished_at = time.time()
