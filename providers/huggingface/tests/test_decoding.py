from __future__ import annotations

from handrail_huggingface._decoding import LONGEST_WAIT, PieceDecoder
from hypothesis import given
from hypothesis import strategies as st

TEXTS = ("", "Hello, world!", "naïve café", "🐾🐙 and 日本語", "a\n\nb  c\t", "e\u0301 \u200d 👩\u200d🍳")


def pieces_of(decoder, batches):
    pieces = [decoder.feed(batch) for batch in batches]
    return [*pieces, decoder.finish()]


def test_pieces_join_to_the_text_however_the_tokens_come(tokenizer):
    @given(st.one_of(st.sampled_from(TEXTS), st.text(max_size=30)), st.lists(st.integers(1, 5), max_size=40))
    def check(text, sizes):
        ids = tokenizer(text)["input_ids"]
        batches = []
        for size in sizes:
            batches.append(ids[:size])
            ids = ids[size:]
        assert "".join(pieces_of(PieceDecoder(tokenizer), [*batches, ids])) == text

    check()


def test_only_whole_characters_are_given(tokenizer):
    ids = tokenizer("🐾 日")["input_ids"]
    assert len(ids) > 4
    pieces = pieces_of(PieceDecoder(tokenizer), [[token] for token in ids])
    assert [piece for piece in pieces if piece] == ["🐾", " ", "日"]


def test_a_character_that_never_ends_is_given_as_broken(tokenizer):
    begun = tokenizer("🐾")["input_ids"][:2]
    assert pieces_of(PieceDecoder(tokenizer), [begun])[-1].startswith("\N{REPLACEMENT CHARACTER}")
    endless = PieceDecoder(tokenizer)
    assert any(endless.feed(begun[:1]) for _ in range(LONGEST_WAIT + 1))


class Counting:
    """Counts the tokens that are decoded."""

    def __init__(self, tokenizer):
        self._tokenizer = tokenizer
        self.decoded = 0

    def decode(self, ids, **kwargs):
        self.decoded += len(ids)
        return self._tokenizer.decode(ids, **kwargs)


def test_each_token_is_decoded_a_few_times_however_long_the_text(tokenizer):
    ids = tokenizer("soup and bread and 🐾 " * 200)["input_ids"]
    counting = Counting(tokenizer)
    pieces_of(PieceDecoder(counting), [[token] for token in ids])
    assert counting.decoded < 10 * len(ids)
