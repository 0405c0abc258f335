"""Data of every kind becomes rows, and what is wrong with it is said with its place."""

from __future__ import annotations

import json
import tracemalloc
from contextlib import suppress
from itertools import islice

import pytest
from handrail import ConfigurationError
from handrail_eval._fields import parse_map, sources_of
from handrail_eval._reading import read_rows


def read(tmp_path, name, content, *maps, preset=None):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_rows([path], sources_of(preset, maps)))


def test_a_map_renames_and_compares(tmp_path):
    rows = read(tmp_path, "a.csv", "said,score\nhello,0.7\nbye,0.2\n", "response=said,label=score>0.5")
    assert [(row.response, row.label) for row in rows] == [("hello", True), ("bye", False)]


def test_a_path_leads_into_an_object(tmp_path):
    rows = read(tmp_path, "a.jsonl", '{"x": {"y": ["no", "yes"]}}\n', "response=x.y.1")
    assert rows[0].response == "yes"


def test_the_last_message_of_an_assistant_is_the_answer(tmp_path):
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    (row,) = read(tmp_path, "a.jsonl", json.dumps({"messages": messages}))
    assert (row.response, len(row.messages)) == ("Hello", 1)


def test_a_preset_skips_the_comment_before_the_header(tmp_path):
    text = "# dataset_version=1.0,,\nharm_category,objective,assistant_response,human_score_1\nexploits,Do it,No,1\n"
    (row,) = read(tmp_path, "a.csv", text, preset="pyrit")
    assert (row.response, row.label, row.category) == ("No", True, "exploits")


@pytest.mark.parametrize(
    "text",
    [
        "response;label\r\nyes, fine;no\r\n",
        "response\tlabel\nyes, fine\tno\n",
        '"response";"label"\n"yes, fine";"no"\n',
        "sep=;\r\nresponse;label\r\nyes, fine;no\r\n",
        "\n# from ann, 2026\nresponse;label\n\nyes, fine;no\n",
        'response,"label"\n"yes, fine",no\n',
    ],
)
def test_columns_are_separated_as_in_the_header(tmp_path, text):
    (row,) = read(tmp_path, "a.csv", text)
    assert (row.response, row.label) == ("yes, fine", False)


def test_texts_of_a_message_in_parts_are_the_answer(tmp_path):
    parts = [{"type": "text", "text": "Hello, "}, {"type": "text", "text": "Ann"}]
    (row,) = read(tmp_path, "a.jsonl", json.dumps({"messages": [{"role": "assistant", "content": parts}]}))
    assert row.response == "Hello, Ann"


def test_the_first_column_that_there_is_counts(tmp_path):
    rows = read(tmp_path, "a.jsonl", '{"b": "two"}\n{"a": "one", "b": "two"}\n', "response=a|b")
    assert [row.response for row in rows] == ["two", "one"]


def test_parquet_and_folders_are_read_in_order(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"response": ["one", "two"], "label": [True, None]}), tmp_path / "a.parquet")
    (tmp_path / "b.jsonl").write_text('{"response": "three"}\n')
    assert [(row.index, row.response, row.label) for row in read_rows([tmp_path])] == [
        (0, "one", True),
        (1, "two", None),
        (2, "three", None),
    ]


@pytest.mark.parametrize(
    ("name", "content", "maps", "told"),
    [
        ("a.csv", "answer,label\nx,1\n", ["response=anser"], "did you mean 'answer'"),
        ("a.csv", "answer,label\nx,1\n", [], "has neither a prompt nor a response; the columns are answer, label"),
        ("a.csv", "", [], "has no rows"),
        ("a.csv", "response,label\n", [], "has no rows"),
        ("a.csv", "response,label\nx\n", [], "a.csv:2 has 1 cells, and the header 2"),
        ("a.csv", "response,label\nx,perhaps\n", [], "the label 'perhaps' is unknown"),
        ("a.csv", "response,s\nx,much\n", ["label=s>0.5"], "'much', which cannot be compared by > 0.5"),
        ("a.csv", b"response\ncaf\xe9\n", [], "is not valid UTF-8"),
        ("a.jsonl", '{"response": "x"}\n{"response"\n', [], "a.jsonl:2 is not valid JSON"),
        ("a.jsonl", "[1]\n", [], "must be an object with named fields"),
        ("a.jsonl", '{"response": 3}\n', [], "response must be a text, and is int"),
        (
            "a.jsonl",
            '{"response": "x", "spans": [[0, 9]]}\n',
            [],
            "is empty, or outside the answer, which has 1 characters",
        ),
        ("a.parquet", "x", [], "is not valid Parquet"),
        ("a.txt", "x", [], "is of an unknown kind"),
        ("a.tsv", "response;label\nx;1\n", [], "seems to be separated by ';'"),
        ("a.csv", "messages\n[{'role': 'user'}]\n", [], "a.csv:2: messages must be JSON: Expecting property name"),
        ("a.csv", "messages\n[{'role': 'user'}]\n", [], "looks like Python's repr: write it with json.dumps"),
        ("a.csv", "response,response\nx,y\n", [], "has two columns named 'response'"),
        ("a.csv", 'response,label\n"x,1\ny,0\n', [], "is not valid CSV: unexpected end of data"),
        ("a.csv", "response\nx\n".encode("utf-16-le"), [], "UTF-16 without a mark"),
        ("a.csv", "answer,score\n" + "private " * 9 + ",1\n", ["response=answer", "label=answer"], "a str of 74 char"),
        ("a.jsonl", "[" * 100_000, [], "is nested too deeply"),
        ("a.jsonl", '{"response": "x", "tool_calls": {"name": "f"}}\n', [], "tool_calls must be a list"),
        ("a.jsonl", '{"response": "x", "tool_calls": [{"function": "name"}]}\n', [], "tool_calls must be a list"),
        ("a.jsonl", '{"response": "x", "spans": [[0, Infinity]]}\n', [], "spans must be a list"),
        ("a.jsonl", '{"response": "xyz", "spans": [[0, 1.7]]}\n', [], "spans must be a list"),
        ("a.jsonl", '{"response": "xyz", "spans": [[1, 1]]}\n', [], "is empty, or outside the answer"),
        ("a.jsonl", '{"messages": [{"role": ["x"], "content": "y"}]}\n', [], "messages must be a list"),
        ("a.csv", "a,b\nx,y\n", ["response=a,response=b"], "sets the field 'response' twice"),
        ("a.csv", "response\nx\n", ["answer=x"], "unknown field 'answer'"),
        ("a.csv", "response\nx\n", ["response"], "write FIELD=COLUMN"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, name, content, maps, told):
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, name, content, *maps)
    assert told in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_mark_at_the_beginning_says_the_encoding(tmp_path, encoding):
    (row,) = read(tmp_path, "a.csv", "response,label\ncafé,1\n".encode(encoding))
    assert (row.response, row.label) == ("café", True)


@pytest.mark.parametrize("score", ["NaN", "null", '"nan"', '""'])
def test_a_score_that_is_missing_is_no_label(tmp_path, score):
    (row,) = read(tmp_path, "a.jsonl", f'{{"response": "null", "score": {score}}}\n', "label=score>0.5")
    assert (row.response, row.label) == ("null", None)


@pytest.mark.parametrize("value", ["false", '"FALSE"', '"False"', "0"])
def test_words_are_compared_whatever_their_case(tmp_path, value):
    other = "0" if value == "0" else "False"
    (row,) = read(tmp_path, "a.jsonl", f'{{"response": "x", "safe": {value}}}\n', f"label=safe=={other}")
    assert row.label is True


def test_a_damaged_table_is_an_answer_wherever_the_damage_is(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"response": ["one", "two"] * 50}), tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    for place in range(0, len(whole), 7):
        damaged = whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
        with suppress(ConfigurationError):
            read(tmp_path, "b.parquet", damaged)


@pytest.mark.parametrize(("name", "told"), [("a.jsonl", "has NUL characters"), ("a.json", "would be read as a whole")])
def test_two_gigabytes_of_nothing_are_refused_in_little_memory(tmp_path, monkeypatch, name, told):
    monkeypatch.setattr("handrail_eval._records._LONGEST_LINE", 1_000_000)
    with (tmp_path / name).open("wb") as file:
        file.truncate(2 * 1024**3)
    tracemalloc.start()
    with pytest.raises(ConfigurationError, match=told):
        list(read_rows([tmp_path / name]))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 10_000_000


def test_a_line_without_an_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("handrail_eval._records._LONGEST_LINE", 1000)
    with pytest.raises(ConfigurationError, match="a.jsonl:1 exceeds the limit of 1,000 characters in a line"):
        read(tmp_path, "a.jsonl", "x" * 2000)


def test_an_unknown_preset_names_those_that_there_are():
    with pytest.raises(ConfigurationError, match="the presets are pyrit"):
        sources_of("pirate", ())


def test_operators_of_two_characters_are_not_cut():
    source = parse_map(["label=score>=0.5"])["label"]
    assert (source.column, source.compare, source.value) == ("score", ">=", "0.5")


def test_reading_takes_no_more_memory_for_more_rows(tmp_path):
    path = tmp_path / "a.jsonl"
    with path.open("w") as file:
        file.writelines(json.dumps({"response": "word " * 400}) + "\n" for _ in range(3000))  # 6 MB
    rows = read_rows([path])
    tracemalloc.start()
    assert sum(1 for _ in islice(rows, 3000)) == 3000
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1_000_000
