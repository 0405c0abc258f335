from __future__ import annotations

import json

from handrail_huggingface._answer import Answer
from handrail_huggingface._dialect import Dialect
from hypothesis import given
from hypothesis import strategies as st

QWEN = Dialect.of("... <think></think> ... <tool_call></tool_call> ...")
CALL = '<tool_call>\n{"name": "find", "arguments": {"q": "é"}}\n</tool_call>'
NO_CALLS = (
    '{"name": null, "arguments": {}}',
    '{"name": "", "arguments": {}}',
    '{"name": ["find"], "arguments": {}}',
    '[{"name": "find", "arguments": {}}]',
    "[" * 30_000,
)
SAMPLES = {
    "Hello.": ("Hello.", "", []),
    "<think>\nHm.\n</think>\n\nHello.": ("Hello.", "Hm.\n", []),
    f"Let me see. {CALL}": ("Let me see. ", "", [("find", {"q": "é"})]),
    f"{CALL}\n{CALL}": ("", "", [("find", {"q": "é"}), ("find", {"q": "é"})]),
    "<tool_call>no json</tool_call> x": ("<tool_call>no json</tool_call>x", "", []),
    "<tool_call>never closed": ("<tool_call>never closed", "", []),
    **{f"<tool_call>{odd}</tool_call>": (f"<tool_call>{odd}</tool_call>", "", []) for odd in NO_CALLS},
    "a < b, <thin and <tool": ("a < b, <thin and <tool", "", []),
}


def text(chunks):
    return "".join(chunk.text for chunk in chunks)


def reasoning(chunks):
    return "".join(chunk.reasoning for chunk in chunks)


def answered(pieces, dialect=QWEN, stop=(), prompt=""):
    answer = Answer(dialect, stop)
    answer.begin(prompt)
    return [chunk for piece in pieces for chunk in answer.feed(piece)] + list(answer.finish()), answer


def cut(whole, sizes):
    pieces = []
    for size in sizes:
        pieces.append(whole[:size])
        whole = whole[size:]
    return [*pieces, whole]


def calls(chunks):
    return [(call.name, json.loads(call.arguments)) for chunk in chunks for call in chunk.tool_calls]


@given(st.sampled_from(sorted(SAMPLES)), st.lists(st.integers(1, 6)))
def test_reasoning_and_tool_calls_come_apart_however_the_text_is_cut(sample, sizes):
    chunks, _ = answered(cut(sample, sizes))
    assert (text(chunks), reasoning(chunks), calls(chunks)) == SAMPLES[sample]


@given(st.lists(st.sampled_from("abcx "), max_size=30).map("".join), st.lists(st.integers(1, 4)))
def test_text_ends_before_the_first_stop_string_however_it_is_cut(sample, sizes):
    """Of several stop strings the one that ends first is the first, also where one is part of another."""
    stop = ("abc", "ca", "xx", "bc ")
    ends = [(at + len(string), at) for string in stop if (at := sample.find(string)) >= 0]
    chunks, answer = answered(cut(sample, sizes), Dialect(), stop)
    assert text(chunks) == sample[: min(ends)[1] if ends else len(sample)]
    assert answer.stopped is bool(ends)


def test_text_that_only_begins_like_a_stop_string_is_not_swallowed():
    chunks, answer = answered(["The end", "ing is near. En"], Dialect(), ("END", "ending now"))
    assert text(chunks) == "The ending is near. En"
    assert not answer.stopped


def test_a_prompt_that_opens_the_reasoning_is_understood():
    chunks, _ = answered(["Hm.", "</think>", "Hello."], prompt="<|assistant|><think>\n")
    assert (reasoning(chunks), text(chunks)) == ("Hm.", "Hello.")


def test_a_stop_string_in_the_reasoning_ends_nothing():
    chunks, _ = answered(["<think>STOP</think>go on STOP no"], stop=("STOP",))
    assert (reasoning(chunks), text(chunks)) == ("STOP", "go on ")


def test_calls_are_numbered():
    chunks, answer = answered([CALL, CALL])
    assert [(call.index, call.id) for chunk in chunks for call in chunk.tool_calls] == [(0, "call_0"), (1, "call_1")]
    assert answer.calls == 2
