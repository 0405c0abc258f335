"""The stage of a stream rail: its session reads each character once and says at once what is final."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any, TypeGuard

from handrail._foreign import ENDS_A_PROGRAM
from handrail._stream.edits import OffsetMap
from handrail._stream.outcome import kind_of, rail_error, sound_block
from handrail._stream.steps import Failure, Stop
from handrail._stream.trail import Faithful, Trail
from handrail._types import Channel, Edit, Ruling, Verdict
from handrail.errors import PluginContractError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from handrail._content import Piece
    from handrail._protocols import Session
    from handrail._stream.plan import RailPlan
    from handrail._stream.steps import Step
    from handrail._turn import Turn


class SessionStage:
    """Feeds a session and passes on what it lets through.

    Attributes:
        due: 0, for a session looks at whatever comes at once.
        length: characters that have come in.
        held, running, unchecked: 0, for what a session holds is its own, and it answers at once.
        went_past: 0, for it is there from the beginning.
        stop, cause: how the stage ended the stream, and the error behind it.
        map: where offsets of the text lie after the rail's edits, as far as it has told.
    """

    due = held = running = unchecked = went_past = 0
    retract = follower = None

    def __init__(self, plan: RailPlan, turn: Turn, channel: Channel) -> None:
        self.stop: Stop | None = None
        self.cause: BaseException | None = None
        self.map = OffsetMap()
        self._plan = plan
        self._turn = turn
        self._channel = channel
        self.length = 0
        self._trail: Trail | None = None
        self._raw = _Held()  # kept only where `on_error: allow` may have to let it pass
        self._open = True
        self._session: Session | None = None
        self._faithful = Faithful() if plan.observes else None
        self._quick: Callable[[str], object] | None = None  # its `feed`, where nothing need be kept for a failure
        self._run = plan.record(channel, time.time())

    @property
    def plans(self) -> list[RailPlan]:
        """The rail of the stage."""
        return [self._plan]

    def note_pieces(self) -> None:
        """Begin to note which pieces of its text go out; before any has come in."""
        self._trail = Trail()

    def take_pieces(self) -> list[Piece]:
        """Return the pieces of its text that went out since the last time."""
        return [] if self._trail is None else self._trail.take()

    def receive(self, text: str, step: Step) -> None:
        """Never called, for a session leaves nothing in a buffer."""
        raise NotImplementedError

    def open(self, step: Step) -> None:
        """Open the session."""
        journal = self._turn.journal
        journal.rail_runs.append(self._run)
        if journal.telling is not None:
            journal.telling.check_begun(self._run)
        try:
            session: Any = self._plan.rail.open(self._turn.for_rail(self._plan.rail_id.text))  # type: ignore[union-attr]  # a plan for this stage has `open`
            if not callable(getattr(session, "feed", None)) or not callable(getattr(session, "finish", None)):
                kind = type(session).__name__
                hint = "; register it with stateful=True" if callable(getattr(session, "check", None)) else ""
                raise PluginContractError(
                    f"open() returned a {kind}; it must return an object with feed and finish{hint}"
                )
        except ENDS_A_PROGRAM:
            raise
        except BaseException as exc:  # noqa: BLE001  # the plugin boundary: a failure becomes an event
            self._fail(exc, step)
        else:
            self._session = session
            self._quick = None if self._plan.allow_on_error or self._plan.observes else session.feed

    def take(self, text: str, step: Step, *, finished: bool) -> tuple[str, bool]:
        """Take text; return what is final now, and whether that was all."""
        if not self._open:
            return "", False
        if self._trail is not None and text:
            self._trail.feed(text)
        if self._faithful is not None:
            self._faithful.feed(text)
        if self._session is None:  # it failed, and the configuration lets the text pass
            passed = self._passed(text)
            return (passed + self._rest(), True) if finished else (passed, False)
        out = ""
        try:
            if text:
                out = self._feed(self._session, text)
            if finished and self._open:
                out += self._judge(self._session.finish())
        except ENDS_A_PROGRAM:
            raise
        except BaseException as exc:  # noqa: BLE001  # the plugin boundary, as above
            out += self._fail(exc, step)
        if finished and self._open:
            self._close()
            return out + self._rest(), True
        return out, False

    def _feed(self, session: Session, text: str) -> str:
        self.length += len(text)
        if self._plan.allow_on_error:
            self._raw.append(text)
        ruling = session.feed(text)
        if self._quick is not None and self._trail is None and _is_plain(ruling):
            return ruling.text
        return self._judge(ruling)

    def transform(self, text: str, step: Step) -> str:
        """Take text that is not the last; return what is final now."""
        if self._quick is not None and text:
            self.length += len(text)
            try:
                ruling = self._quick(text)
                if type(ruling) is Ruling and ruling.block is None and not ruling.edits and type(ruling.text) is str:
                    return ruling.text
                return self._judge(ruling)
            except ENDS_A_PROGRAM:
                raise
            except BaseException as exc:  # noqa: BLE001  # the plugin boundary, as above
                return self._fail(exc, step)
        return self.take(text, step, finished=False)[0]

    def _judge(self, ruling: object) -> str:
        """Return what a ruling lets out; note its edits and its block."""
        if type(ruling) is not Ruling:
            raise PluginContractError(f"the session returned a {type(ruling).__name__}; it must return a Ruling")
        if not isinstance(ruling.text, str) or not isinstance(ruling.edits, tuple | list):
            raise PluginContractError("the session must return a Ruling with a text and a tuple of edits")
        block = ruling.block
        if block is not None and not (isinstance(block, Verdict) and block.decision == "block"):
            raise PluginContractError("the session returned a Ruling whose block is not Verdict.block(...)")
        if self._faithful is not None:
            self._faithful.passed(ruling)
        if ruling.edits:
            if self._faithful is None:
                self._run.decision = "rewrite"
            self.map.add(ruling.edits)
        if self._plan.allow_on_error:
            grown = sum(len(edit.replacement) - (edit.end - edit.start) for edit in ruling.edits)
            self._raw.drop(len(ruling.text) - grown)
        if block is not None:
            self._block(sound_block(block, self._plan))
        return self._passed("".join((ruling.text,)), ruling.edits)  # a subclass of str becomes plain text

    def _passed(self, text: str, edits: Sequence[Edit] = ()) -> str:
        return text if self._trail is None else self._trail.passed(text, edits)

    def _rest(self) -> str:
        return "" if self._trail is None else self._trail.finish()

    def _block(self, verdict: Verdict) -> None:
        self._run.decision = "block"
        self._run.note_verdict(verdict)
        self._close()
        self.stop = self._plan.blocked(verdict, self._channel)

    def _fail(self, exc: BaseException, step: Step) -> str:
        """End the stream, or return what the session held if the configuration lets it pass."""
        run, plan = self._run, self._plan
        error, reason = rail_error(plan, exc)
        run.note_failure(str(error), kind_of(exc))
        run.detail, run.allowed_on_error = error.detail, plan.allow_on_error
        step.failures.append(Failure(plan.name, plan.plugin, reason, passes=plan.allow_on_error or plan.observes))
        self._session = self._quick = None
        if plan.allow_on_error:
            return self._passed(self._raw.take())
        self._close()
        self.stop, self.cause = plan.failed(str(error), self._channel, kind=kind_of(exc)), exc
        return ""

    def leave(self) -> None:
        """Note how far it came in a stream that something else has ended."""
        if self._open:
            self._run.characters, self._run.window = self.length, (0, self.length)
            self._run.finished_at = self._run.finished_at or time.time()

    def _close(self) -> None:
        self._open, self._quick = False, None
        self._run.characters, self._run.window = self.length, (0, self.length)
        self._run.finished_at = time.time()
        if self._faithful is not None:
            self._faithful.conclude(self._run)
        if self._turn.journal.telling is not None:
            self._turn.journal.telling.check_ended(self._run)


class _Held:
    """What a session holds: it may be a whole answer, of which nothing is copied for each piece that comes."""

    __slots__ = ("_pieces",)

    def __init__(self) -> None:
        self._pieces: deque[str] = deque()

    def append(self, text: str) -> None:
        """Add what goes into the session."""
        self._pieces.append(text)

    def drop(self, count: int) -> None:
        """Forget so many characters, which came out."""
        pieces = self._pieces
        while count > 0 and pieces:
            first = pieces.popleft()
            if len(first) > count:
                pieces.appendleft(first[count:])
            count -= len(first)

    def take(self) -> str:
        """Return what is left, and forget it."""
        text = "".join(self._pieces)
        self._pieces.clear()
        return text


def _is_plain(ruling: object) -> TypeGuard[Ruling]:
    """Return whether a ruling does nothing but let text out."""
    return type(ruling) is Ruling and ruling.block is None and not ruling.edits and type(ruling.text) is str
