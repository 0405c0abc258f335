from __future__ import annotations

import pytest
from handrail.errors import ConfigurationError
from handrail_scripted import ScriptedProvider
from handrail_scripted._file import read_script


@pytest.fixture
def script(tmp_path):
    """Write a file of answers and read it."""

    def read(content: str | bytes):
        path = tmp_path / "answers.yml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_script(path)

    return read


def test_a_file_holds_answers_and_a_default(script):
    read = script("answers:\n  - contains: lisbon\n    text: |\n      Trams.\n\n      Hills.\ndefault: Pardon?\n")
    assert read.answers[0].contains == ("lisbon",)
    assert read.answers[0].text == "Trams.\n\nHills.\n"
    assert read.default.text == "Pardon?"


def test_a_file_may_be_a_list_of_answers(script):
    assert [answer.text for answer in script("- one\n- text: two\n").answers] == ["one", "two"]


def test_a_byte_order_mark_and_an_alias_do_no_harm(script):
    read = script(b"\xef\xbb\xbfanswers:\n  - &a {contains: x, text: y}\n  - *a\n")
    assert read.answers[0] == read.answers[1]


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (
            "answers:\n  - text: one\n    contians: x\n",
            3,
            "unknown key 'contians'; did you mean 'contains'? allowed: ",
        ),
        ("- text: one\n- text: two\n  match: '('\n", 3, "answers[1].match: not a regular expression"),
        ("anwsers: []\n", 1, "unknown key 'anwsers'; did you mean 'answers'? allowed: answers, default"),
        (
            "answers:\n- text: a\n  error:\n    type: sever\n",
            4,
            "error.type: input should be 'authentication',",
        ),
        ("answers:\n- text: a\n  error:\n    typ: server\n", 4, "unknown key 'typ'; did you mean 'type'?"),
        ("answers:\n- text: a\n  error:\n    after: 2\n", 3, "answers[0].error.type: field required"),
        ("- contains: x\n", 1, "the answer says nothing; give 'text'"),
        ("- text: yes\n", 1, "valid string; put it in quotes (found True)"),
        ("- text: 42\n", 1, "put it in quotes (found 42)"),
        ("- text: a\n  error: {type: server}\n  hang: {after: 1}\n", 1, "give one of them"),
        ("- text: a\n  error: {type: server, retry_after: 1}\n", 2, "'rate_limit' only, not with 'server'"),
        ("- text: a\n  hang: {after: -1}\n", 2, "greater than or equal to 0 (found -1)"),
        ("- text: a\n  jitter: 2\n", 2, "less than or equal to 1"),
        ("- text: a\n  tokens_per_second: .inf\n", 2, "finite"),
        ("- text: a\n  contains: ['b', ' ']\n", 2, "a blank text occurs in every message"),
        ("- text: a\n  usage: {input: 3}\n", 2, "unknown key 'input'"),
        (
            "- text: a\n  tool_calls:\n  - argument: 3\n",
            3,
            "unknown key 'argument'; did you mean 'arguments'?",
        ),
        ("default:\n  contains: a\n  text: b\n", 1, "it takes no condition"),
        ("answers: none\n", 1, "tuple (found 'none')"),
        ("", 1, "found nothing; write a list of answers"),
        ("just text\n", 1, "found 'just text'; write a list of answers"),
        ("- text: a\n\t- text: b\n", 2, "no valid YAML"),
        ("- text: 'a\n", 2, "no valid YAML"),
        ("a: 1\n---\nb: 2\n", 2, "no valid YAML"),
        ("- !!python/object:os.system {}\n", 1, "no valid YAML"),
        ("- text: a\n  text: b\n", 2, "'text' stands here a second time, first in line 1"),
        (b"- text: a\n- text: \xff\n", 2, "not UTF-8"),
    ],
)
def test_what_is_wrong_is_said_with_the_file_and_the_line(script, content, line, message):
    with pytest.raises(ConfigurationError) as caught:
        script(content)
    assert f"answers.yml:{line}: " in str(caught.value)
    assert message in str(caught.value)


def test_every_problem_is_said_at_once(script):
    with pytest.raises(ConfigurationError) as caught:
        script("- txt: a\n- text: b\n  times: 0\n  seed: x\n")
    assert len(caught.value.problems) == 3
    assert str(caught.value).splitlines() == list(caught.value.problems)


def test_a_missing_file_is_named_with_the_nearest_one(tmp_path):
    (tmp_path / "answers.yml").write_text("- hello\n")
    with pytest.raises(ConfigurationError, match=r"answer\.yml.*No such file.*did you mean 'answers\.yml'\?"):
        read_script(tmp_path / "answer.yml")
    with pytest.raises(ConfigurationError, match=r"YAML files there: 'answers\.yml'"):
        read_script(tmp_path / "zzz")
    with pytest.raises(ConfigurationError, match="there is no folder"):
        read_script(tmp_path / "none" / "answers.yml")
    with pytest.raises(ConfigurationError, match="directory"):
        read_script(tmp_path)


def test_a_file_that_contains_itself_is_refused(script):
    with pytest.raises(ConfigurationError, match=r"answers\.yml:1: the anchor here contains itself"):
        script("- &a\n  text: b\n  metadata: *a\n")


async def test_a_default_beside_the_name_of_a_file_serves_if_the_file_has_none(tmp_path, ask):
    for content, expected in [("answers: []\n", "ours"), ("default: the file's\n", "the file's")]:
        (tmp_path / "a.yml").write_text(content)
        provider = ScriptedProvider({"answers": str(tmp_path / "a.yml"), "default": "ours"})
        assert "".join(chunk.text for chunk in await ask(provider)) == expected
