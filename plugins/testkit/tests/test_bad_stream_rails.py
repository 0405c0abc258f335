"""Stream rails that are bad on purpose: each fails the tests of the rules that it breaks, and no others."""

from __future__ import annotations

import pytest
from handrail_testkit import StreamRailConformance, WindowRailConformance

PARTS = '''
    from __future__ import annotations

    import asyncio
    import time
    from dataclasses import replace

    import pytest
    from handrail import Edit, Registry, Ruling, Verdict
    from handrail.plugins import RailSpec, hookimpl
    from handrail_testkit import RailCase, StreamRailConformance

    INSTALLED = Registry.discover()
    WORD, TYPO = "bomb", "zz"


    @pytest.fixture
    def anyio_backend():
        return "asyncio"


    def is_asyncio():
        try:
            return asyncio.get_running_loop() is not None
        except RuntimeError:
            return False


    class Session:
        """Blocks a word and replaces another by a letter; holds what may become one of them."""

        def __init__(self, rail):
            self.rail, self.held, self.start = rail, "", 0

        def feed(self, text):
            return self.ruled(self.held + text, final=False)

        def finish(self):
            return self.ruled(self.held, final=True)

        def ruled(self, text, *, final):
            out, edits, at = [], [], 0
            while at < len(text):
                if text.startswith(WORD, at):
                    span = (self.start + at, self.start + at + len(WORD))
                    return Ruling("".join(out), Verdict.block("it says it", span=span), tuple(edits))
                if text.startswith(TYPO, at):
                    edits.append(Edit(self.start + at, self.start + at + len(TYPO), "s"))
                    out.append("s")
                    at += len(TYPO)
                    continue
                rest = text[at : at + len(WORD)]
                if not final and (WORD.startswith(rest) or TYPO.startswith(rest)):
                    break
                out.append(text[at])
                at += 1
            self.held, self.start = text[at:], self.start + at
            return Ruling("".join(out), None, tuple(edits))


    class Good:
        session = Session

        def __init__(self, settings, context):
            self.settings = settings

        def open(self, turn):
            return self.session(self)


    class Suite(StreamRailConformance):
        rail = Good
        broken = None

        @pytest.fixture
        def case(self):
            return self.make_case(self.rail, failing=self.make_case(self.broken) if self.broken else None)

        def make_case(self, kind, **more):
            class Plugin:
                @hookimpl
                def handrail_rails(self):
                    yield RailSpec("word check", kind)

            return RailCase(
                "word check",
                registry=INSTALLED.with_plugins(Plugin()),
                allows=("All is well.", "a bo to z"),
                blocks=("a bomb here", "bzzbomb"),
                rewrites={"fizz buzz": "fis bus", "zzz": "sz"},
                **more,
            )


    class TestGood(Suite):
        pass


    class Raises(Good):
        class session(Session):
            def feed(self, text):
                raise OSError("the service is down")


    class TestGoodThatCanFail(Suite):
        broken = Raises


    class TestHasOneSessionForAll(Suite):
        class rail(Good):
            def __init__(self, settings, context):
                self.only = Session(self)

            def open(self, turn):
                self.only.__init__(self)
                return self.only


    class TestLoadsInEachSession(Suite):
        class rail(Good):
            def open(self, turn):
                self.words = {str(number) for number in range(1500) if str(number) != WORD}
                for number in range(1500):
                    self.words.add(number)
                return super().open(turn)


    class TestHasAListInEachSession(Suite):
        class rail(Good):
            def open(self, turn):
                session = super().open(turn)
                session.words = list(range(20_000))
                return session


    class TestChangesTheVariables(Suite):
        class rail(Good):
            def open(self, turn):
                turn.variables["checked"] = True
                return super().open(turn)


    class TestEndsWithAFullStop(Suite):
        class rail(Good):
            class session(Session):
                fed = False

                def feed(self, text):
                    self.fed |= bool(text)
                    return super().feed(text)

                def finish(self):
                    return super().finish() if self.fed else Ruling(".")


    class TestKnowsNoSurrogates(Suite):
        class rail(Good):
            class session(Session):
                def feed(self, text):
                    text.encode()
                    return super().feed(text)


    class TestLooksAtEachPieceAlone(Suite):
        class rail(Good):
            class session(Session):
                def feed(self, text):
                    ruling = self.ruled(text, final=True)
                    self.start += len(self.held)
                    self.held = ""
                    return ruling


    class TestHoldsTooLittle(Suite):
        class rail(Good):
            class session(Session):
                """Remembers what was before, but lets it out at once."""

                def __init__(self, rail):
                    super().__init__(rail)
                    self.out = 0

                def feed(self, text):
                    ruling = super().feed(text)
                    early = self.held[self.out :] if ruling.block is None else ""
                    skipped, self.out = self.out, len(self.held)
                    return Ruling(ruling.text[skipped:] + early, ruling.block, ruling.edits)

                def finish(self):
                    ruling = super().finish()
                    return Ruling(ruling.text[self.out :], ruling.block, ruling.edits)


    class TestHidesItsEdits(Suite):
        class rail(Good):
            class session(Session):
                def ruled(self, text, *, final):
                    ruling = super().ruled(text, final=final)
                    return Ruling(ruling.text, ruling.block)


    class TestReportsEditsOfNothing(Suite):
        class rail(Good):
            class session(Session):
                def ruled(self, text, *, final):
                    start, ruling = self.start, super().ruled(text, final=final)
                    same = (Edit(start, start + 1, ruling.text[0]),) if ruling.text and not ruling.edits else ()
                    return Ruling(ruling.text, ruling.block, ruling.edits + same)


    class TestSaysThingsTwice(Suite):
        class rail(Good):
            class session(Session):
                said = ""

                def feed(self, text):
                    ruling = super().feed(text)
                    self.said += ruling.text
                    return ruling

                def finish(self):
                    ruling = super().finish()
                    return Ruling(self.said + ruling.text, ruling.block, ruling.edits)


    class TestCountsBytes(Suite):
        class rail(Good):
            class session(Session):
                more = 0

                def feed(self, text):
                    self.more += len(text.encode("utf-8", "replace")) - len(text)
                    ruling = super().feed(text)
                    if ruling.block is None or ruling.block.span is None:
                        return ruling
                    start, end = ruling.block.span
                    return replace(ruling, block=Verdict.block(span=(start + self.more, end + self.more)))


    class TestSharesWhatItHolds(Suite):
        class rail(Good):
            class session(Session):
                @property
                def held(self):
                    return self.rail.held

                @held.setter
                def held(self, text):
                    self.rail.held = text


    class TestWaitsForTheEnd(Suite):
        class rail(Good):
            class session(Session):
                def feed(self, text):
                    self.held += text
                    return self.ruled(self.held, final=True) if WORD in self.held else Ruling()


    class TestKeepsTheWholeText(Suite):
        class rail(Good):
            class session(Session):
                seen = ""

                def feed(self, text):
                    self.seen += text
                    return super().feed(text)


    class TestCountsFromTheBeginning(Suite):
        class rail(Good):
            class session(Session):
                seen = 0

                def feed(self, text):
                    self.seen += len(text)
                    for _ in range(self.seen):
                        pass
                    return super().feed(text)


    class TestAllowsWhatItCannotJudge(Suite):
        class broken(Good):
            class session(Session):
                def feed(self, text):
                    return Ruling(text)


    class TestIsNoStreamRail(Suite):
        class broken(Raises):
            def open(self, turn):
                raise OSError


    class TestHoldsUpTheLoop(Suite):
        class rail(Good):
            class session(Session):
                def feed(self, text):
                    time.sleep(0.0001)
                    return super().feed(text)


    class TestLeavesATask(Suite):
        class rail(Good):
            def open(self, turn):
                if is_asyncio():
                    self.task = asyncio.get_running_loop().create_task(asyncio.sleep(0))
                return super().open(turn)


    class TestRemembersWhatItBlocked(Suite):
        class rail(Good):
            angry = 0

            class session(Session):
                def ruled(self, text, *, final):
                    if self.rail.angry and "All is" in text:
                        return Ruling("", Verdict.block("it said a word before"))
                    ruling = super().ruled(text, final=final)
                    self.rail.angry += ruling.block is not None
                    return ruling
'''

OPENS = "test_it_opens_a_session_for_each_stream"
CHEAP = "test_opening_a_session_costs_next_to_nothing"
PIECES = "test_the_outcome_does_not_hang_on_the_pieces"
TRUE = "test_what_is_out_is_true_whatever_comes"
EDITS = "test_edits_say_what_was_rewritten"
BEFORE = "test_no_character_of_a_violation_is_out_before_it_is_seen"
APART = "test_sessions_know_nothing_of_one_another"
HELD = "test_harmless_text_is_not_held_for_long"
KEPT = "test_what_a_session_keeps_does_not_grow"
LINEAR = "test_the_cost_is_linear_in_the_text"
RAISED = "test_a_failure_is_raised_and_no_ruling"
ALLOWED = "test_allowed_text_is_delivered_as_it_is"
BLOCKED = "test_blocked_text_is_never_delivered"
REWRITTEN = "test_rewritten_text_is_delivered_exactly"
IN_LONG = "test_examples_in_a_long_text_fare_the_same"
BESIDE = "test_streams_at_the_same_time_do_not_mix"
AFTER = "test_a_stream_leaves_no_trace_in_the_next"
INDEPENDENT = "test_rails_of_one_kind_are_independent"
CHARACTERS = "test_places_are_counted_in_characters"
CANNOT = "test_a_rail_that_cannot_do_its_work_lets_nothing_pass"

BROKEN = {
    "TestHasOneSessionForAll": {OPENS, APART, BESIDE},
    "TestLoadsInEachSession": {CHEAP},
    "TestHasAListInEachSession": {CHEAP},
    "TestChangesTheVariables": {"test_what_a_session_is_given_stays_as_it_was"},
    "TestEndsWithAFullStop": {"test_an_end_without_text_is_an_end", EDITS},
    "TestKnowsNoSurrogates": {"test_any_text_can_be_fed"},
    "TestLooksAtEachPieceAlone": {PIECES, TRUE, BEFORE, BLOCKED, REWRITTEN},
    "TestHoldsTooLittle": {PIECES, TRUE, EDITS, BEFORE, ALLOWED, BLOCKED, REWRITTEN, IN_LONG},
    "TestHidesItsEdits": {EDITS},
    "TestReportsEditsOfNothing": {EDITS},
    "TestSaysThingsTwice": {ALLOWED, EDITS, IN_LONG, REWRITTEN, KEPT},
    "TestCountsBytes": {CHARACTERS},
    "TestSharesWhatItHolds": {APART, BESIDE},
    "TestWaitsForTheEnd": {HELD, KEPT},
    "TestKeepsTheWholeText": {KEPT},
    "TestCountsFromTheBeginning": {LINEAR},
    "TestAllowsWhatItCannotJudge": {RAISED, CANNOT},
    "TestIsNoStreamRail": {RAISED},
    "TestHoldsUpTheLoop": {"test_the_event_loop_is_not_held_up"},
    "TestLeavesATask": {"test_no_task_is_left_behind"},
    "TestRemembersWhatItBlocked": {AFTER, INDEPENDENT, PIECES, TRUE, IN_LONG},
}
OF_ANY_RAIL = StreamRailConformance.suite_tests & WindowRailConformance.suite_tests


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
def test_each_bad_rail_fails_the_tests_of_the_rules_that_it_breaks(failures, assert_each_bites, anyio_backend):
    assert_each_bites(failures(PARTS, only=BROKEN), BROKEN, StreamRailConformance, elsewhere=OF_ANY_RAIL)


@pytest.mark.heavy
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
def test_each_bad_rail_passes_all_other_tests(failures, assert_each_bites, anyio_backend):
    assert_each_bites(failures(PARTS), BROKEN, StreamRailConformance, elsewhere=OF_ANY_RAIL)
