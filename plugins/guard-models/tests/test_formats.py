"""Each guard model by its card: the answers that the card documents, and answers that only look like them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from handrail_guard_models._formats import FORMATS, format_of
from handrail_guard_models._readers import judged
from handrail_self_check.judging import UnreadableAnswerError, said

README = Path(__file__).parents[1] / "README.md"
BY_NAME = {known.name: known for known in FORMATS}

# format, direction, answer, what follows, category
CARDS = [
    ("llama_guard", "input", "safe", "allow", None),
    ("llama_guard", "output", "\n\nsafe", "allow", None),
    ("llama_guard", "input", "unsafe\nO3", "block", "O3"),
    ("llama_guard", "output", "\n\nunsafe\nS1,S10", "block", "S1,S10"),
    ("llama_guard", "output", "unsafe", "block", None),
    ("llama_guard", "output", "unsafe\nS1\nS2", "block", "S1,S2"),
    ("llama_guard", "input", "unsafe\n\nS1, S12", "block", "S1,S12"),
    ("llama_guard", "output", "safe<|eot_id|>", "allow", None),
    ("llama_guard", "output", "unsafe\nS14<|eot_id|>", "block", "S14"),
    ("nemoguard", "input", '{"User Safety": "safe"}', "allow", None),
    ("nemoguard", "output", '{"User Safety": "safe", "Response Safety": "safe"} ', "allow", None),
    (
        "nemoguard",
        "input",
        '{"User Safety": "unsafe", "Safety Categories": "Violence, Criminal Planning/Confessions"}',
        "block",
        "Violence, Criminal Planning/Confessions",
    ),
    (
        "nemoguard",
        "output",
        '{"User Safety": "unsafe", "Response Safety": "safe", "Safety Categories": "Violence"}',
        "allow",
        None,
    ),
    ("nemoguard", "output", '{"User Safety": "safe", "Response Safety": "unsafe"}', "block", None),
    ("nemotron_reasoning", "input", "Prompt harm: unharmful\nResponse harm: None", "allow", None),
    ("nemotron_reasoning", "input", "Prompt harm: harmful\nResponse harm: None", "block", None),
    (
        "nemotron_reasoning",
        "output",
        "<think>\nok\n</think>\n\nPrompt harm: harmful\nResponse Harm: unharmful",
        "allow",
        None,
    ),
    ("nemotron_reasoning", "output", "Prompt harm: unharmful\nResponse harm: harmful", "block", None),
    ("nemotron_content_safety", "input", "User Safety: safe", "allow", None),
    ("nemotron_content_safety", "output", "User Safety: safe\nResponse Safety: safe", "allow", None),
    (
        "nemotron_content_safety",
        "output",
        "User Safety: unsafe\nResponse Safety: safe\nSafety Categories: Criminal Planning/Confessions, Violence",
        "allow",
        None,
    ),
    (
        "nemotron_content_safety",
        "input",
        "<think>\nA threat.\n</think>\nUser Safety: unsafe\nSafety Categories: Violence, Threat",
        "block",
        "Violence, Threat",
    ),
    ("granite_guardian", "input", "No", "allow", None),
    ("granite_guardian", "input", "Yes", "block", None),
    ("granite_guardian", "output", "No\n<confidence> High </confidence>", "allow", None),
    ("granite_guardian", "output", "Yes\n<confidence> Low </confidence>", "block", None),
    ("granite_guardian", "output", "<think>\n</think>\n<score> yes </score>", "block", None),
    ("granite_guardian", "output", "<think>\nIt is kind.\n</think>\n<score>no</score>", "allow", None),
    ("shieldgemma", "input", "No", "allow", None),
    ("shieldgemma", "output", "Yes", "block", None),
    ("shieldgemma", "output", "Yes\n\nIt asks for harm.", "block", None),
    ("wildguard", "output", "Harmful request: no\nResponse refusal: no\nHarmful response: no", "allow", None),
    ("wildguard", "output", "Harmful request: yes\nResponse refusal: yes\nHarmful response: no", "allow", None),
    ("wildguard", "output", "Harmful request: yes\nResponse refusal: no\nHarmful response: yes", "block", None),
    ("wildguard", "input", "Harmful request: no\nResponse refusal: n/a\nHarmful response: n/a", "allow", None),
    ("wildguard", "input", "Harmful request: yes\nResponse refusal: n/a\nHarmful response: n/a", "block", None),
    (
        "polyguard",
        "output",
        (
            "Harmful request: yes\nRequest safety violations: S2\nResponse refusal: no\nHarmful response: yes\n"
            "Response safety violations: S1 S2"
        ),
        "block",
        "S1 S2",
    ),
    (
        "polyguard",
        "output",
        (
            "Harmful request: yes\nRequest safety violations: S5\nResponse refusal: yes\nHarmful response: no\n"
            "Response safety violations: None"
        ),
        "allow",
        None,
    ),
    (
        "polyguard",
        "input",
        "Harmful request: yes\nRequest safety violations: S1,S10\nResponse refusal: no\nHarmful response: no",
        "block",
        "S1, S10",
    ),
    ("qwen3guard", "input", "Safety: Safe\nCategories: None", "allow", None),
    ("qwen3guard", "input", "Safety: Unsafe\nCategories: Violent", "block", "Violent"),
    ("qwen3guard", "output", "Safety: Safe\nCategories: None\nRefusal: Yes", "allow", None),
    (
        "qwen3guard",
        "output",
        "Safety: Unsafe\nCategories: Suicide & Self-Harm\nRefusal: No",
        "block",
        "Suicide & Self-Harm",
    ),
    (
        "qwen3guard",
        "output",
        "Safety: Controversial\nCategories: Unethical Acts\nRefusal: No",
        "middle",
        "Unethical Acts",
    ),
    ("gpt_oss_safeguard", "input", "0", "allow", None),
    ("gpt_oss_safeguard", "input", "1", "block", None),
    ("gpt_oss_safeguard", "output", '{"violation": 1, "policy_category": "H2.f"}', "block", "H2.f"),
    ("gpt_oss_safeguard", "output", '{"violation": 0, "policy_category": null, "rationale": "polite"}', "allow", None),
    (
        "gpt_oss_safeguard",
        "output",
        '{"violation": 0, "policy_category": "SP0", "rule_ids": [], "confidence": "high", "rationale": "x"}',
        "allow",
        None,
    ),
    ("dynaguard", "output", "<answer>\nPASS\n</answer>", "allow", None),
    ("dynaguard", "output", "<think>\nRule 1 holds.\n</think>\n<answer>\nFAIL\n</answer>", "block", None),
    (
        "dynaguard",
        "output",
        "<answer>\nPASS\n</answer>\n<explanation>\nIt keeps rule 2.\n</explanation>",
        "allow",
        None,
    ),
    ("lynx", "output", '{"REASONING": ["It is in the DOCUMENT.", "All of it."], "SCORE": "PASS"}', "allow", None),
    ("lynx", "output", "{\"REASONING\": ['It is not.', 'It''s made up.'], \"SCORE\": FAIL}", "block", None),
]

NOT_OF_THE_FORM = [
    (
        "llama_guard",
        "input",
        ["", "safe\nS1", "safe or unsafe", "Safe, but rude", "unsafely", "safe unsafe", "probably safe"],
    ),
    (
        "nemoguard",
        "output",
        ["safe", '{"User Safety": "safe"}', '{"Response Safety": "safe", "Response Safety": "safe"}'],
    ),
    (
        "nemoguard",
        "input",
        ['{"User Safety": "mostly safe"}', '{"User Safety": "safe", "Safety Categories": "Violence"}'],
    ),
    (
        "nemoguard",
        "input",
        ['{"User Safety": "safe", "Score": 0.9}', '{"User Safety": "safe"} or not', '{"User Safety": null}'],
    ),
    (
        "nemotron_reasoning",
        "output",
        ["Prompt harm: unharmful\nResponse harm: None", "Response harm: unharmful, mostly"],
    ),
    (
        "nemotron_reasoning",
        "input",
        ["Prompt harm: unharmful\nPrompt harm: harmful", "unharmful", "<think>Prompt harm: unharmful"],
    ),
    (
        "nemotron_content_safety",
        "output",
        ["User Safety: safe", "Response Safety: safe\nVerdict: unsafe", "Response Safety: safe;"],
    ),
    ("nemotron_content_safety", "input", ["User Safety: safe\nSafety Categories: Violence", "I say User Safety: safe"]),
    (
        "granite_guardian",
        "input",
        ["Failed", "No\n<confidence> Low </confidence>", "<score> no </score><score> yes </score>"],
    ),
    ("granite_guardian", "input", ["<score> maybe </score>", "It is <score> no </score>", "No, but"]),
    ("shieldgemma", "output", ["No, but", "No\n\nYes", "No\n\nIt is harmful.", "Noted", "Not safe"]),
    ("wildguard", "output", ["Harmful request: no", "Harmful response: no\nToxicity: 0.9", "Harmful response: n/a"]),
    (
        "polyguard",
        "output",
        [
            "Harmful request: no\nHarmful response: no\nResponse safety violations: S1",
            "Harmful request: yes\nHarmful response: no\nResponse safety violations: S1",
        ],
    ),
    (
        "qwen3guard",
        "output",
        ["Safety: Safe\nCategories: Violent", "Safety: Safe\nSafety: Unsafe", "Safe", "Safety: Safe."],
    ),
    (
        "gpt_oss_safeguard",
        "output",
        ["0.5", "01", "0 or 1", '{"violation": 0.4}', '{"violation": 0, "confidence": "low"}'],
    ),
    ("gpt_oss_safeguard", "output", ['{"violation": 0, "violation": 1}', '{"violation": 0, "severity": 5}', "10"]),
    ("dynaguard", "output", ["PASS", "<answer>PASS</answer><answer>FAIL</answer>", "<answer>PASS or FAIL</answer>"]),
    ("dynaguard", "output", ["<answer>PASS</answer> but", "<answer>PASS</answer><explanation></explanation></answer>"]),
    ("lynx", "output", ["PASS", '{"SCORE": "PASS"}', '{"REASONING": ["\\"SCORE\\": \\"FAIL\\""], "SCORE": "PASS"}']),
    ("lynx", "output", ['{"REASONING": [], "SCORE": "PARTIAL"}', '{"REASONING": [], "SCORE": "PASS"} FAIL']),
]


def readings(known, direction, answer):
    """Read an answer with every reader of a format, as the rails do."""
    for reader in known.readers:
        try:
            yield reader.read(said(answer), direction)
        except UnreadableAnswerError:
            continue


@pytest.mark.parametrize(("name", "direction", "answer", "sense", "category"), CARDS)
def test_an_answer_of_the_card_is_read(name, direction, answer, sense, category):
    (found,) = readings(BY_NAME[name], direction, answer)
    assert found[0] == sense
    assert judged(*found, middle_allows=False).category == category


@pytest.mark.parametrize(
    ("name", "direction", "answer"),
    [(name, direction, answer) for name, direction, answers in NOT_OF_THE_FORM for answer in answers],
)
def test_an_answer_that_only_looks_like_it_allows_nothing(name, direction, answer):
    try:
        found = list(readings(BY_NAME[name], direction, answer))
    except UnreadableAnswerError:
        found = []
    assert all(sense == "block" for sense, _ in found)


@pytest.mark.parametrize(("name", "direction", "answer", "sense", "category"), CARDS)
def test_no_two_formats_read_one_answer_differently(name, direction, answer, sense, category):
    """A model whose name is not known is read by all of them."""
    senses = {found for known in FORMATS for found, _ in readings(known, direction, answer)}
    assert senses == {sense}


@pytest.mark.parametrize(("name", "direction", "answer", "sense", "category"), CARDS)
@pytest.mark.parametrize("more", [" or not", "\n\nHowever, it is not.", "\nScore: 0.4", "\n\nunsafe", "\n{}"])
def test_an_answer_that_allows_with_anything_behind_it_allows_nothing(name, direction, answer, sense, category, more):
    if "Categories: Criminal" in answer and more == " or not":
        return  # that is the name of a category of the user's message, for all that anybody can tell
    assert all(found == "block" for known in FORMATS for found, _ in readings(known, direction, answer + more))


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("llama_guard", "unsafe, S1"),
        ("llama_guard", "unsafe S1"),
        ("llama_guard", "unsafe\nS1: Violent Crimes."),
        ("llama_guard", "unsafe\nViolent Crimes"),
        ("llama_guard", "unsafe\nsafe"),
        ("shieldgemma", "**Yes**"),
        ("shieldgemma", "Yes, it does."),
        ("shieldgemma", "Yes because it insults."),
        ("granite_guardian", "Yes\n<confidence> Medium"),
        ("gpt_oss_safeguard", "1\nIt is spam."),
        ("gpt_oss_safeguard", '{"violation": 1, "confidence": "low", "severity": 5}'),
        ("gpt_oss_safeguard", '{"violation": 0, "violation": 1}'),
        ("nemoguard", '{"Response Safety": "unsafe", "Safety Categories": {"Violence": 1}}'),
        ("polyguard", "Harmful response: yes\nResponse safety violations: S5: Privacy"),
        ("qwen3guard", "Safety: Unsafe\nCategories: Violent\nRefusal: N/A"),
        ("wildguard", "[Answers]\nHarmful request: no\nHarmful response: yes\nIs that so?"),
        ("nemotron_reasoning", "Prompt harm: perhaps\nResponse harm: harmful\nResponse harm: unharmful"),
    ],
)
def test_what_blocks_is_a_refusal_whatever_else_the_answer_has(name, answer):
    """A failure would pass with `on_error: allow`."""
    assert [sense for sense, _ in readings(BY_NAME[name], "output", answer)] == ["block"]


@pytest.mark.parametrize(
    "answer", ["unsafe or safe", "unsafely", "unsafe-ish", "Yes or no", "yes and no", "10", "1 or 0"]
)
def test_a_word_that_runs_on_is_no_refusal(answer):
    assert [found for known in FORMATS for found in readings(known, "output", answer)] == []


@pytest.mark.parametrize(
    "answer",
    [
        '{"User Safety": "safe", "Safety Categories": {"Violence": true}}',
        '{"User Safety": "safe", "Safety Categories": [["Violence"]]}',
        '{"User Safety": "safe", "Safety Categories": 7}',
        '{"User Safety": "safe", "Safety Categories": "violence, as 2024-01-01 has shown"}',
    ],
)
def test_a_category_of_any_form_contradicts_what_is_safe(answer):
    assert list(readings(BY_NAME["nemoguard"], "input", answer)) == []


def test_a_safe_text_may_have_an_empty_list_of_categories():
    answer = '{"User Safety": "safe", "Safety Categories": [], "Response Safety": null}'
    assert list(readings(BY_NAME["nemoguard"], "input", answer)) == [("allow", None)]


def test_shieldgemma_may_explain_its_no_as_its_prompt_asks():
    answer = "No\n\nThe answer is a greeting and does not violate the policy."
    assert list(readings(BY_NAME["shieldgemma"], "output", answer)) == [("allow", None)]


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("meta-llama/LlamaGuard-7b", "llama_guard"),
        ("meta-llama/Meta-Llama-Guard-2-8B", "llama_guard"),
        ("llama-guard3:8b", "llama_guard"),
        ("meta-llama/Llama-Guard-4-12B", "llama_guard"),
        ("nvidia/llama-3.1-nemoguard-8b-content-safety", "nemoguard"),
        ("llama-3.1-nemotron-safety-guard-8b-v3", "nemoguard"),
        ("nvidia/Nemotron-Content-Safety-Reasoning-4B", "nemotron_reasoning"),
        ("nvidia/nemotron-3-content-safety", "nemotron_content_safety"),
        ("nvidia/Nemotron-3.5-Content-Safety", "nemotron_content_safety"),
        ("ibm-granite/granite-guardian-3.3-8b", "granite_guardian"),
        ("granite4.1-guardian:8b", "granite_guardian"),
        ("google/shieldgemma-2b", "shieldgemma"),
        ("allenai/wildguard", "wildguard"),
        ("ToxicityPrompts/PolyGuard-Qwen", "polyguard"),
        ("Qwen/Qwen3Guard-Gen-4B", "qwen3guard"),
        ("openai/gpt-oss-safeguard-20b", "gpt_oss_safeguard"),
        ("tomg-group-umd/DynaGuard-8B", "dynaguard"),
    ],
)
def test_a_model_is_known_by_its_name(model, name):
    known = format_of(model)
    assert known is BY_NAME[name]
    assert sum(bool(re.search(other.models, model, re.IGNORECASE)) for other in FORMATS) == 1


@pytest.mark.parametrize(
    "model", [None, "", "gpt-5-mini", "llama-3.1-8b", "nvidia/nemotron-3-nano", "granite-4.0-h", "qwen3-8b"]
)
def test_other_models_are_not(model):
    assert format_of(model) is None


def test_the_readme_lists_the_formats_as_they_are():
    rows = [f"| `{known.name}` | {known.card} | {known.prompt} | {known.categories or '-'} |" for known in FORMATS]
    text = README.read_text(encoding="utf-8")
    assert "\n".join(rows) in text
