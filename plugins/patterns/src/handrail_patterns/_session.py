"""One stream's session: holds what is undecided, acts on what matches, and gives all the rest at once."""

from __future__ import annotations

from typing import Protocol

from handrail import Edit, RailRun, Ruling, Turn, Verdict
from handrail.errors import StreamClosedError

from handrail_patterns._clusters import Clusters
from handrail_patterns._fold import FoldedStream
from handrail_patterns._hit import Found, Scan
from handrail_patterns._markup import has_mark, has_sign
from handrail_patterns._rendered import RenderedScan

STEP = 1024
"""Limits are checked at every so many characters of the whole text, so that the outcome does not hang on its pieces."""

MOST_HELD = 131_072
"""Matches that overlap one another without an end are held up to here; then the stream is blocked."""

_NOTHING_YET = Ruling()
_FLAGGED = "the text matches {name!r}"
_UNENDED = "the text has a {name!r} without an end: everything from its beginning was withheld"


class PatternSession:
    """What a rail of this package does with one stream.

    The definition, which the way in which the text is cut cannot change: a rule's matches are those that
    `re.finditer` gives on the whole text. Matches that overlap, of one rule or several, count as one, on which the
    strictest of their actions is taken. All other text is delivered as it came.
    """

    __slots__ = (
        "_closed",
        "_clusters",
        "_decided",
        "_end",
        "_fold",
        "_held",
        "_late",
        "_markup",
        "_most_held",
        "_next_step",
        "_note",
        "_piece",
        "_rendered",
        "_scan",
        "_shown",
        "_start",
        "_waiting",
    )

    def __init__(
        self,
        scan: Scan,
        fold: FoldedStream | None,
        note: NoteFlag,
        *,
        most_held: int | None = MOST_HELD,
        markup: bool = False,
    ) -> None:
        self._scan = scan
        self._fold = fold
        self._note = note
        self._markup = markup  # whether matches count, too, in what markup shows
        self._piece = ""  # the newest that was not empty: its last character is what a mark may stand after
        self._rendered: RenderedScan | None = None  # looks at that, where it is another text
        self._shown: list[Found] = []  # what it has found
        self._most_held = most_held  # None for an input, all of which is in memory anyway
        self._held = ""  # what is not delivered yet
        self._late: list[str] = []  # what has come since, not joined to it yet
        self._start = 0  # where _held begins in the whole text
        self._end = 0  # where it ends
        self._decided = 0  # the place before which all matches are known
        self._clusters = Clusters()  # the matches that reach beyond _start, in places of the original
        self._waiting = False  # whether there are any
        self._next_step = STEP
        self._closed = False

    def feed(self, text: str) -> Ruling:
        """Take the next characters; return what is final now.

        Raises:
            StreamClosedError: the stream has ended, or was blocked.
        """
        if self._closed:
            raise StreamClosedError("text came after the end of the stream; open a session for each stream")
        if self._end + len(text) >= self._next_step:
            return self._feed_in_steps(text)
        return self._take(text)

    def finish(self) -> Ruling:
        """No more will come: return everything that is still held.

        Raises:
            StreamClosedError: the stream has ended already, or was blocked.
        """
        if self._closed:
            raise StreamClosedError("the stream was ended twice; open a session for each stream")
        self._closed = True
        self._scan.finish()
        if self._rendered is not None:
            self._rendered.finish()
            self._shown.extend(self._rendered.found)
        self._decided = self._end
        self._join()
        return self._deliver()

    def _feed_in_steps(self, text: str) -> Ruling:
        texts: list[str] = []
        edits: list[Edit] = []
        block: Verdict | None = None
        place = 0
        while place < len(text) and block is None:
            room = self._next_step - self._end
            ruling = self._take(text[place : place + room])
            texts.append(ruling.text)
            edits.extend(ruling.edits)
            block = ruling.block
            if self._end == self._next_step and block is None:
                self._next_step += STEP
                if (late := self._look_again()) is not None:
                    texts.append(late.text)
                    edits.extend(late.edits)
                    block = late.block
                block = block or self._block_if_overdue()
            place += room
        return Ruling("".join(texts), block, tuple(edits))

    def _take(self, text: str) -> Ruling:
        fold, scan = self._fold, self._scan
        if self._markup:
            if self._rendered is None and has_sign(text) and has_mark(self._piece[-1:] + text):
                self._rendered = RenderedScan(scan, fold, self._end, self._piece[-1:])
            self._piece = text or self._piece
        if fold is None or (fold.side_by_side and fold.leaves_alone(text)):
            decided = scan.feed(text)
            self._end += len(text)
            return self._settle(text, decided)
        place = scan.feed(fold.feed(text, self._end))
        self._end += len(text)
        return self._settle_folded(text, place, fold)

    def _settle_folded(self, text: str, place: int, fold: FoldedStream) -> Ruling:
        """Return what is final, given the place in the folded text; only then may its beginning be forgotten."""
        ruling = self._settle(text, fold.origin(place))
        fold.forget(place)
        return ruling

    def _settle(self, text: str, decided: int) -> Ruling:
        """Return what is final now that everything before a place is decided."""
        if self._rendered is not None:
            decided = self._look_at_shown(self._rendered, text, decided)
        start = self._start
        if decided == start and not self._scan.found and not self._shown:
            self._late.append(text)  # a long hold is not copied with each piece
            return _NOTHING_YET
        held = self._join(text)
        self._decided = decided
        if self._scan.found or self._shown or self._waiting:
            return self._deliver()
        self._start = decided
        if decided == self._end:
            self._held = ""
            return Ruling(held)
        self._held = held[decided - start :]
        return Ruling(held[: decided - start])

    def _look_at_shown(self, rendered: RenderedScan, text: str, decided: int) -> int:
        """Return the place before which everything is decided in what is written, given it, and in what markup shows.

        While something is undecided in one of the two, it begins in that one alone, however alike they are since.
        """
        place = rendered.feed(text)
        self._shown.extend(rendered.found)
        rendered.found.clear()
        if rendered.is_over and decided == self._end:
            self._rendered = None
        return min(decided, place)

    def _join(self, text: str = "") -> str:
        if self._late:
            self._late.append(text)
            self._held += "".join(self._late)
            self._late = []
        else:
            self._held += text
        return self._held

    def _deliver(self) -> Ruling:
        """Return everything up to the first match, or possible match, that is not decided in full."""
        self._collect()
        texts: list[str] = []
        edits: list[Edit] = []
        while (cluster := self._clusters.first()) is not None and cluster.start <= self._decided:
            action = cluster.strictest.rule.action
            if action.name == "block":
                texts.append(self._cut(cluster.start))
                return Ruling("".join(texts), self._blocked(cluster.strictest), tuple(edits))
            if cluster.end > self._decided:
                self._decided = cluster.start
                break
            texts.append(self._cut(cluster.start))
            value = self._cut(cluster.end)
            if not cluster.strictest.rule.is_whole(value):
                self._note(cluster.strictest, _UNENDED)
            replacement = action.apply(value)
            edits.append(Edit(cluster.start, cluster.end, replacement))
            texts.append(replacement)
            self._clusters.drop_first()
        texts.append(self._cut(self._decided))
        self._waiting = cluster is not None
        return Ruling("".join(texts), None, tuple(edits))

    def _collect(self) -> None:
        """Take the new matches over, in places of the original; note those that are flagged, and no more."""
        found, self._scan.found = self._scan.found, []
        matches = list(map(self._in_original, found))
        if self._shown:
            known = {(match.start, match.end, match.rule.name) for match in matches}
            matches.extend(match for match in self._shown if (match.start, match.end, match.rule.name) not in known)
            self._shown = []
        for match in matches:
            if match.rule.action.name == "flag":
                self._note(match, _FLAGGED)
            else:
                self._clusters.add(match)

    def _in_original(self, match: Found) -> Found:
        if self._fold is None:
            return match
        return Found(self._fold.origin(match.start), self._fold.origin_of_end(match.end), match.rule)

    def _cut(self, end: int) -> str:
        size = end - self._start
        text, self._held = self._held[:size], self._held[size:]
        self._start = end
        return text

    def _blocked(self, match: Found) -> Verdict:
        self._closed = True
        name = match.rule.name
        return Verdict.block(f"the text matches {name!r}", category=name, span=(match.start, match.end))

    def _look_again(self) -> Ruling | None:
        """Look at a long hold before it is judged by its length, so that the outcome does not hang on the pieces."""
        if self._most_held is None or self._end - self._start <= self._most_held:
            return None
        if self._rendered is not None:
            self._rendered.look_again()
        place = self._scan.look_again()
        return self._settle("", place) if self._fold is None else self._settle_folded("", place, self._fold)

    def _block_if_overdue(self) -> Verdict | None:
        late = self._scan.overdue() or (None if self._rendered is None else self._rendered.overdue())
        if late is not None:
            name, limit = late.rule.name, late.rule.limit
            reason = f"a possible match of {name!r} is longer than its max_match of {limit:,} characters"
        elif self._most_held is not None and self._end - self._start > self._most_held:
            name, reason = "overlap", f"matches overlap one another over more than {self._most_held:,} characters"
        else:
            return None
        self._closed = True
        return Verdict.block(reason, category=name, span=(self._start, self._end))


class NoteFlag(Protocol):
    """Writes down a match that is flagged and nothing more, or that is withheld and has no end."""

    def __call__(self, match: Found, reason: str, /) -> None: ...


def flags_in_journal(turn: Turn, rail: str, direction: str) -> NoteFlag:
    """Return what writes flagged matches into the journal of a call."""

    def note(match: Found, reason: str, /) -> None:
        reason = reason.format(name=match.rule.name)
        span = (match.start, match.end)
        run = RailRun(rail, direction, "flag", reason=reason, category=match.rule.name, span=span)
        turn.journal.note(run)

    return note
