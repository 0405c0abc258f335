"""Forms of JSON and text, one by one: what each says, and what becomes of it when it is edited."""

from __future__ import annotations

import json

import pytest
from handrail._content import AutoContent, JsonContent, SurrogateJoiner, may_be_json, pieces_of, whole_characters
from handrail._content._reader import MAX_NUMBER
from handrail._content._structure import MAX_BETWEEN, MAX_DEPTH
from handrail._types import Edit
from handrail.errors import ContentError


def through(content, raw, *edits, size=None):
    """Read a text in pieces of a size, release it after edits of (old, new); return its content and what goes out."""
    size = size or len(raw) or 1
    text = "".join([*(content.feed(raw[at : at + size]) for at in range(0, len(raw), size)), content.finish()])
    found, at = [], 0
    for old, new in edits:
        start = text.index(old, at)
        at = start + len(old)
        found.append(Edit(start, at, new))
    return text, content.encode(tuple(pieces_of(0, len(text), found))) + content.rest()


SIZES = [1, 2, 3, 7, 100]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ('{"body": "intern\\u0061l use only"}', "body\ninternal use only"),
        ('{"path": "a\\/secret\\/b"}', "path\na/secret/b"),
        ('{"body": "internal\\nuse\\tonly"}', "body\ninternal\nuse\tonly"),
        ('{"body": "\\u5185\\u90E8 \\ud83d\\ude00 😀"}', "body\n内部 😀 😀"),
        ('{"b\\u006fdy": 1, "list": [1.50, -2e5, true, false, null, {"x": ""}]}',
         "body\n1\nlist\n1.50\n-200000\ntrue\nfalse\nnull\nx\n"),
        ('{"a": "1", "a": "2"}', "a\n1\na\n2"),
        ('{"a": {}, "b": []}', "a\nb"),
        ('["", ""]', "\n"),
        ('"intern\\u0061l"', "internal"),
        ("-12.5", "-12.5"),
        ("null", "null"),
        (" \n{ } ", ""),
        ("", ""),
        (" \n", ""),
        ('\ufeff{"a": 1}', "a\n1"),
        ('{"a": "line\nfeed\x00"}', "a\nline\nfeed\x00"),
        ('["lone \\ud83d half", "\\ude00", "\\ud83d\\u0041"]', "lone \ufffd half\n\ufffd\n\ufffdA"),
    ],
)  # fmt: skip
def test_arguments_say_their_keys_and_leaves(raw, says, size):
    assert through(JsonContent(), raw, size=size) == (says, raw)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("raw", "edits", "out"),
    [
        ('{"to": "alice@x.org", "n": 1}', [("alice@x.org", "[MAIL]")], '{"to": "[MAIL]", "n": 1}'),
        ('{"to": "\\u0061lice\\u0040x.org!"}', [("alice@x.org", "[MAIL]")], '{"to": "[MAIL]!"}'),
        ('{"t": "a\\nb"}', [("b", 'say "\\"\n')], '{"t": "a\\nsay \\"\\\\\\"\\n"}'),
        ('{"card": 4111111111111111, "n":1}', [("4111111111111111", "[CARD]")], '{"card": "[CARD]", "n":1}'),
        ('{"card": 41112222}', [("4111", "[X]")], '{"card": "[X]2222"}'),
        ("[true ,null]", [("true", ""), ("null", "[N]")], '["" ,"[N]"]'),
        ('{"bob@x.org": {"bob@x.org": 1}}', [("bob@x.org", "[M]"), ("bob@x.org", "[M]")], '{"[M]": {"[M]": 1}}'),
        ('{"a": 1, "b":2, "c": 3}', [("a", "k"), ("b", "k"), ("c", "k")], '{"k": 1, "k_2":2, "k_3": 3}'),
        ('{"k": 1, "b": 2}', [("b", "k")], '{"k": 1, "k_2": 2}'),
        ('{"b": 1, "k": 2}', [("b", "k")], '{"k": 1, "k_2": 2}'),
        ('{"b": {}, "k": []}', [("b", "k")], '{"k": {}, "k_2": []}'),
        ('{"b": 1, "c": 2, "k_2": 3}', [("b", "k"), ("c", "k")], '{"k": 1, "k_2": 2, "k_2_2": 3}'),
        ('{"b": 1, "k": 2, "k_2": 3}', [("b", "k")], '{"k": 1, "k_2": 2, "k_2_2": 3}'),
        ('{"\\u006b": 1, "b": 2}', [("b", "k")], '{"\\u006b": 1, "k_2": 2}'),
        ('{"a": 1, "a": 2, "b": 3}', [("b", "c")], '{"a": 1, "a": 2, "c": 3}'),
        ('["4111 1111", "1111 1111"]', [("4111 1111\n1111 1111", "[CARD]")], '["[CARD]", ""]'),
        ('{"key": "abc", "n": 2}', [("key\nabc", "key\n[SECRET]")], '{"key": "[SECRET]", "n": 2}'),
        ('["a\\nb", "c"]', [("a\nb\nc", "1\n2\n3")], '["1\\n2", "3"]'),
        ('["a", 5, "c"]', [("a\n5\nc", "x")], '["x", "", ""]'),
        ('["a", 5]', [("a\n", "x")], '["x", 5]'),
        ('["a", 5]', [("\n5", "x")], '["a", "x"]'),
        ('{"a": "b"}', [("\n", " ")], '{"a": "b"}'),
        ('{"a": "b"}', [("\n", " - ")], '{"a - ": "b"}'),
        ('{"a": 1}', [("", "x")], '{"xa": 1}'),
        ("42", [("42", "no")], '"no"'),
    ],
)  # fmt: skip
def test_an_edit_is_written_into_the_leaf_that_it_stands_in(raw, edits, out, size):
    assert through(JsonContent(), raw, *edits, size=size)[1] == out
    json.loads(out)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "raw",
    [
        '{"a": 1', '{"a": "b', '{"a":', "{", "[1,", "tru", "-", "1.",
        '{"a": 1} x', '{"a": 1}{"b": 2}', "[1]\xa0", "\xa0[1]", "[1]\ufeff", "[1] // note",
        "[,]", "[,1]", "{,}",
        "[1,,2]", "[1,]", '["a",]', '{"a" 1}', "{1: 2}", "[1 2]", "]", "[}", "{'a': 1}", "['a']", "Sure!",
        "[01]", "[1.e5]", "[+1]", "[.5]", "[--1]", "[1-2]", "[1e]", "[-]", "[NaN]", "[Infinity]", "[truely]",
        '["\\x41"]', '["\\u12g4"]',
    ],
)  # fmt: skip
def test_arguments_that_are_not_json_fail(raw, size):
    with pytest.raises(ContentError, match="the text is not valid JSON: "):
        through(JsonContent(), raw, size=size)
    with pytest.raises(ContentError):
        through(AutoContent(strict=True), raw, size=size)


def test_where_it_stops_being_json_is_known_at_once_and_its_error_has_none_of_the_text():
    content = JsonContent()
    assert content.feed('{"a": "x", ') == "a\nx"
    assert content.failure is None
    assert content.feed("secret") == ""
    assert str(content.failure) == "the text is not valid JSON: a character stands where it may not, at offset 11"
    assert content.feed('"more": "text"}') == ""
    with pytest.raises(ContentError) as found:
        content.finish(cut=True)
    assert found.value is content.failure


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ('{"a": "b', "a\nb"),
        ('{"a": "b\\u00', "a\nb\\u00"),
        ('{"a": "b\\', "a\nb\\"),
        ('{"a": "b\\ud83d', "a\nb\ufffd"),
        ('{"a": "b\\ud83d\\u', "a\nb\ufffd\\u"),
        ('{"a": 12.', "a\n12."),
        ('{"a": -', "a\n-"),
        ('{"a": tru', "a\ntru"),
        ('{"a": {"b', "a\nb"),
        ('{"a": {', "a"),
        ("{", ""),
    ],
)
def test_arguments_that_were_cut_are_read_as_far_as_they_came_and_go_out_as_they_came(raw, says, size):
    content = JsonContent()
    text = "".join([*(content.feed(raw[at : at + size]) for at in range(0, len(raw), size)), content.finish(cut=True)])
    assert (text, content.encode(((0, len(text), None),)) + content.rest()) == (says, raw)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("plain", "plain"),
        (" \n plain", " \n plain"),
        ('"quot\\u0065d"', '"quot\\u0065d"'),
        ("42 is it", "42 is it"),
        ("[site](https://example.com),mail:bob@example.org", "[site](https://example.com),mail:bob@example.org"),
        ("{{ name }}", "{{ name }}"),
        ("[this] is", "[this] is"),
        ("[truth]", "[truth]"),
        ("[- a", "[- a"),
        ("[1] Smith", "1] Smith"),
        ("[1.2.3.4]", "1.2.3.4]"),
        ('{"a": "\\u0062"}', "a\nb"),
        ('\xa0\ufeff{"a": "\\u0062"}', "a\nb"),
        ('{"a": "\\u0062"} and \\u0062', 'a\nb"} and \\u0062'),
        ('{"a": "\\u0062", oops', 'a\nb", oops'),
        ('{"a": "it\\\'s"}', "a\nit\\'s\"}"),
        ('{"a": "\\u0062"}\n{"c": "\\u0064"}\n', "a\nb\nc\nd"),
        ('{"a": "\\u0062"}\n[see here](x)', 'a\nb"}\n[see here](x)'),
        ('{"a": "raw\n\\u0062"}', "a\nraw\nb"),
        ('{"a": "\\u0062', "a\nb"),
        ("[", ""),
        ("", ""),
        (" ", " "),
    ],
)
def test_a_text_is_json_as_long_as_it_parses_and_plain_from_its_last_item_on(raw, says, size):
    assert through(AutoContent(), raw, size=size) == (says, raw)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("raw", "edits", "out"),
    [
        ("[1.2.3.4] up", [("1.2.3.4", "[IP]")], "[[IP]] up"),
        ("[12 up", [("12", "x")], '["x" up'),
        ('{"a": "b@c.de"} or b@c.de', [("b@c.de", '"'), ("b@c.de", '"')], '{"a": "\\""} or "'),
        ('{"a": "b"} c', [('b"} c', "x")], '{"a": "x'),
        ('{"a": 1, "b": 2} c', [("b", "a")], '{"a": 1, "a_2": 2} c'),
        ("see alice", [("alice", "[NAME]")], "see [NAME]"),
    ],
)
def test_an_edit_of_a_text_that_stops_being_json_is_written_where_it_stands(raw, edits, out, size):
    assert through(AutoContent(), raw, *edits, size=size)[1] == out


@pytest.mark.parametrize(
    ("text", "may"),
    [("", True), (" \n", True), ("\ufeff\xa0 {", True), ("[x", True), ("x", False), (' "{', False), ("\n\n7", False)],
)
def test_a_gate_can_tell_from_its_beginning_that_a_text_is_plain(text, may):
    assert may_be_json(text) is may


# Bounds


@pytest.mark.parametrize("size", [7, 10**6])
def test_what_is_nested_too_deeply_is_not_json(size):
    fits, too_deep = "[" * MAX_DEPTH + "]" * MAX_DEPTH, '{"a":' * (MAX_DEPTH + 1)
    assert through(JsonContent(), fits, size=size) == ("", fits)
    with pytest.raises(ContentError, match="nested deeper than 256 levels"):
        through(JsonContent(), too_deep, size=size)
    text, out = through(AutoContent(), too_deep, size=size)
    assert out == too_deep
    assert text.endswith('a":{"a":')


@pytest.mark.parametrize("size", [4096, 10**6])
@pytest.mark.parametrize("before", ["", "[1,", "[[],"])
def test_what_says_nothing_is_bounded(before, size):
    fits, too_much = " " * (MAX_BETWEEN - 4), " " * (MAX_BETWEEN + 1)
    assert through(JsonContent(), f"{fits}[1]", size=size) == ("1", f"{fits}[1]")
    with pytest.raises(ContentError, match="65,536 characters of white space"):
        through(JsonContent(), f"{before}{too_much}[1]", size=size)
    raw = f"{before}{too_much}[1]"
    text, out = through(AutoContent(), raw, size=size)
    assert out == raw
    assert text == (raw if "1" not in before else raw[1:])


@pytest.mark.parametrize("size", [1, 4096, 10**6])
def test_what_says_nothing_after_the_last_value_is_bounded_however_it_is_cut(size):
    fits, too_much = " " * (MAX_BETWEEN - 1), " " * MAX_BETWEEN
    assert through(JsonContent(), f"[1]{fits}", size=size) == ("1", f"[1]{fits}")
    with pytest.raises(ContentError, match="65,536 characters of white space"):
        through(JsonContent(), f"[1]{too_much}", size=size)


@pytest.mark.parametrize("size", [4096, 10**6])
def test_brackets_that_say_nothing_are_bounded(size):
    with pytest.raises(ContentError, match="65,536 characters of white space and brackets"):
        through(JsonContent(), f"[{'[],' * 30_000}1]", size=size)


@pytest.mark.parametrize("size", [1000, 10**6])
def test_a_number_is_bounded(size):
    fits, too_long = "1" * MAX_NUMBER, "1" * (MAX_NUMBER + 1)
    assert through(JsonContent(), fits, size=size) == (fits, fits)
    with pytest.raises(ContentError, match="a number has more than 4,096 characters"):
        through(JsonContent(), too_long, size=size)
    assert through(AutoContent(), f"[{too_long}]", size=size) == (f"{too_long}]", f"[{too_long}]")


def test_what_was_encoded_is_forgotten():
    content, at = JsonContent(), 0
    content.feed("[")
    for _ in range(1000):
        text = content.feed('{"a\\u0062c": "some text", "n": 5}, ')
        content.encode(((at, at + len(text), None),))
        at += len(text)
    assert len(content._writer._segments) < 3
    assert len(content._writer._scalar) < 3


# Pieces


def test_raw_text_goes_out_as_soon_as_its_content_is_released():
    content = JsonContent()
    content.feed('{"to": "ali\\u0063e')
    assert content.encode(((0, 3, None),)) == '{"to": "'
    assert content.encode(((3, 5, None),)) == "al"
    assert content.encode(((5, 7, None),)) == "i\\u0063"
    assert content.feed('", "n": 12') == "\nn\n"
    assert content.encode(((7, 11, None),)) == 'e", "n": '
    assert content.finish(cut=True) == "12"
    assert content.encode(((11, 13, None),)) == ""
    assert content.rest() == "12"


@pytest.mark.parametrize(
    ("number", "reads"),
    [
        ("4.111111111111111e15", "4111111111111111"),
        ("4111111111111111E0", "4111111111111111"),
        ("41111111111111110e-01", "4111111111111111.0"),
        ("-25e+2", "-2500"),
        ("1e-7", "0.0000001"),
        ("1e400", "1e400"),
        ("1e63", "1" + "0" * 63),
        ("1e64", "1e64"),
    ],
)
@pytest.mark.parametrize("size", [1, 100])
def test_a_number_with_an_exponent_is_read_written_out(number, reads, size):
    raw = f'{{"n": [{number}, 1]}}'
    content = JsonContent()
    text = "".join(content.feed(raw[at : at + size]) for at in range(0, len(raw), size)) + content.finish()
    assert text == f"n\n{reads}\n1"
    assert content.encode(((0, len(text), None),)) + content.rest() == raw


@pytest.mark.parametrize(
    ("start", "end", "left"),
    [(2, 18, '"[CARD]"'), (4, 18, '"41[CARD]"'), (2, 16, '"[CARD]11"'), (2, 2, '"[CARD]4111111111111111"')],
)
def test_an_edit_within_a_number_with_an_exponent_leaves_what_it_reads(start, end, left):
    content = JsonContent()
    text = content.feed('{"n":4.111111111111111e15}') + content.finish()
    pieces = [*pieces_of(0, len(text), [Edit(start, end, "[CARD]")])]
    assert content.encode(pieces) + content.rest() == f'{{"n":{left}}}'


@pytest.mark.parametrize(
    "pieces",
    [[(1, 2, None)], [(0, 2, None), (3, 4, None)], [(0, 9, None)], [(0, 9, "x")], [(0, 1, None), (0, 1, None)]],
)
def test_pieces_have_to_follow_one_another_and_have_come(pieces):
    content = JsonContent()
    content.feed('["abcdef"]')
    with pytest.raises(ValueError, match="piece"):
        content.encode(pieces)


def test_nothing_may_be_left_when_the_rest_is_asked_for():
    content = JsonContent()
    content.feed('["abcdef"]')
    content.encode(((0, 3, None),))
    with pytest.raises(ValueError, match="the content from 3 on was not encoded"):
        content.rest()


def test_a_text_cannot_be_put_where_no_leaf_is():
    content = JsonContent()
    content.feed("{}")
    content.finish()
    with pytest.raises(ContentError, match="no key and no value"):
        content.encode(((0, 0, "x"),))
    assert content.encode(((0, 0, ""),)) + content.rest() == "{}"


# Characters


class Text(str):
    __slots__ = ()

    def __str__(self):
        return "something else"


@pytest.mark.parametrize(
    ("chunks", "whole"),
    [
        (["a", "b"], "ab"),
        (["a\ud83d", "\ude00b"], "a😀b"),
        (["\ud83d", "", "\ude00"], "😀"),
        (["\ud83d\ude00"], "😀"),
        (["\ud83d", "x"], "\ufffdx"),
        (["\ude00\ud83d"], "\ufffd\ufffd"),
        (["\ud83d", "\ud83d", "\ude00"], "\ufffd😀"),
        (["é😀"], "é😀"),
        ([Text("plain"), Text("é")], "plainé"),
        ([Text("\ud83d"), Text("\ude00")], "😀"),
    ],
)
def test_halves_of_a_pair_become_one_character_and_texts_are_plain(chunks, whole):
    joiner = SurrogateJoiner()
    given = [*map(joiner.feed, chunks), joiner.finish()]
    assert "".join(given) == whole
    assert {type(text) for text in given} == {str}
    assert whole_characters("".join(map(str.__str__, chunks))) == whole
    whole.encode()


def test_ordinary_text_passes_a_joiner_as_it_is():
    text = "ordinary"
    assert SurrogateJoiner().feed(text) is text


CITED = "[1] Foo says it, [2] Bar says it."


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("raw", "makes", "written"),
    [
        (CITED, str.upper, CITED.upper()),
        (CITED, lambda text: text.replace("Foo", "F.").replace("Bar", "B."), "[1] F. says it, [2] B. says it."),
        ("[1, 2] both say it.", str.upper, "[1, 2] BOTH SAY IT."),
        ("[1](https://a.example) says", str.upper, "[1](HTTPS://A.EXAMPLE) SAYS"),
        ('{"a": "say"} and more', str.upper, '{"A": "SAY"} AND MORE'),
        ('[{"a": "x y"}] and more', lambda text: text.replace("x y", "a longer one").title(),
         '[{"A": "A Longer One"}] And More'),
        ("[7] says 7", lambda text: text.replace("7", "seven"), '["seven"] says seven'),
        ('{"a": 1} x', lambda text: "gone", "gone"),
        (CITED, lambda text: "", ""),
        ('{"a": "b"} x', lambda text: f"{text}!", '{"a": "b"} x!'),
    ],
)  # fmt: skip
def test_what_replaces_values_and_the_text_behind_them_is_divided_where_the_text_begins(raw, makes, written, size):
    text, _ = through(AutoContent(), raw, size=size)
    assert through(AutoContent(), raw, (text, makes(text)), size=size)[1] == written


@pytest.mark.parametrize(
    ("raw", "old", "new", "written"),
    [
        ('{"a": 1.50, "b": "\\u00e9"}', "a\n1.50\nb\né", "a\n1.50\nc\né", '{"a": 1.50, "c": "\\u00e9"}'),
        ("[true, 4]", "true\n4", "true\n5", '[true, "5"]'),
    ],
)
def test_a_value_that_an_edit_leaves_as_it_is_stays_as_it_was_written(raw, old, new, written):
    assert through(AutoContent(), raw, (old, new))[1] == written
