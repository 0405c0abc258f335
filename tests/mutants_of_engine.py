"""Mutants of the engine: the gate, the reader, the runners, and the strategy of its own."""

from __future__ import annotations

from pathlib import Path

from mutant import Group, Mutant

ROOT = Path(__file__).parents[1]
TESTS = [
    "core/tests/test_gate.py",
    "core/tests/test_stream.py",
    "core/tests/test_workers.py",
    "core/tests/test_invariants.py",
    "core/tests/test_rolling.py",
    "core/tests/test_observing_rails.py",
    "core/tests/test_slices.py",
    "core/tests/test_ownership.py",
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "core/tests").glob("test_promises_*.py")),
]

MUTANTS = [
    Mutant(
        "release a window early",
        "_stream/lanes.py",
        "self.cleared = max(self.cleared, lowered(clears, edits))",
        "self.cleared = max(self.cleared, lowered(window.end, edits))",
    ),
    Mutant(
        "take what the last window left for cleared", "_stream/lanes.py", "if self._window_end < length:", "if False:"
    ),
    Mutant(
        "release out of order",
        "_stream/lanes.py",
        "while waiting and self.stopped_by is None:",
        "while waiting and self.stopped_by is None and not waiting.rotate(-1):",
    ),
    Mutant(
        "one check at a time",
        "_stream/lanes.py",
        "while self.running < self.slots and self.refused is None and not stage.stopping:",
        "while self.running < 1 and self.refused is None and not stage.stopping:",
    ),
    Mutant(
        "apply an edit that the next window must see again",
        "_stream/lanes.py",
        "accepted = [edit for edit in edits if edit.end <= clears]",
        "accepted = list(edits)",
    ),
    Mutant(
        "forget an edit that is owed",
        "_stream/lanes.py",
        "self._owed = [edit for edit in edits if edit.end > clears]",
        "self._owed = []",
    ),
    Mutant(
        "forget what asked for an edit that is owed when a rail reads again",
        "_stream/lanes.py",
        "begins = self._passed[-1][1] if still_owed and self._passed else window.context_start",
        "begins = window.context_start",
    ),
    Mutant(
        "read again from where the text no longer is",
        "_stream/lanes.py",
        "return passed[0][1] if passed and passed[0][0] <= released else self._origin",
        "return passed[0][1] if passed and passed[0][0] <= released else 0",
    ),
    Mutant(
        "the first to answer is the verdict",
        "_stream/lanes.py",
        "return None if any(lane.busy and _place(lane) < _place(first) for lane in lanes) else first",
        "return first",
    ),
    Mutant(
        "release what one of several rails has cleared",
        "_stream/windows.py",
        "return min([lane.cleared for lane in holding], default=self.length)",
        "return max([lane.cleared for lane in holding], default=self.length)",
    ),
    Mutant(
        "judge as the whole what is left of the text",
        "_stream/windows.py",
        "first = 0 if may_judge_all else min(origins)",
        "first = min(origins)",
    ),
    Mutant(
        "keep what a session holds at its end",
        "_stream/sessions.py",
        "out += self._judge(self._session.finish())",
        "self._session.finish()",
    ),
    Mutant(
        "let a raise pass",
        "_stream/outcome.py",
        "passes = plan.allow_on_error and isinstance(outcome, Exception)",
        "passes = isinstance(outcome, Exception)",
    ),
    Mutant(
        "let what was cancelled from inside pass",
        "_stream/outcome.py",
        "passes = plan.allow_on_error and isinstance(outcome, Exception)",
        "passes = plan.allow_on_error or not isinstance(outcome, Exception)",
    ),
    Mutant(
        "wait forever for an end that nothing brings about", "_stream/gate.py", "elif not self.checking:", "elif False:"
    ),
    Mutant("begin a check after the end", "_stream/chains.py", "step.start.clear()", "pass"),
    Mutant(
        "forget to ask again when a slot comes free",
        "_stream/windows.py",
        "if self.stop is None and (was_full or self.finished or self._doubtful or lane.stage is not self):",
        "if self.stop is None and (self.finished or self._doubtful or lane.stage is not self):",
    ),
    Mutant(
        "call no worker for the checks that are left",
        "_stream/checker.py",
        "self._call(len(todo) if has_come and self._running else 1)",
        "self._call(0)",
    ),
    Mutant(
        "ask although the consumer has left",
        "_stream/checker.py",
        "if check.dropped or gate.ended:",
        "if check.dropped:",
    ),
    Mutant(
        "forget to close the provider",
        "_stream/reader.py",
        "await close_source(self.pieces, self._source.provider)",
        "pass",
    ),
    Mutant(
        "forget to close the provider without tasks",
        "_stream/pull.py",
        "await close_source(pieces, self._source.provider)",
        "pass",
    ),
    Mutant(
        "a provider that is cancelled from inside has ended well",
        "_stream/source.py",
        "return cancelled_inside(provider)",
        "return None",
    ),
    Mutant(
        "read on without a limit", "_stream/reader.py", "if came > self._pause_at or self._hurry:", "if self._hurry:"
    ),
    Mutant(
        "wait for room although only more text can help",
        "_stream/reader.py",
        "while room < enough and (gate.checking or (gate.step.items and not self._is_pushed)):",
        "while room < enough:",
    ),
    Mutant(
        "bound an answer only when reading pauses",
        "_stream/reader.py",
        "self._pause_at = min(came + room, self._max_characters - beside)",
        "self._pause_at = came + room",
    ),
    Mutant(
        "a second reader takes the place of the first", "_stream/pump.py", "if checker.taker is not None:", "if False:"
    ),
    Mutant(
        "a wait that was cancelled stays",
        "_stream/pump.py",
        "if checker.taker is wake:  # cancelled before there was anything, or the end",
        "if False:",
    ),
    Mutant(
        "refuse what a rail before may still take away",
        "_stream/windows.py",
        "other.cleared >= end  #",
        "other.passed_end >= end  #",
    ),
    Mutant(
        "forget a refusal that became certain at the end",
        "_stream/windows.py",
        "if self._doubtful and not self.stopping:  #",
        "if False:  #",
    ),
    Mutant(
        "let the last in order decide",
        "_stream/lanes.py",
        '_place = attrgetter("cleared", "rank")',
        "_place = lambda lane: (lane.cleared, -lane.rank)",
    ),
    Mutant("withdraw nothing", "_stream/gate.py", "self.step.items += retractions(self._chains)", "pass"),
    Mutant(
        "withdraw only what the rail has refused",
        "_stream/windows.py",
        "begins = [lane.cleared",
        "begins = [self.length",
    ),
    Mutant(
        "hold text for a rail that observes",
        "_stream/windows.py",
        "self._holding = [lane for lane in lanes if lane.holds]",
        "self._holding = [lane for lane in lanes if not lane.plan.stream_first]",
    ),
    Mutant(
        "let a rail that observes decide",
        "_stream/windows.py",
        "self._deciding = [lane for lane in lanes if not lane.plan.observes]",
        "self._deciding = lanes",
    ),
    Mutant("warn of a failure twice", "_stream/asking.py", "failures.clear()", "pass"),
    Mutant(
        "look at nothing before the end",
        "_stream/reader.py",
        "if came >= self._gate.due or self._gate.ended:",
        "if self._gate.ended:",
    ),
    Mutant(
        "forget text that is still needed",
        "_stream/kept.py",
        "drop = self.needed_from - self._base",
        "drop = len(self._text) - 1",
    ),
    Mutant(
        "take the end of a part for the end of the text",
        "_builtin/rolling.py",
        "closes = self._finished and not self._incoming",
        "closes = self._finished",
    ),
    Mutant("hold nothing", "_builtin/rolling.py", "self._clears = held", "self._clears = stop"),
    Mutant("repeat no context", "_builtin/rolling.py", "keep = self._back(end, self._context_size)", "keep = end"),
    Mutant(
        "let the time that is over overrule a verdict in hand",
        "_stream/outcome.py",
        'if timed_out and (verdict is None or (verdict.decision == "allow" and not plan.allow_on_timeout)):',
        "if timed_out:",
    ),
    Mutant(
        "take edits of a rail that makes none",
        "_stream/outcome.py",
        "if verdict.edits and not plan.rewrites:",
        "if False:",
    ),
    Mutant(
        "take an edit of what has passed",
        "_stream/lanes.py",
        "if fresh is None or any(edit.start < self.cleared for edit in fresh):",
        "if fresh is None:",
    ),
    Mutant(
        "go on with a text of which another beginning is out",
        "_stream/lanes.py",
        "return [Edit(self.cleared, window.end, whole[self.cleared :])] if whole.startswith(passed) else None",
        "return [Edit(self.cleared, window.end, whole[self.cleared :])]",
    ),
    Mutant(
        "take a check that is cancelled from inside for the caller's own end",
        "_stream/asking.py",
        "and cancelled_from_outside()",
        "and True",
    ),
    Mutant(
        "take a worker that a rail cancels for one of a loop that ends",
        "_stream/checker.py",
        "if cancelled_from_outside():",
        "if True:",
    ),
    Mutant(
        "let a rail wait for the end of its own stream",
        "_stream/pump.py",
        "if self._running[0].are_inside:",
        "if False:",
    ),
    Mutant("let a rail read its own stream", "_stream/pump.py", "if tasks.are_inside:", "if False:"),
    Mutant("warn of no failure", "_stream/asking.py", "failures = gate.step.failures", "failures = []"),
    Mutant(
        "count only what is held back",
        "_stream/reader.py",
        "pending = gate.unchecked + (",
        "pending = gate.held + (",
    ),
    Mutant(
        "have judges in order wait for one another",
        "_stream/plan.py",
        "return None if whole else (*before, (rail, rank + 1))",
        "return None",
    ),
    Mutant(
        "ask a plain function in a task",
        "_stream/plan.py",
        "return inspect.isroutine(check) and not inspect.iscoroutinefunction(check)",
        "return False",
    ),
    Mutant(
        "take for an answer what is to be awaited",
        "_stream/asking.py",
        "if type(outcome) is not Verdict and inspect.isawaitable(outcome):",
        "if False:",
    ),
    Mutant(
        "cut a word that fits",
        "_builtin/rolling.py",
        "fine += words(piece) if count > self._room else (piece,)",
        "fine += graphemes(piece) if count > self._room else (piece,)",
    ),
    Mutant("cut a grapheme", "_builtin/rolling.py", "parts = graphemes(word)", "parts = list(word)"),
    Mutant(
        "look for a window at each token",
        "_builtin/rolling.py",
        "self.needs = max(waiting // 4, needs) + 3",
        "self.needs = 0",
    ),
    Mutant(
        "look for the first window only when all of it must have come",
        "_builtin/rolling.py",
        "missing //= 2  # too early is better than too late, for somebody waits",
        "pass",
    ),
]

ENGINE = Group("core/src/handrail", TESTS, MUTANTS)
