"""JSON as content: what rails read of it, and how what they leave and change is written back."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest
from entropy import entropy, thorough
from handrail._content import AutoContent, ComposedPieces, JsonContent, pieces_of
from handrail._types import Edit
from handrail.errors import ContentError
from hypothesis import assume, given, note
from work import least, seconds


def cut(raw, cuts):
    """Cut a text at these places."""
    places = [0, *sorted({place for place in cuts if 0 < place < len(raw)}), len(raw)]
    return [raw[start:end] for start, end in zip(places, places[1:], strict=False)]


def read(content, chunks, *, was_cut=False):
    """Read all chunks; return the content."""
    return "".join([*map(content.feed, chunks), content.finish(cut=was_cut)])


def through(content, raw, edits=(), cuts=()):
    """Read a text whole, release it whole with its edits; return what goes out."""
    text = read(content, cut(raw, cuts))
    return content.encode(tuple(pieces_of(0, len(text), edits))) + content.rest()


class Number(str):
    """A number as it was written."""

    __slots__ = ()


class Pairs(list):
    """An object as pairs, so that equal keys are seen."""


def loads(raw):
    return json.loads(raw, parse_int=Number, parse_float=Number, object_pairs_hook=Pairs, strict=False)


def flat(value):
    """Yield the keys and leaves of a document in their order, as they are written, or read if it has an exponent."""
    if isinstance(value, Pairs):
        for key, member in value:
            yield key
            yield from flat(member)
    elif isinstance(value, list):
        for member in value:
            yield from flat(member)
    elif isinstance(value, Number) and re.search("[eE]", value):
        yield format(Decimal(value), "f")
    elif isinstance(value, str):
        yield value
    else:
        yield {True: "true", False: "false", None: "null"}[value]


def shape(value):
    """Return a document without what its leaves and keys say."""
    if isinstance(value, Pairs):
        return {"object": [shape(member) for _, member in value]}
    if isinstance(value, list):
        return [shape(member) for member in value]
    return "leaf"


# Random documents, written in random ways, and what is done with them. All is made of bytes, which are quick to draw.

CHARS = 'ab1 "\\/\n\t\x01é内😀\u2028'
NUMBERS = ["0", "-0", "12", "4111111111111111", "-1.50", "1e5", "2E+10", "0.1e-7"]
LEAVES = [*map(Number, NUMBERS), True, False, None]
SYNTAX = '{}[]",:\\ u0041tru-1.eE\nx'


def string(choices):
    return "".join(CHARS[choices.below(len(CHARS))] for _ in range(choices.between(0, 6)))


def document(choices, depth=3, *, outermost=True):
    """Make a document: a leaf, or an object or a list with up to four members, which the outermost mostly is."""
    kind = choices.between(3, 5) if outermost and choices.often() else choices.below(6 if depth else 3)
    if kind < 2:
        return string(choices)
    if kind == 2:
        return choices.one_of(LEAVES)
    members = range(choices.between(0, 4))
    if kind == 3:
        return [document(choices, depth - 1, outermost=False) for _ in members]
    return Pairs((string(choices), document(choices, depth - 1, outermost=False)) for _ in members)


def written(choices):
    """Write some document in some way."""
    return Writing(choices).document(document(choices))


def odd(choices, chars=SYNTAX):
    """Write what JSON consists of without a plan."""
    return "".join(chars[choices.below(len(chars))] for _ in range(choices.between(0, 20)))


def chunks_of(choices, raw):
    return cut(raw, [choices.below(200) for _ in range(choices.between(0, 12))])


def shares_of(choices):
    return [choices.below(101) / 100 for _ in range(choices.between(0, 6))]


class Writing:
    """Writes documents with white space and escapes wherever they may be."""

    def __init__(self, choices):
        self.choose = choices.one_of

    def document(self, value):
        space = self.choose(["", "", "", " ", "\n  ", "\t\r\n"])
        if isinstance(value, Number):
            return f"{space}{value}"
        if isinstance(value, str):
            return f'{space}"{"".join(map(self.character, value))}"'
        if isinstance(value, Pairs):
            members = [f"{self.document(key)}{space}:{self.document(member)}" for key, member in value]
            return f"{space}{{{','.join(members) or space}}}{space}"
        if isinstance(value, list):
            return f"{space}[{','.join(map(self.document, value)) or space}{space}]"
        return space + json.dumps(value)

    def character(self, char):
        units = char.encode("utf-16-be").hex()
        escaped = "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
        forms = [escaped, escaped.upper().replace("U", "u"), json.dumps(char)[1:-1]]
        if char not in '"\\':
            forms += [char] * 3
        return self.choose([*forms, "\\/"] if char == "/" else forms)


def edits_of(choices, text):
    """Make edits of a text, sorted and apart."""
    ends = sorted(choices.below(len(text) + 1) for _ in range(choices.between(0, 6)))
    new = ["", "[X]", 'a"b\\', "é\n😀", "null", "\ud83d", string(choices)]
    edits = [Edit(start, end, choices.one_of(new)) for start, end in zip(ends[::2], ends[1::2], strict=False)]
    return [edit for n, edit in enumerate(edits) if n == 0 or edit.start > edits[n - 1].end or edit.end > edit.start]


class Chain:
    """What a gate does: it feeds raw chunks, clears content bit by bit, and encodes what is cleared.

    An edit is encoded once all of it is cleared; content is cleared up to a share of what has come.
    """

    def __init__(self, content, edits=()):
        self.content = content
        self.edits = list(edits)
        self.text = ""
        self.at = 0
        self.out = []

    def release(self, end):
        """Release content up to an offset, or up to the beginning of an edit that this would cut through."""
        end = next((edit.start for edit in self.edits if edit.start < end < edit.end), end)
        if end < self.at or not self.text:
            return
        ready = [edit for edit in self.edits if edit.end <= end]
        self.edits = self.edits[len(ready) :]
        self.out.append(self.content.encode(tuple(pieces_of(self.at, end, ready))))
        self.at = end

    def run(self, chunks, shares, *, was_cut=False):
        for number, chunk in enumerate(chunks):
            self.text += self.content.feed(chunk)
            share = shares[number % len(shares)] if shares else 0
            self.release(max(self.at, int(len(self.text) * share)))
        self.text += self.content.finish(cut=was_cut)
        self.release(len(self.text))
        self.out.append(self.content.rest())
        return "".join(self.out)


@thorough
@given(entropy)
def test_rails_judge_the_keys_and_leaves_of_what_is_delivered_and_unedited_bytes_are_identical(choices):
    raw = written(choices)
    note(repr(raw))
    chain = Chain(JsonContent())
    assert chain.run(chunks_of(choices, raw), shares_of(choices)) == raw
    assert chain.text == "\n".join(flat(loads(raw)))


@thorough
@given(entropy)
def test_an_edited_document_is_valid_and_the_same_however_it_was_cut_and_released(choices):
    raw = written(choices)
    before = loads(raw)
    text = "\n".join(flat(before))
    assume(text)
    edits = edits_of(choices, text)
    note(f"{raw!r} {edits}")
    whole = through(JsonContent(), raw, edits)
    after = loads(whole)
    assert shape(after) == shape(before)
    assert Chain(JsonContent(), edits).run(chunks_of(choices, raw), shares_of(choices)) == whole
    assert "\ud83d" not in whole
    check_items(list(flat(before)), list(flat(after)), edits)


def check_items(before, after, edits):
    """Check each item by itself: it is as it was unless an edit reaches it, and what was removed of it is gone."""
    starts = [0]
    for item in before:
        starts.append(starts[-1] + len(item) + 1)
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        start, end = starts[number], starts[number] + len(old)
        inside = [edit for edit in edits if edit.start <= end and edit.end >= start]
        if not inside:
            assert new == old or new.startswith(f"{old}_")
        if all(start <= edit.start and edit.end <= end for edit in inside):
            applied = old
            for edit in reversed(inside):
                replacement = edit.replacement.replace("\ud83d", "\ufffd")
                applied = applied[: edit.start - start] + replacement + applied[edit.end - start :]
            assert new == applied or new.startswith(f"{applied}_")


@thorough
@given(entropy)
def test_two_stages_leave_valid_json_that_is_the_same_however_it_was_cut_and_released(choices):
    raw = written(choices)
    text = "\n".join(flat(loads(raw)))
    assume(text)
    edits = edits_of(choices, text)
    between = "".join(text[start:end] if new is None else new for start, end, new in pieces_of(0, len(text), edits))
    later = edits_of(choices, between)
    note(f"{raw!r} {edits} {later}")
    whole = TwoStages(edits, later).run([raw], [], [])
    assert shape(loads(whole)) == shape(loads(raw))
    pieces, first, second = chunks_of(choices, raw), shares_of(choices), shares_of(choices)
    assert TwoStages(edits, later).run(pieces, first, second) == whole


class Stage:
    """A stage of a chain: it replaces what its edits say, and lets through what is cleared."""

    def __init__(self, edits):
        self.edits = list(edits)
        self.text = ""
        self.at = 0

    def clear(self, share):
        """Clear a share of what has come; return the pieces of its text that it lets through now."""
        end = max(self.at, int(len(self.text) * share))
        end = next((edit.start for edit in self.edits if edit.start < end < edit.end), end)
        if end < self.at or not self.text:
            return []
        ready = [edit for edit in self.edits if edit.end <= end]
        self.edits, start, self.at = self.edits[len(ready) :], self.at, end
        return list(pieces_of(start, end, ready))


class TwoStages:
    """A gate with two stages: raw -> content -> first stage -> second stage -> content's pieces -> raw."""

    def __init__(self, edits, later):
        self.content = JsonContent()
        self.first, self.second = Stage(edits), Stage(later)
        self.composed = ComposedPieces()
        self.out = []

    def run(self, chunks, first, second):
        for number, chunk in enumerate(chunks):
            self.step(self.content.feed(chunk), *(some[number % len(some)] if some else 0 for some in (first, second)))
        self.step(self.content.finish(), 1, 1, finished=True)
        return "".join(self.out) + self.content.rest()

    def step(self, said, first, second, *, finished=False):
        self.first.text += said
        passed = self.first.clear(first)
        self.composed.give(passed)
        self.second.text += "".join(self.first.text[a:b] if new is None else new for a, b, new in passed)
        taken = self.composed.take(self.second.clear(second), finished=finished)
        self.out.append(self.content.encode(taken))


@thorough
@given(entropy)
def test_a_text_is_read_the_same_however_it_is_cut_and_goes_out_as_it_came(choices):
    raw = written(choices) if choices.below(2) else odd(choices, SYNTAX + "\ufeff\ud83d")
    note(repr(raw))
    check_reading(raw, chunks_of(choices, raw), shares_of(choices))


@pytest.mark.parametrize(
    ("raw", "cuts", "released"), [('{"a": "b\\u00"} c', [], []), ("[12.3.4]", [3], [1.0])], ids=["escape", "number"]
)
def test_what_stops_being_json_is_read_the_same_however_it_is_cut(raw, cuts, released):
    check_reading(raw, cut(raw, cuts), released)


def check_reading(raw, pieces, released):
    whole = AutoContent()
    text = read(whole, [raw])
    assert whole.encode(((0, len(text), None),)) + whole.rest() == raw
    chain = Chain(AutoContent())
    assert chain.run(pieces, released) == raw
    assert chain.text == text
    assert outcome(pieces, released) == outcome([raw], [])


def outcome(chunks, released):
    """Run a text that has to be JSON; return what is delivered and judged, or why it is not JSON."""
    chain = Chain(JsonContent())
    try:
        return chain.run(chunks, released, was_cut=True), chain.text
    except ContentError as error:
        return str(error), chain.text


@thorough
@given(entropy)
def test_edits_of_a_text_that_stops_being_json_are_the_same_however_it_is_cut(choices):
    raw = odd(choices)
    text = read(AutoContent(), [raw])
    assume(text)
    edits = edits_of(choices, text)
    note(f"{raw!r} {edits}")
    whole = through(AutoContent(), raw, edits)
    assert Chain(AutoContent(), edits).run(chunks_of(choices, raw), shares_of(choices)) == whole


@thorough
@given(entropy)
def test_what_json_reads_is_read_and_nothing_else_is(choices):
    raw = written(choices) if choices.below(2) else odd(choices, SYNTAX + "fals\x01")
    note(repr(raw))
    try:
        said = "\n".join(flat(loads(raw)))
    except ValueError:
        said = None
    try:
        read_here = read(JsonContent(), [raw])
    except ContentError:
        assert said is None
    else:
        assert read_here == said or (read_here == "" and not raw.strip(" \t\r\n"))


def work_of(release):
    """Read a text that comes at once and release it bit by bit; return the seconds of CPU that the release takes."""
    raw = json.dumps({"body": "x" * release * 1000})
    content = JsonContent()
    text = content.feed(raw) + content.finish()

    def let_go():
        for at in range(0, len(text), 100):
            content.encode(((at, min(at + 100, len(text)), None),))

    return seconds(let_go)


def test_what_comes_at_once_is_released_in_time_that_is_linear_in_its_length():
    most = 10 * least(lambda: work_of(1000), 0)
    assert least(lambda: work_of(4000), most) < most
