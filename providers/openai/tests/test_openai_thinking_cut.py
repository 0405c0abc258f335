"""However text is cut, the same reasoning comes out: checked against the whole, for random texts and cuts."""

from __future__ import annotations

from handrail_openai._think import ThinkSplitter
from hypothesis import given
from hypothesis import strategies as st


def cut(whole, places):
    edges = [0, *sorted(place % (len(whole) + 1) for place in places), len(whole)]
    return [whole[start:end] for start, end in zip(edges, edges[1:], strict=False)]


PARTS = st.sampled_from(["<think>", "</think>", "<", "<th", "ink>", "</", "a", " ", "\n"])
TEXT = st.lists(PARTS, max_size=10).map("".join)


@given(text=TEXT, places=st.lists(st.integers(0, 200), max_size=8), opened=st.booleans())
def test_reasoning_is_told_apart_wherever_the_text_is_cut(text, places, opened):
    def split(pieces):
        splitter = ThinkSplitter(opened=opened)
        parts = [*map(splitter.feed, pieces), splitter.finish()]
        return "".join(part[0] for part in parts), "".join(part[1] for part in parts)

    assert split(cut(text, places)) == split([text]) == told_apart(text, opened=opened)


def told_apart(text, *, opened):
    """The same for a text that is there as a whole."""
    inside = text if opened else text.lstrip().removeprefix("<think>") if text.lstrip().startswith("<think>") else None
    if inside is None:
        return text, ""
    reasoning, _, answer = inside.partition("</think>")
    return answer, reasoning
