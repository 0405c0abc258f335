"""What a chat template says about the marks of a model."""

from __future__ import annotations

import pytest
from handrail_huggingface._answer import Answer
from handrail_huggingface._dialect import Dialect

# Pairs as models have them: DeepSeek and Qwen, Seed-OSS, Kimi, Magistral, Command A, Apertus, MiniCPM, OpenThinker,
# LongCat, EXAONE Deep, Gemma 4, MedGemma, and spellings of fine-tunes.
PAIRS = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<Thought>", "</Thought>"),
    ("<seed:think>", "</seed:think>"),
    ("<longcat_think>", "</longcat_think>"),
    ("<reasoning>", "</reasoning>"),
    ("<|think|>", "<|/think|>"),
    ("◁think▷", "◁/think▷"),
    ("[THINK]", "[/THINK]"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|thought_start|>", "<|thought_end|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<|channel>", "<channel|>"),
    ("<unused94>", "<unused95>"),
    ("<\uff5cbegin\u2581of\u2581thinking\uff5c>", "<\uff5cend\u2581of\u2581thinking\uff5c>"),
    ("<思考>", "</思考>"),
    ("<start_of_thought>", "<end_of_thought>"),
]


@pytest.mark.parametrize("pair", PAIRS, ids="".join)
def test_every_pair_around_reasoning_is_found_in_the_chat_template(pair):
    assert Dialect.of(f"a {pair[0]} b {pair[1]} c").reasoning == (pair,)


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair[0] != "<|think|>"], ids="".join)
def test_a_template_may_mention_the_closing_tag_alone(pair):
    """Where the opening tag may be spelt in two ways, both are looked for."""
    assert pair in Dialect.of(f"{{{{ content.split('{pair[1]}')[-1] }}}}").reasoning


@pytest.mark.parametrize("pair", PAIRS, ids="".join)
def test_reasoning_between_any_pair_stays_out_of_the_answer_however_it_is_cut(pair):
    dialect = Dialect.of(f"{pair[0]}{pair[1]}")
    name = "thought\n" if pair[0] in {"<|channel>", "<unused94>"} else ""
    whole = f"{pair[0]}{name}\nhidden{pair[1]}\n\nHello [1] <b>you</b>"
    for size in (1, 2, 3, len(whole)):
        answer = Answer(dialect, ())
        pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
        chunks = [chunk for piece in pieces for chunk in answer.feed(piece)] + list(answer.finish())
        assert "".join(chunk.reasoning for chunk in chunks) == "hidden"
        assert "".join(chunk.text for chunk in chunks) == "Hello [1] <b>you</b>"


def test_several_pairs_of_one_template_are_all_found():
    found = Dialect.of("<seed:think> <seed:cot_budget_reflect> [THINK]").reasoning
    assert {tags[1] for tags in found} == {"[/THINK]", "</seed:think>", "</seed:cot_budget_reflect>"}


@pytest.mark.parametrize(
    "template",
    [
        "plain",
        "<|think|> is a switch of the system message",
        "{{ message.reasoning_content }} {{ loop.index[thinking] }} {{ message['reasoning'] }}",
        "<tool_call></tool_call> <b> <thin> <rethinker>",
    ],
)
def test_what_only_looks_like_a_tag_is_none(template):
    assert Dialect.of(template).reasoning == ()


def test_a_tag_may_be_known_to_the_tokenizer_alone():
    assert Dialect.of("plain", tokens=["<think>", "</think>"]).reasoning == (("<think>", "</think>"),)


def test_tags_that_are_given_replace_those_of_the_template():
    assert Dialect.of("<think></think>", reasoning=("<r>", "</r>")).reasoning == (("<r>", "</r>"),)
    assert not Dialect.of("<|channel|><|message|>", reasoning=("<r>", "</r>")).channels


def answered(dialect, whole, prompt=""):
    answer = Answer(dialect, ())
    answer.begin(prompt)
    chunks = [*answer.feed(whole), *answer.finish()]
    return "".join(chunk.text for chunk in chunks), "".join(chunk.reasoning for chunk in chunks)


WRAPPED = Dialect.of("<think></think><answer></answer> <|START_RESPONSE|>")


@pytest.mark.parametrize(
    ("whole", "text", "reasoning"),
    [
        ("<think>hm</think>\n<answer>\nHello</answer>", "Hello", "hm"),
        ("<think>hm</think><|START_RESPONSE|>Hello<|END_RESPONSE|>", "Hello", "hm"),
        ("<answer>Hello</answer>", "Hello", ""),
        ("<think>hm</think>Use <answer> tags, </answer> too.", "Use <answer> tags, </answer> too.", "hm"),
        ("<answer>a <answer> b</answer> c", "a <answer> b c", ""),
        ("<think>never closed", "", "never closed"),
    ],
)
def test_tags_around_the_answer_are_no_part_of_it(whole, text, reasoning):
    assert answered(WRAPPED, whole) == (text, reasoning)


@pytest.mark.parametrize("prompt", ["assistant\n<think>", "assistant\n<think>\n\n"])
def test_a_template_may_have_opened_the_reasoning(prompt):
    assert answered(WRAPPED, "hm</think>Hello", prompt) == ("Hello", "hm")


@pytest.mark.parametrize("prompt", ["what is <think>? assistant\n", "<think>\n\n</think>\n\n"])
def test_a_tag_further_up_in_the_prompt_opens_nothing(prompt):
    assert answered(WRAPPED, "Hello", prompt) == ("Hello", "")
