"""The text of messages: what a model reads of them, what rails judge, and the way back into their parts."""

from __future__ import annotations

import json

import pytest
from entropy import entropy, thorough
from handrail import Edit, message_text
from handrail._call.conversation import conversation
from handrail._content import MessageTexts
from handrail._content._differences import differences
from hypothesis import given, note
from work import least, seconds

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


def part(text, **further):
    return {"type": "text", "text": text, **further}


def user(*contents):
    return [{"role": "user", "content": content} for content in contents]


class Text(str):
    __slots__ = ()

    def __str__(self):
        return "something else"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("one", "one"),
        (None, ""),
        ([], ""),
        ([IMAGE], ""),
        ([part("bo"), part("mb")], "bomb"),
        ((part("bo"), part("mb")), "bomb"),
        ([part("bo", cache_control={"type": "ephemeral"}), part("mb")], "bomb"),
        ([{"type": "input_text", "text": "bo"}, {"text": "mb"}], "bomb"),
        ([part("bo"), part(""), part("mb")], "bomb"),
        ([part("a"), IMAGE, part("b"), part("c"), IMAGE], "a\nbc"),
        ([IMAGE, part("a")], "a"),
        ([part("\ud83d"), part("\ude00")], "😀"),
        ("\ud83d\ude00 \ud83d", "😀 \ufffd"),
        ([part(Text("a")), part("b")], "ab"),
        (Text("a"), "a"),
        ([part(None), part("b"), "c"], "bc"),
    ],
)
def test_the_text_of_a_message_is_what_a_model_reads(content, text):
    found = message_text({"role": "user", "content": content})
    assert found == text
    assert type(found) is str
    assert MessageTexts([{"role": "user", "content": content}]).content == text


def test_a_message_without_content_has_no_text():
    assert message_text({"role": "assistant", "tool_calls": []}) == ""


ASKED = [
    {
        "role": "user",
        "content": [part("mail bo", cache_control={"type": "ephemeral"}), part("b now"), IMAGE, part("bob?")],
    },
    {"role": "user", "content": '{"to": "b\\u006fb", "n": 5}', "name": "x"},
]


def test_rails_judge_what_messages_say_and_each_text_is_read_for_itself():
    assert MessageTexts(ASKED).content == "mail bob now\nbob?\nto\nbob\nn\n5"


def test_a_rewrite_is_written_into_the_part_that_it_begins_in_and_all_else_stays():
    texts = MessageTexts(ASKED)
    rewritten = texts.edited(differences(texts.content, texts.content.replace("bob", "[NAME]").replace("5", "[N]")))
    parts = [part("mail [NAME]", cache_control={"type": "ephemeral"}), part(" now"), IMAGE, part("[NAME]?")]
    assert rewritten == (
        {"role": "user", "content": parts},
        {"role": "user", "content": '{"to": "[NAME]", "n": "[N]"}', "name": "x"},
    )
    assert ASKED[0]["content"][0]["text"] == "mail bo"


def test_a_message_that_no_edit_reaches_is_the_same_object():
    texts = MessageTexts(ASKED)
    rewritten = texts.edited([Edit(0, 4, "ask")])
    assert rewritten[1] is ASKED[1]
    assert rewritten[0]["content"][2] is IMAGE
    assert all(one is other for one, other in zip(texts.edited([]), ASKED, strict=True))


@pytest.mark.parametrize(
    ("contents", "edit", "rewritten"),
    [
        ([[part("ab"), IMAGE, part("cd")]], (1, 4, "x"), [[part("ax"), IMAGE, part("d")]]),
        ([[part("ab"), IMAGE, part("cd")]], (1, 4, "x\ny"), [[part("ax"), IMAGE, part("yd")]]),
        ([[part("ab"), IMAGE, part("cd")]], (2, 3, " "), [[part("ab"), IMAGE, part("cd")]]),
        (["ab", "cd", "ef"], (1, 7, "x"), ["ax", "", "f"]),
        (["ab", "cd"], (2, 4, "x"), ["ab", "xd"]),
        (["ab", "cd"], (2, 2, "x"), ["abx", "cd"]),
        (["ab", "cd"], (3, 3, "x"), ["ab", "xcd"]),
        (["ab"], (0, 2, ""), [""]),
        ([""], (0, 0, "x"), ["x"]),
        ([[part("a"), part("b"), part("c")]], (0, 3, "x"), [[part("x"), part(""), part("")]]),
        ([[part("a"), part("b")]], (1, 1, "x"), [[part("ax"), part("b")]]),
        ([[part('{"a": "al'), part('ice"}')]], (2, 7, "[N]"), [[part('{"a": "[N]'), part('"}')]]),
        ([[part('{"a": "\\u00'), part('61lice"}')]], (2, 7, "[N]"), None),
        ([["ab", part("cd")]], (1, 3, "x"), [["ax", part("d")]]),
    ],
)  # fmt: skip
def test_an_edit_is_divided_among_texts_and_parts(contents, edit, rewritten):
    found = MessageTexts(user(*contents)).edited([Edit(*edit)])
    if rewritten is None:
        assert json.loads(message_text(found[0])) == {"a": "[N]"}
    else:
        assert [message["content"] for message in found] == rewritten


def test_an_edit_where_no_text_is_fails():
    with pytest.raises(ValueError, match="no text at 0"):
        MessageTexts(user([IMAGE])).edited([Edit(0, 0, "x")])


def test_tool_results_are_read_the_same_way():
    result = [{"role": "tool", "tool_call_id": "1", "content": [part('[{"na'), part('me": "\\u0042ob"}]')]}]
    texts = MessageTexts(result)
    assert texts.content == "name\nBob"
    (found,) = texts.edited(differences(texts.content, "name\n[N]"))
    assert (found["tool_call_id"], json.loads(message_text(found))) == ("1", [{"name": "[N]"}])


def test_a_conversation_gives_what_its_user_says():
    said = conversation(None, [*user("old"), {"role": "assistant", "content": "a"}, *ASKED])
    assert said.user_content == "mail bob now\nbob?\nto\nbob\nn\n5"


def letters(choices):
    return choices.text("ab \n", 8)


def content_of(choices):
    """Make a text, or parts that are texts and images."""
    if choices.below(2):
        return letters(choices)
    return choices.several(lambda: part(letters(choices)) if choices.below(2) else IMAGE, 4)


def kinds(message):
    return [p["type"] for p in message["content"] if isinstance(p, dict)]


@thorough
@given(entropy)
def test_edits_of_plain_text_give_the_text_that_they_make(choices):
    messages = user(*choices.several(lambda: content_of(choices), 3))
    texts = MessageTexts(messages)
    ends = sorted(set(choices.several(lambda: choices.between(0, len(texts.content)), 4)))
    edits = [Edit(a, b, letters(choices)) for a, b in zip(ends[::2], ends[1::2], strict=False)]
    edits = [edit for edit in edits if "\n" not in texts.content[edit.start : edit.end] + edit.replacement]
    note(f"{messages=} {edits=}")
    expected = texts.content
    for edit in reversed(edits):
        expected = expected[: edit.start] + edit.replacement + expected[edit.end :]
    found = texts.edited(edits)
    assert MessageTexts(found).content == expected
    kinds = [[p["type"] for p in message["content"]] for message in messages if isinstance(message["content"], list)]
    assert kinds == [
        [p["type"] for p in message["content"]] for message in found if isinstance(message["content"], list)
    ]


@thorough
@given(entropy)
def test_differences_make_one_text_into_the_other(choices):
    old = made = choices.text("ab \n", 20)
    new = choices.text("ab \n", 20)
    note(f"{old=} {new=}")
    edits = differences(old, new)
    for edit in reversed(edits):
        made = made[: edit.start] + edit.replacement + made[edit.end :]
    assert made == new
    assert all(one.end <= other.start for one, other in zip(edits, edits[1:], strict=False))


def test_many_edits_of_many_parts_do_not_take_long():
    texts = MessageTexts(user([part("bob"), IMAGE] * 20_000))
    edits = [Edit(at, at + 3, "x") for at in range(0, len(texts.content), 4)]
    (found,) = texts.edited(edits)
    assert message_text(found) == "\n".join("x" * 20_000)
    assert least(lambda: seconds(lambda: texts.edited(edits)), 5) < 5


@pytest.mark.parametrize("word", ["a ", "a", "a\n", "ab cd "])
def test_comparing_long_texts_does_not_take_long(word):
    old, new = word * 100_000, f"x{word * 50_000}y{word * 50_000}z"
    assert least(lambda: seconds(lambda: MessageTexts(user(old)).edited(differences(old, new))), 5) < 5
