"""The gate alone: rails judge what JSON says, wherever it is cut, and what they leave and change is valid JSON.

No character of what a document says comes twice, so whatever is lost, repeated or moved shows.
"""

from __future__ import annotations

import json

import pytest
from entropy import entropy, thorough
from handrail import Blocked, Chunk, Edit, Finished, RailFailed, Ruling, ToolCallDelta, Turn, Verdict
from handrail._content import AutoContent
from handrail._stream.gate import Gate
from handrail.errors import ContentError
from hypothesis import assume, given, note
from hypothesis import strategies as st
from model import Drive, Rules, Shape
from stacks import plan, shape_of, split, stack, text_of


class Calls(Drive):
    """Sends the pieces as arguments of a tool call."""

    channel = "tool_calls"

    @property
    def text(self):
        return "".join(item.arguments for item in self.items if isinstance(item, ToolCallDelta))

    def _send(self, piece):
        self.gate.read(Chunk(tool_calls=(ToolCallDelta(0, "call", "tool", piece),)))


class Texts(Drive):
    """Sends the pieces as text of the answer."""

    channel = "text"


def document(choices, leaves):
    """Write a document that says these leaves, in some way of the many that there are."""
    leaf = string(choices, leaves[0])
    rest = leaves[1:]
    space = choices.one_of(["", "", " ", "\n\t"])
    if not rest:
        return choices.one_of([f"[{leaf}]", f"[{space}{leaf}{space}]", f"[[{leaf}], {{}}]"])
    if choices.below(2):
        inner = document(choices, rest)
        return f"{{{space}{leaf}{space}:{space}{inner}}}"
    parts = ",".join([leaf, *(string(choices, other) for other in rest)])
    return f"[{space}{parts}{space}]{space}"


def string(choices, text):
    return '"' + "".join(f"\\u{ord(char):04x}" if choices.below(3) == 2 else char for char in text) + '"'


def leaves_of(choices, text):
    leaves, at = [], 0
    while at < len(text):
        size = choices.between(1, 12)
        leaves.append(text[at : at + size])
        at += size
    return leaves or [""]


def flat(value):
    if isinstance(value, dict):
        return [leaf for key, member in value.items() for leaf in (key, *flat(member))]
    return [leaf for member in value for leaf in flat(member)] if isinstance(value, list) else [value]


def shape(value):
    if isinstance(value, dict):
        return {"object": [shape(member) for member in value.values()]}
    return [shape(member) for member in value] if isinstance(value, list) else "leaf"


def lines_are_left_alone(rails):
    """The line feeds between leaves are the one character that comes more than once, so no rule is about them."""
    rules = [rule for rail in rails.rails if isinstance(rail, Rules) for rule in rail.rules]
    return all(rule.phrase.strip() and rule.evidence.strip() for rule in rules)


def reaching(rails, text):
    """Yield each rail with the text that reaches it."""
    for rail in rails:
        yield rail, text
        text = rail.on_whole(text)


def refusing(rail):
    return [rule for rule in rail.rules if rule.replacement is None] if isinstance(rail, Rules) else []


def guarding(drive, plans):
    return [
        plan(name, one.rail, None, channels=(drive.channel,))
        if one.make_strategy is None
        else plan(
            name,
            one.rail,
            one.make_strategy.args[0],
            channels=(drive.channel,),
            rewrites=one.rewrites,
            max_concurrency=one.max_concurrency,
        )
        for name, one in enumerate(plans)
    ]


@thorough
@given(entropy, st.sampled_from([Calls, Texts]))
def test_what_rails_make_of_a_document_is_what_they_make_of_its_content(choices, drive):
    leaves = leaves_of(choices, text_of(choices))
    raw, content = document(choices, leaves), "\n".join(leaves)
    rails = stack(choices, content, refuses=False)
    assume(lines_are_left_alone(rails))
    note(f"{raw!r} {[rail.__dict__ for rail in rails.rails]}")
    expected, _ = rails.whole(content)
    states = []
    driven = drive(
        Gate(guarding(drive, rails.plans), Turn()), choices, rails.answer, lambda drive: states.append(drive.text)
    )
    driven.run(split(choices, raw))
    delivered = driven.text
    assert all(delivered.startswith(state) for state in states)
    if expected == content:
        assert delivered == raw
    after = json.loads(delivered)
    assert shape(after) == shape(json.loads(raw))
    assert "".join(flat(after)).replace("\n", "") == expected.replace("\n", "")
    assert isinstance(driven.items[-1], Finished)


@thorough
@given(entropy, st.sampled_from([Calls, Texts]))
def test_what_is_refused_of_a_document_does_not_go_out(choices, drive):
    leaves = leaves_of(choices, text_of(choices))
    raw, content = document(choices, leaves), "\n".join(leaves)
    rails = stack(choices, content, refuses=True)
    assume(lines_are_left_alone(rails))
    note(f"{raw!r} {[rail.__dict__ for rail in rails.rails]}")
    _, refuse = rails.whole(content)
    driven = drive(Gate(guarding(drive, rails.plans), Turn()), choices, rails.answer)
    driven.run(split(choices, raw))
    assert isinstance(driven.gate.stop, Blocked) == bool(refuse)
    said = AutoContent().feed(driven.text)
    for rail, reached in reaching(rails.rails, content):
        assert not any(rule.phrase in said for rule in refusing(rail) if rule.applies(reached))


@thorough
@given(entropy)
def test_a_rail_is_shown_every_key_and_leaf_of_a_document(choices):
    leaves = leaves_of(choices, text_of(choices))
    raw, seen = document(choices, leaves), []

    def answer(check):
        window = check.window
        seen.append((window.start, window.text[window.start - window.context_start :]))
        return Verdict.allow(), False

    driven = Calls(Gate([plan(0, Rules([]), shape_of(choices), channels=("tool_calls",))], Turn()), choices, answer)
    driven.run(split(choices, raw))
    assert "".join(text for _, text in sorted(seen)) == "\n".join(leaves)
    assert driven.text == raw


# --- One by one ----------------------------------------------------------------------------------------------

WHOLE = Shape(10_000, 0, 0)


class Judge:
    """A window rail that says the same of every window, and keeps what it was shown."""

    def __init__(self, verdict=None):
        self.verdict = Verdict.allow() if verdict is None else verdict
        self.windows = []

    def check(self, window, turn):
        self.windows.append(window)
        return self.verdict


def guard(rail, *chunks, finish="stop", error=None, shape=WHOLE, is_json=False, **options):
    """Send chunks through one rail; return the gate and the items."""
    options = {"channels": ("text", "tool_calls"), **options}
    gate = Gate([plan("r", rail, None if hasattr(rail, "open") else shape, **options)], Turn(), is_json=is_json)
    items = []
    for chunk in (*chunks, Chunk(finish_reason=finish)):
        gate.buffer.append(chunk.text)
        gate.look()
        gate.read(chunk)
        answer_all(gate, rail, items)
    gate.finish(error)
    answer_all(gate, rail, items)
    return gate, items


def answer_all(gate, rail, items):
    step = gate.step
    while step.start:
        check = step.start.popleft()
        gate.answer(check, rail.check(check.window, None))
    items += step.items
    step.items.clear()


def call(arguments="", kind="function"):
    return Chunk(tool_calls=(ToolCallDelta(0, "c", "f", arguments, kind),))


def arguments_of(items):
    return "".join(item.arguments for item in items if isinstance(item, ToolCallDelta))


def test_a_call_without_arguments_is_shown_by_its_name():
    judge = Judge()
    _, items = guard(judge, call())
    assert [(window.text, window.tool_name) for window in judge.windows] == [("", "f")]
    assert items[0] == ToolCallDelta(0, "c", "f", "{}")


def test_arguments_that_are_no_json_are_a_failure():
    gate, items = guard(Judge(), call("rm -rf /"), finish="tool_calls")
    assert isinstance(gate.stop, RailFailed)
    assert isinstance(gate.cause, ContentError)
    assert arguments_of(items) == ""
    assert "rm" not in str(gate.stop)
    (run,) = gate.turn.journal.rail_runs
    assert (run.rail, run.decision, run.channel, run.stopped) == ("r", "failed", "tool_calls", True)


def test_complete_arguments_that_end_too_early_are_a_failure():
    gate, _ = guard(Judge(), call('{"a": "b'), finish="tool_calls")
    assert isinstance(gate.stop, RailFailed)


@pytest.mark.parametrize("cut", [{"finish": "length"}, {"error": RuntimeError("the connection broke")}])
def test_arguments_that_were_cut_are_judged_as_far_as_they_came(cut):
    judge = Judge()
    gate, items = guard(judge, call('{"a": "b'), **cut)
    assert gate.stop is None
    assert [window.text for window in judge.windows] == ["a\nb"]
    assert arguments_of(items) == '{"a": "b'


def test_a_call_that_was_cut_before_its_arguments_gets_none():
    _, items = guard(Judge(), call(), finish="length")
    assert arguments_of(items) == ""


def test_the_input_of_a_custom_tool_is_text():
    judge = Judge()
    gate, items = guard(judge, call("SELECT 1;", "custom"), finish="tool_calls")
    assert gate.stop is None
    assert [window.text for window in judge.windows] == ["SELECT 1;"]
    assert items[0] == ToolCallDelta(0, "c", "f", "SELECT 1;", "custom")


def test_a_rail_that_needs_the_whole_reads_arguments_as_they_are_written():
    judge = Judge()
    guard(judge, call('{"a":"\\u0062"}'), reads_raw=True)
    assert [window.text for window in judge.windows] == ['{"a":"\\u0062"}']


def test_a_rail_for_content_and_one_for_the_raw_arguments_may_stand_beside_each_other():
    raw, content = Judge(), Judge(Verdict.rewrite([Edit(2, 3, "c")]))
    plans = [
        plan("content", content, WHOLE, channels=("tool_calls",)),
        plan("raw", raw, WHOLE, channels=("tool_calls",), reads_raw=True),
    ]
    gate, items = Gate(plans, Turn()), []
    gate.read(call('{"a": "b"}'))
    gate.finish()
    for _ in range(3):
        step = gate.step
        while step.start:
            check = step.start.popleft()
            gate.answer(check, (content if check.lane.plan.name == "content" else raw).check(check.window, None))
    items += gate.step.items
    assert [window.text for window in content.windows] == ["a\nb"]
    assert [window.text for window in raw.windows] == ['{"a": "c"}']
    assert arguments_of(items) == '{"a": "c"}'


def test_a_text_that_was_asked_for_as_json_has_to_be():
    for text in ("Sure: {}", '{"a": 1} and'):
        gate, _ = guard(Judge(), Chunk(text), is_json=True)
        assert isinstance(gate.stop, RailFailed)
    gate, items = guard(Judge(), Chunk('{"a": 1}'), is_json=True)
    assert gate.stop is None
    assert items[0] == '{"a": 1}'


def test_a_refusal_in_words_is_no_failure_where_json_was_asked_for():
    judge = Judge()
    gate, items = guard(judge, Chunk(metadata={"refusal": True}), Chunk("I cannot do that."), is_json=True)
    assert gate.stop is None
    assert [window.text for window in judge.windows] == ["I cannot do that."]
    assert items[0] == "I cannot do that."


def test_a_text_that_stops_being_json_goes_on_as_text():
    judge = Judge()
    gate, items = guard(judge, Chunk('{"a": "\\u0062"} and \\u0062'))
    assert [window.text for window in judge.windows] == ['a\nb"} and \\u0062']
    assert items[0] == '{"a": "\\u0062"} and \\u0062'
    assert gate.stop is None


@pytest.mark.parametrize("beginning", ["", " ", "\n\n", "\ufeff", " " * 200])
def test_white_space_before_json_changes_nothing(beginning):
    judge = Judge()
    pieces = [Chunk(character) for character in beginning + '["\\u0062"]']
    _, items = guard(judge, *pieces)
    assert "".join(window.text for window in judge.windows).strip(" \n\ufeff") == "b"
    assert "".join(item for item in items if isinstance(item, str)) == beginning + '["\\u0062"]'


def test_an_answer_of_white_space_alone_is_shown_and_goes_out():
    judge = Judge()
    _, items = guard(judge, Chunk(" "), Chunk("\n"))
    assert "".join(window.text for window in judge.windows) == " \n"
    assert "".join(item for item in items if isinstance(item, str)) == " \n"


def test_halves_of_a_character_in_two_chunks_are_one():
    judge = Judge()
    _, items = guard(judge, Chunk("a\ud83d"), Chunk("\ude00b"), Chunk("\ud83d"))
    assert "".join(window.text for window in judge.windows) == "a\U0001f600b\ufffd"
    assert "".join(item for item in items if isinstance(item, str)) == "a\U0001f600b\ufffd"


def test_a_text_put_where_no_key_and_no_value_is_fails():
    gate, items = guard(Judge(Verdict.rewrite([Edit(0, 0, "x")])), call("{}"))
    assert isinstance(gate.stop, RailFailed)
    assert arguments_of(items) == ""


class Replaces:
    """A stream rail that says nothing of what it replaces, or tells."""

    def __init__(self, tells):
        self.tells, self.length = tells, 0

    def open(self, turn):
        return Replaces(self.tells)

    def feed(self, text):
        at, self.length = self.length, self.length + len(text)
        edits = [Edit(at + n, at + n + 1, "XY") for n, char in enumerate(text) if char == "x"] if self.tells else ()
        return Ruling(text.replace("x", "XY"), edits=tuple(edits))

    def finish(self):
        return Ruling("")


def two_calls(*more):
    opening = (ToolCallDelta(0, "a", "first"), ToolCallDelta(1, "b", "second"))
    return [*(Chunk(tool_calls=(call,)) for call in opening), *(Chunk(tool_calls=(call,)) for call in more)]


@pytest.mark.parametrize("rail", [Judge(), Replaces(tells=True)], ids=["window", "stream"])
@pytest.mark.parametrize("first", ["", "{}", '{"a": 1}'])
def test_calls_go_out_one_after_another(rail, first):
    more = [
        ToolCallDelta(1, arguments='{"to": '),
        ToolCallDelta(1, arguments='"Ada"}'),
        ToolCallDelta(0, arguments=first),
    ]
    _, items = guard(rail, *two_calls(*more), finish="tool_calls")
    calls = [item for item in items if isinstance(item, ToolCallDelta)]
    indices = [call.index for call in calls]
    assert indices == sorted(indices)
    assert [call.name for call in calls if call.name] == ["first", "second"]
    said = {index: "".join(call.arguments for call in calls if call.index == index) for index in (0, 1)}
    assert said == {0: first or "{}", 1: '{"to": "Ada"}'}


def test_nothing_of_a_later_call_goes_out_when_one_before_it_is_refused():
    class RefusesTheFirst:
        def check(self, window, turn):
            return Verdict.block("no") if window.tool_name == "first" else Verdict.allow()

    more = [ToolCallDelta(1, arguments="{}"), ToolCallDelta(0, arguments="{}")]
    gate, items = guard(RefusesTheFirst(), *two_calls(*more), finish="tool_calls")
    assert isinstance(gate.stop, Blocked)
    assert not [item for item in items if isinstance(item, ToolCallDelta)]


@pytest.mark.parametrize("tells", [True, False])
def test_what_a_session_replaces_is_encoded_whether_it_tells_of_its_edits_or_not(tells):
    chunks = [call(character) for character in '{"ax": ["\\u0078", 1, "b"]}']
    _, items = guard(Replaces(tells), *chunks)
    assert arguments_of(items) == '{"aXY": ["XY", 1, "b"]}'
    early = [item for item in items if isinstance(item, ToolCallDelta)]
    assert (len(early) > 3) == tells


def test_a_retraction_is_of_the_raw_text_and_withdraws_all_that_was_refused():

    class Refuses:
        def check(self, window, turn):
            return Verdict.block("no", span=window.span(0, 2)) if "b" in window.text else Verdict.allow()

    raw = '["a", "bc"]'
    gate, items = guard(Refuses(), *map(Chunk, raw), stream_first=True, shape=Shape(2, 0, 0))
    retraction = next(item for item in items if type(item).__name__ == "Retraction")
    delivered = "".join(item for item in items if isinstance(item, str))
    assert delivered[: retraction.start] in ('["a', '["a", "')
    assert retraction.end == len(delivered)
    assert isinstance(gate.stop, Blocked)
