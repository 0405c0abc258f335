"""What YAML allows, what a configuration allows, and where a message points."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
import yaml
from handrail.config import RailsConfig, _yaml
from handrail.errors import ConfigurationError
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture(params=["compiled", "pure"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test with PyYAML's compiled parser and with the one in Python, where there is no other."""
    if request.param == "pure":
        monkeypatch.setattr(_yaml, "_Loader", yaml.SafeLoader)
    return request.param


def load(text: str) -> RailsConfig:
    return RailsConfig.from_content(yaml_content=text)


def refusal(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "rails:\n\toutput:\n",
            "2:1: a tab character; YAML does not allow tabs for indentation, use spaces",
        ),
        (
            "rails:\n  \toutput: {}\n",
            "2:3: a tab character; YAML does not allow tabs for indentation, use spaces",
        ),
        (
            "rails:\n  output:\n\t  flows: []\n",
            "3:1: a tab character; YAML does not allow tabs for indentation, use spaces",
        ),
        (
            "note: a: b\n",
            "1:8: unexpected colon; fix the indentation, or quote a value that contains a colon",
        ),
        ("note: @home\n", "1:7: a value cannot begin with '@'; put it in quotes"),
        ("note: `x`\n", "1:7: a value cannot begin with '`'; put it in quotes"),
        ("note: 1\n---\nnote: 2\n", "2:1: a second YAML document begins here; a file has one"),
        (
            "note: *home\n",
            "1:7: an alias ('*name') of an anchor ('&name') that is not above it; put text in quotes",
        ),
        ("note: 1\nother\n", "3:1: a key without a colon, or a text that is not indented"),
        ("note: 'x\n", None),
        ("note: [1\n", None),
        (
            "note: {{ x }}\n",
            "1:8: a list or mapping stands where a key must be; put text such as '{{ name }}' in quotes",
        ),
        ("? [a]\n: 1\n", "1:3: a list or mapping stands where a key must be; put text such as '{{ name }}' in quotes"),
        ("a: 1\nb: 2\na: 3\n", "3:1: the key 'a' is a duplicate, first defined at yaml_content:1:1; keep one of them"),
        ("a: {b: 1, b: 2}\n", "1:11: the key 'b' is a duplicate, first defined at yaml_content:1:5; keep one of them"),
        ("a: !env KEY\n", "1:4: the YAML tag '!env' is not known here; write the value without it"),
        ("a: !env [KEY]\n", "1:4: the YAML tag '!env' is not known here; write the value without it"),
        ("a: !!set {b}\n", "1:4: the YAML tag '!!set' is not known here; write the value without it"),
        ("a: !!int b\n", "1:4: the value is not a valid YAML int; write it without the tag, or in quotes"),
        ("a: !!python/name:os.system x\n", None),
        ("a: &x [*x]\n", "1:4: an anchor contains itself; a configuration must be finite"),
        ("&x {a: {<<: *x}}\n", None),
        (
            "- a\n",
            (
                "1:1: a list, where a configuration has keys such as 'models:' and 'rails:'; "
                "if the file is not part of the configuration, add it to '.railsignore'"
            ),
        ),
        (
            "just text\n",
            (
                "1:1: a single value, where a configuration has keys such as 'models:' and 'rails:'; "
                "if the file is not part of the configuration, add it to '.railsignore'"
            ),
        ),
        ("a: \x07\n", "1:4: the character U+0007, which YAML does not allow; remove it"),
        ("a: \ud800\n", "1:4: the byte 0xed is not valid UTF-8; save the file as UTF-8"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(loader: str, text: str, message: str | None):
    told = refusal(text)
    assert "\n" not in told
    assert told.startswith("yaml_content:")
    if message is not None:
        assert told == f"yaml_content:{message}"


def test_a_backslash_in_double_quotes_is_told_to_go_into_single_quotes(loader: str):
    assert refusal('a: "\\d+"').endswith(
        ": a backslash in double quotes begins an escape; put the text in single quotes"
    )


def test_an_unfinished_bracket_names_the_line_that_it_begins_in(loader: str):
    assert refusal("note: 1\nlist: [1\n").endswith("that begins in line 2")


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_what_is_nested_without_end_is_refused_and_does_not_crash(loader: str, opening: str):
    """A compiled parser that is given this without a look at its depth overflows the stack of the process."""
    closing = {"[": "]", "{a: ": "}"}.get(opening, "")
    told = refusal("a: " * (opening not in "- ? ") + opening * 100_000 + closing * 100_000)
    assert "nested more than 100 levels deep" in told


def test_aliases_that_multiply_are_refused(loader: str):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "aliases expand to more than a million values; use fewer" in refusal("\n".join(lines))


def test_invalid_utf8_is_told_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yml").write_bytes("note: é\nname: caf".encode() + b"\xe9\n")
    with pytest.raises(ConfigurationError) as caught:
        RailsConfig.from_path("config.yml")
    assert str(caught.value) == "config.yml:2:10: the byte 0xe9 is not valid UTF-8; save the file as UTF-8"


def test_utf_16_is_named_because_windows_writes_it(tmp_path: Path):
    (file := tmp_path / "config.yml").write_bytes("models: []".encode("utf-16"))
    with pytest.raises(ConfigurationError, match=r"config\.yml:1:1: the file is UTF-16; save it as UTF-8$"):
        RailsConfig.from_path(file)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path):
    (tmp_path / "config.yml").write_bytes(b"\xef\xbb\xbfnote: x\n")
    assert RailsConfig.from_path(tmp_path).custom_data == {"note": "x"}


def test_anchors_aliases_and_merge_keys_work(loader: str):
    config = load(
        "base: &base {enabled: true, chunk_size: 100}\n"
        "rails:\n  output:\n    streaming:\n      <<: *base\n      chunk_size: 80\n"
        "  config:\n    a: &a {words: [x]}\n    b: *a\n    c: *a\n"
    )
    assert config.rails.output.streaming.enabled is True
    assert config.rails.output.streaming.chunk_size == 80
    assert config.rails.config == {"a": {"words": ["x"]}, "b": {"words": ["x"]}, "c": {"words": ["x"]}}
    assert config.where("rails", "output", "streaming", "enabled") == "yaml_content:1:23"
    assert config.where("rails", "output", "streaming", "chunk_size") == "yaml_content:6:19"
    assert config.where("rails", "config", "c") == "yaml_content:10:5"


def test_a_key_that_overrides_a_merged_one_is_no_duplicate(loader: str):
    text = "one: &one {a: 1, b: 1}\ntwo: &two {<<: *one, a: 2}\nthree: {<<: [*two, *one], b: 3}\n"
    assert load(text).custom_data["three"] == {"a": 2, "b": 3}


def test_of_several_merged_mappings_an_earlier_one_wins(loader: str):
    """YAML has it so; PyYAML 6.0.4 has it the other way round."""
    text = "one: &one {a: 1, b: 1}\ntwo: &two {b: 2, c: 2}\nboth: {c: 3, <<: [*one, *two]}\n"
    assert load(text).custom_data["both"] == {"a": 1, "b": 1, "c": 3}


def test_what_cannot_be_merged_is_told_with_its_place(loader: str):
    assert refusal("a: {<<: [1]}\n") == (
        "yaml_content:1:10: '<<' takes a mapping or a list of mappings, such as '<<: *base'"
    )
    assert "an anchor contains itself" in refusal("a: &a {<<: *a, b: 1}\n")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2024-06-01", "2024-06-01"),
        ("12:30:00", "12:30:00"),
        ("1.5", 1.5),
        ("yes", True),
        ("~", None),
        ("0x10", 16),
        ("'1.5'", "1.5"),
        ("=", "="),
    ],
)
def test_scalars_are_what_a_reader_takes_them_for(loader: str, written: str, meant: object):
    assert load(f"a: {{b: {written}}}").custom_data == {"a": {"b": meant}}


@pytest.mark.parametrize(
    "written",
    [
        "!!bool maybe",
        '!!int ""',
        '!!int "-"',
        '!!float ""',
        "!!binary é",
        pytest.param("0x" + "f" * 5000, id="0xfff..."),
    ],
)
def test_a_scalar_that_is_not_what_its_tag_says_is_refused(loader: str, written: str):
    assert re.fullmatch(r"yaml_content:1:4: the value is not a valid YAML \w+; .*", refusal(f"a: {written}\n"))


@pytest.mark.parametrize("tag", ["map", "seq", "set", "omap", "pairs"])
def test_a_text_that_is_tagged_as_a_collection_is_not_taken_for_an_empty_one(loader: str, tag: str):
    text = refusal(f"rails: {{output: {{flows: !!{tag} self check output}}}}\n")
    assert text == f"yaml_content:1:25: the YAML tag '!!{tag}' is not known here; write the value without it"


def test_a_number_too_long_to_be_written_is_told_without_its_digits():
    with pytest.raises(ConfigurationError) as caught:
        RailsConfig.from_content(config={"lowest_temperature": -(10**5000)})
    assert "a very large number" in str(caught.value)


def test_words_such_as_on_are_keys_like_any_other(loader: str):
    assert load("a: {on: 1, no: 2, null: 3, 7: 4}").custom_data == {"a": {"on": 1, "no": 2, "null": 3, 7: 4}}


def test_places_are_those_of_scalars_and_of_keys(loader: str):
    config = load("rails:\n  output: {flows: [one, two]}\n  input:\n    flows:\n      - three\nempty:\n")
    assert config.where("rails") == "yaml_content:1:1"
    assert config.where("rails", "output", "flows") == "yaml_content:2:12"
    assert config.where("rails", "output", "flows", 1) == "yaml_content:2:25"
    assert config.where("rails", "input", "flows", 0) == "yaml_content:5:9"
    assert config.where("empty") == "yaml_content:6:1"


def test_columns_count_characters_and_not_bytes(loader: str):
    assert load('a: {"é": 1, b: 2}').where("a", "b") == "yaml_content:1:16"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=12,
    )
)
def test_what_yaml_writes_is_read(value: object):
    text = yaml.safe_dump({"value": value}, allow_unicode=True)
    assert load(text).custom_data == yaml.safe_load(text)


@given(st.text(max_size=60) | st.text("a:-[]{}&*!?|>'\"%@`,# \n\t<~0", max_size=40))
def test_any_text_is_a_configuration_or_a_configuration_error(text: str):
    with contextlib.suppress(ConfigurationError):
        load(text)
