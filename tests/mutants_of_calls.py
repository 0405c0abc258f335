"""Mutants of what is around the engine in a call: who may leave, what closes, who judges instead, what is kept."""

from __future__ import annotations

from collections.abc import Sequence

from mutant import Group, Mutant


def _group(names: Sequence[str], mutants: Sequence[Mutant]) -> Group:
    return Group("core/src/handrail", [f"core/tests/test_{name}.py" for name in names], mutants)


LEAVING = _group(
    ("closing", "pushed", "promises_consumers", "ownership", "synchronous"),
    [
        Mutant("let a call begin after closing", "_call/lifetime.py", "self._closed = True", "pass"),
        Mutant(
            "close without cutting what still runs",
            "_call/lifetime.py",
            "if scope.cancelled_caught:\n            for call in tuple(self._running):",
            "if False:\n            for call in tuple(self._running):",
        ),
        Mutant("wait for calls of a loop that has ended", "_call/lifetime.py", "if call.is_stranded:", "if False:"),
        Mutant(
            "have a call last as long as it likes",
            "_call/lifetime.py",
            "self._call_off = call_at(self.deadline, self._expire)",
            "pass",
        ),
        Mutant(
            "let a rail close what it is part of",
            "_call/lifetime.py",
            "return self in _inside.get() or (self._is_inside is not None and self._is_inside())",
            "return False",
        ),
        Mutant(
            "tell a rail of no time limit but its loop's",
            "_turn.py",
            "return min(anyio.current_effective_deadline(), DEADLINE.get())",
            "return anyio.current_effective_deadline()",
        ),
        Mutant(
            "read on for a consumer who has forgotten the stream",
            "_stream/owner.py",
            "weakref.finalize(consumer, end).atexit = False",
            "pass",
        ),
        Mutant(
            "lose what a finish had that was cancelled",
            "_call/fed.py",
            "self._kept.extendleft(reversed(events))",
            "pass",
        ),
        Mutant(
            "take a piece after the end",
            "_call/fed.py",
            "if self._finished:\n            raise",
            "if False:\n            raise",
        ),
    ],
)
SPECULATING = _group(
    ("llmrails_speculative", "promises_cancelling"),
    [
        Mutant(
            "a provider that is read ahead and cancelled from inside has ended well",
            "_stream/speculation.py",
            "self._error = cancelled_inside(self._provider)",
            "pass",
        ),
        Mutant(
            "read ahead without a limit",
            "_stream/speculation.py",
            "while self._pending >= self._max_pending:",
            "while False:",
        ),
        Mutant(
            "give out an answer whose question was rewritten",
            "_call/call.py",
            "return ahead if self._conversation is asked else self._generate()",
            "return ahead",
        ),
    ],
)
HISTORY = _group(
    ("llmrails_history", "stateful"),
    [
        Mutant(
            "share a verdict between callers",
            "_call/inputs.py",
            "self._kept.scope(turn.caller, ",
            "self._kept.scope(None, ",
        ),
        Mutant(
            "keep what a rail has let pass that failed",
            "_call/inputs.py",
            "if not any(run.error is not None for run in own.rail_runs):",
            "if True:",
        ),
        Mutant(
            "go on though the turn rests on what was refused",
            "_call/inputs.py",
            "if isinstance(found.stop, RailFailed) or (found.refused and unit.is_current):",
            "if isinstance(found.stop, RailFailed):",
        ),
        Mutant(
            "keep any number of verdicts",
            "_compose/kept_verdicts.py",
            "while self._size > self._most_bytes or len(self._sealed) > self._most_entries:",
            "while False:",
        ),
        Mutant(
            "forget what a rail has noted of its input",
            "_turn.py",
            "replace(self, state=self._states.setdefault(rail, {}))",
            "replace(self, state={})",
        ),
    ],
)
JUDGES = _group(
    ("judges_down", "prices"),
    [
        Mutant(
            "ask a model that has always failed",
            "_compose/breaking.py",
            "return self._failures >= self.settings.failures",
            "return False",
        ),
        Mutant(
            "let what a user writes keep a judge from being asked",
            "_compose/breaking.py",
            "return not isinstance(error, _OF_THE_REQUEST)",
            "return True",
        ),
        Mutant(
            "take a judge that is too slow for one that is there",
            "_compose/breaking.py",
            "self._end(failed=True if is_late() else None)",
            "self._end(failed=None)",
        ),
        Mutant(
            "ask with all requests at once whether a model is there again",
            "_compose/breaking.py",
            "and (left > 0 or self._probing)",
            "and left > 0",
        ),
        Mutant("run any number of requests at once", "_compose/breaking.py", "if self._free:", "if True:"),
        Mutant(
            "lose the slot of a request that was cancelled",
            "_compose/breaking.py",
            "            self._give()\n            raise",
            "            raise",
        ),
        Mutant(
            "ask nobody in the place of a model that is down",
            "_compose/model.py",
            "*others, last = (self, *self.fallback)",
            "*others, last = (self,)",
        ),
        Mutant("make a bill of an estimate", "_prices.py", "if usage is None or usage.estimated:", "if usage is None:"),
    ],
)
SCORES = _group(
    ("records", "cascade"),
    [
        Mutant(
            "let pass what reaches the threshold",
            "_stream/outcome.py",
            "if verdict.score >= threshold:",
            "if verdict.score > threshold:",
        ),
        Mutant(
            "ask a judge at the end of its range, too",
            "_compose/cascade.py",
            "self._low <= score < self._high",
            "self._low <= score <= self._high",
        ),
        Mutant(
            "let pass what no judge is asked about",
            "_compose/cascade.py",
            "return replace(verdict, score=None, detail=detail)",
            "return Verdict.allow()",
        ),
    ],
)
FUNCTIONS = _group(
    ("llmrails_functions", "promises_rewriting"),
    [
        Mutant(
            "take a text of a function that makes none",
            "_compose/functions.py",
            "if not self._rewrites and result != window.text:",
            "if False:",
        ),
        Mutant(
            "put together the whole of what a function makes of parts",
            "_compose/functions.py",
            "return DEFERRED",
            "return Verdict.rewrite([Edit(window.context_start, window.end, text)])",
        ),
    ],
)
OBSERVERS = _group(
    ("observers",),
    [
        Mutant(
            "tell more to an observer that has failed",
            "_telling.py",
            'self._hooks[name] = tuple(other for other in hooks if getattr(other, "__self__", other) is not failed)',
            "pass",
        ),
        Mutant(
            "tell twice that a call has ended",
            "_telling.py",
            "if self._over or not self._begun:",
            "if not self._begun:",
        ),
    ],
)
SHARED = _group(
    ("shared",),
    [
        Mutant("open for each who asks", "_compose/shared.py", "if kept is None or kept.is_over():", "if True:"),
        Mutant("wait for what may never open", "_compose/shared.py", "self._scope.cancel()", "pass"),
    ],
)
PLUGINS = _group(
    ("registry", "lock"),
    [
        Mutant("take the first of two plugins", "_plugins/registry.py", "if len(offers) > 1:", "if False:"),
        Mutant("import what no configuration wants", "_plugins/registry.py", "if only is not None:", "if False:"),
        Mutant("pass over a misspelt hook", "_plugins/discovery.py", "    _refuse_misspelt(manager)\n", ""),
        Mutant("pass over a hook without its marker", "_plugins/discovery.py", "    _refuse_unmarked(plugin)\n", ""),
        Mutant(
            "let a plugin that fails take others along",
            "_plugins/discovery.py",
            "return Plugin(name, point.distribution, point.version, module, problem=reason(exc), cause=exc)",
            "raise",
        ),
        Mutant(
            "take another version of a locked plugin",
            "_plugins/lock.py",
            "if locked.version != found.version:",
            "if False:",
        ),
    ],
)
GROUPS = (LEAVING, SPECULATING, HISTORY, JUDGES, SCORES, FUNCTIONS, OBSERVERS, SHARED, PLUGINS)
