"""Windows end between words, however text comes, and a stream with any strategy always ends."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import anyio
import pytest
import regex
from entropy import EXAMPLES, entropy, thorough
from fakes import FakeProvider, FunctionRail, Guarded
from handrail import Blocked, Edit, Finished, RailFailed, TextDelta, Verdict
from handrail._builtin.rolling import Rolling
from handrail._words import pieces, words
from hypothesis import given, note, settings
from hypothesis import strategies as st
from virtual import run

slower = settings(thorough, max_examples=max(EXAMPLES // 20, 10))

_SOME = [
    *"aZ09_.,:'!? -\n\t()",
    *("é", "e\u0301", "ß", "ж", "α", "א", "ع", "क", "ि", "क्ष"),  # letters, and marks that join them
    *("中", "文", "の", "カ", "タ", "한", "글", "ก", "ำ", "ไ", "က", "ြ"),
    *("👩\u200d👩\u200d👧", "🇩🇪", "🇩", "👍🏽", "\u200d", "\ufe0f", "\u0301", "\u00ad", "\u3000", "…", "—"),
    *("ក", "ក្ម", "က္က", "ᨠ᩠ᨠ", "\u00a0", "\u202f", "1\u202f234", "\r\n", "\r"),
    *("3.14", "1,000", "don't", "x_y", "word", "Grüße", "4111 1111"),
]
texts = entropy.map(lambda choices: choices.text(_SOME, 40))

_ALONE = regex.compile(r"[\p{Thai}\p{Lao}\p{Myanmar}\p{Khmer}\p{Tai_Tham}\p{Han}\p{Hiragana}]")


def boundaries(text: str, rule: str) -> set[int]:
    return {0, len(text), *(match.start() for match in regex.finditer(rule, text))}


@thorough
@given(texts)
def test_pieces_are_cut_where_unicode_has_a_boundary_of_words(text):
    """UAX 29, by the module `regex`, whose rules nothing here knows; in scripts without spaces, one of graphemes."""
    found = pieces(text)
    assert "".join(found) == text
    for cut in set(itertools.accumulate(map(len, found))) - boundaries(text, r"\X"):
        # A vowel sign of Thai or Burmese behind a letter of another script: no language writes that.
        assert text[cut] in "ำြ", (text[:cut], text[cut:])
        assert not _ALONE.match(text[cut - 1])
    for cut in set(itertools.accumulate(map(len, found))) - boundaries(text, r"(?w)\b"):
        around = text[cut - 1 : cut + 1]
        assert around.isspace() or any(map(_ALONE.match, around)), (text[:cut], text[cut:])


@pytest.mark.parametrize("gap", ["\u00a0", "\u2007", "\u2009", "\u202f"])
@pytest.mark.parametrize("number", ["1{}234{}567", "12{}000{}kg", "٣{}٤٥٦{}٧٨٩"])
def test_a_number_with_narrow_spaces_is_one_piece(number, gap):
    number = number.format(gap, gap)
    assert [piece.strip(" .") for piece in pieces(f"some {number} words.")][1] == number


@thorough
@given(texts, st.integers(0, 60))
def test_pieces_stay_what_they_are_when_more_text_comes(text, at):
    """All but the last, which may grow."""
    closed = pieces(text[:at])[:-1]
    assert pieces(text)[: len(closed)] == closed


@thorough
@given(texts)
def test_a_piece_is_cut_further_without_a_gap(text):
    assert "".join(words(text)) == text


def windows(pieces_of_text, size: int, context: int, hold: int):
    shape = SimpleNamespace(
        chunk_size=size, context_size=context, resolved_hold_size=hold, resolved_first_chunk_size=min(size, 4)
    )
    strategy, made = Rolling(shape, lambda text: max(1, -(-len(text) // 4))), []
    for piece in pieces_of_text:
        strategy.feed(piece)
        made += iter(strategy.window, None)
    strategy.finish()
    return [*made, *iter(strategy.window, None)]


@thorough
@given(entropy)
def test_windows_contexts_and_holds_end_between_words(choices):
    """Where no word is longer than a window."""
    some = ["one", "3.14", "1,000,000", "don't", "Grüße", "x", "été"]
    text = " ".join(choices.several(lambda: choices.one_of(some), 60))
    context = choices.between(0, 12)
    hold = choices.between(0, context)
    size = context + choices.between(4, 20)
    step = choices.between(1, 30)
    made = windows([text[i : i + step] for i in range(0, len(text), step)], size, context, hold)
    note(f"{text=} {size=} {context=} {hold=}")
    allowed = boundaries(text, r"(?w)\b")
    for window in made:
        assert {window.context_start, window.start, window.end, window.clears} <= allowed
    assert "".join(text[window.start : window.end] for window in made) == text


@pytest.mark.parametrize(
    ("text", "rule"),
    [("alpha,beta,gamma,delta," * 20, r"(?w)\b"), ("e\u0301\u0323" * 100, r"\X")],
    ids=["words without a space", "a word of letters with marks"],
)
def test_what_is_longer_than_a_window_is_cut_between_its_words_and_a_word_between_its_graphemes(text, rule):
    made = windows([text], 12, 4, 4)
    assert len(made) > 5
    cuts = {place for window in made for place in (window.context_start, window.start, window.end, window.clears)}
    assert cuts <= boundaries(text, rule)


# --- Every strategy ends --------------------------------------------------------------------------------------

_SENTENCES = "The tide is low. Walk on it! Card 4111 1111, ends\n\nA new one… Go home? I did. " * 6


@st.composite
def streaming(draw) -> dict[str, object]:
    """A strategy with settings in which less may be held than is repeated."""
    kind = draw(st.sampled_from(["rolling", "sentence", "paragraph", "whole"]))
    context = draw(st.integers(0, 4))
    held = draw(st.integers(0, context))
    if kind == "rolling":
        return {"chunk_size": context + draw(st.integers(1, 20)), "context_size": context, "hold_size": held}
    if kind == "whole":
        return {"strategy": kind}
    sizes = {"min_tokens": draw(st.integers(1, 5)), "max_tokens": draw(st.integers(5, 30))}
    return {"strategy": kind, **sizes, f"context_{kind}s": context, f"held_{kind}s": held}


@slower
@given(
    streaming(),
    st.sampled_from(["asyncio", "trio"]),
    st.sampled_from(["allow", "edit", "block", "raise", "late"]),
    st.integers(1, 60),
    st.sampled_from(["4111", "Walk on it! Card", "ends\n\nA", "e"]),
)
def test_a_stream_with_any_strategy_ends_whatever_its_rail_does(streaming, backend, does, size, phrase):
    """A watchdog in virtual time: what cannot be carried out is a failure that says so, never a wait forever."""

    def judge(window):
        at = window.text.find(phrase)
        if at < 0 or does == "allow":
            return Verdict.allow()
        if does == "raise":
            raise ValueError("broke")
        begin = window.context_start if does == "late" else window.span(at, at)[0]
        span = (begin, window.span(at, at + len(phrase))[1])
        return Verdict.block() if does == "block" else Verdict.rewrite([Edit(*span, "#")])

    chunks = [_SENTENCES[i : i + size] for i in range(0, len(_SENTENCES), size)]
    base = {"chunk_size": None, "context_size": None}
    config = streaming if "chunk_size" in streaming else {**base, **streaming}

    async def main():
        with anyio.fail_after(1000):
            return await g.events()

    rail = FunctionRail(judge, latency=0.02)
    g = Guarded(FakeProvider(chunks, delay=0.01), {"r": rail}, **config)
    events = run(backend, main)
    assert g.provider.closed == 1
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    if does == "allow":
        assert text == _SENTENCES
        assert isinstance(events[-1], Finished)
    elif does in ("block", "raise"):
        seen = any(phrase in window.text for window in rail.windows)
        assert isinstance(events[-1], {"block": Blocked, "raise": RailFailed}[does] if seen else Finished)
    if isinstance(events[-1], RailFailed) and does in ("edit", "late"):
        assert "a larger hold_size" in events[-1].error


@pytest.mark.parametrize("number", ["3.14", "1,000,000", "12:30", "٣٫١٤"])
async def test_a_number_is_shown_whole_or_not_at_all(guarded, number):
    rail = FunctionRail()
    text = f" {number}" * 60
    g = guarded(FakeProvider(list(text)), {"r": rail})
    assert "".join(await g.texts()) == text
    assert all(window.text.split() == [number] * len(window.text.split()) for window in rail.windows)
