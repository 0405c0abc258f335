from __future__ import annotations

from random import Random
from typing import get_args

import pytest
from handrail_scripted import split_tokens
from handrail_scripted._settings import Chunking
from handrail_scripted._tokens import split_chunks
from hypothesis import given
from hypothesis import strategies as st

texts = st.text(max_size=200) | st.text(alphabet="ab Z9_.,\n\t\u3000é漢字한🙂²", max_size=200)


@given(texts)
def test_tokens_join_to_exactly_the_text(text):
    tokens = split_tokens(text)
    assert "".join(tokens) == text
    assert all(tokens)


@pytest.mark.parametrize("chunking", get_args(Chunking))
@given(text=texts, seed=st.integers(0, 1000))
def test_chunks_of_every_kind_join_to_exactly_the_text(chunking, text, seed):
    assert "".join(split_chunks(text, chunking, Random(seed))) == text


def test_tokens_are_word_pieces_with_their_leading_space():
    assert split_tokens("Hello there, extraordinary 2026!\n\nBye") == [
        "Hello", " there", ",", " extraord", "inary", " ", "202", "6", "!", "\n\n", "Bye",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("chunking", "chunks"),
    [
        ("token", ["One", " two", ".", "\n\n", "Three", "."]),
        ("character", list("One two.\n\nThree.")),
        ("word", ["One ", "two.\n\n", "Three."]),
        ("paragraph", ["One two.\n\n", "Three."]),
        ("whole", ["One two.\n\nThree."]),
    ],
)
def test_each_chunking_cuts_where_its_name_says(chunking, chunks):
    assert list(split_chunks("One two.\n\nThree.", chunking, Random(0))) == chunks


def test_random_chunks_follow_from_the_seed_and_some_are_empty():
    text = "Tides rise and fall twice a day. " * 20
    first, again, other = (list(split_chunks(text, "random", Random(seed))) for seed in (1, 1, 2))
    assert first == again != other
    assert "" in first
    assert max(map(len, first)) == 40


def test_an_empty_text_gives_no_chunks():
    assert all(not list(split_chunks("", chunking, Random(0))) for chunking in get_args(Chunking))
