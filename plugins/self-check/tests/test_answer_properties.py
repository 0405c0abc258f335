"""Properties of the reader: an answer allows only if every part of it is one that may be there.

Answers are put together from parts that are allowed in them and parts that are not, in six languages.
"""

from __future__ import annotations

import re
from itertools import product

import pytest
from handrail_self_check._answer import read_answer
from handrail_self_check._question import IS_IT_SUPPORTED, MUST_IT_BE_BLOCKED, Question
from handrail_self_check._spoken import UnreadableAnswerError
from handrail_self_check._words import DOUBT, SAFE, UNSAFE
from hypothesis import given, settings
from hypothesis import strategies as st
from work import least, seconds

NO = {"en": ["No", "NO.", "**no**", '"No."'], "de": ["Nein", "nein."], "fr": ["Non", "non."], "es": ["No", "no."]}
NO |= {"zh": ["否", "不是。"], "ja": ["いいえ", "いいえ。"]}
YES = {"en": "Yes", "de": "Ja", "fr": "Oui", "es": "Sí", "zh": "是", "ja": "はい"}
LEADS = {
    "en": [
        "Answer: ",
        "My final answer is: ",
        "Blocked: ",
        "Should the message be blocked (yes or no)? ",
        "Verdict:\n",
    ],
    "de": ["Antwort: ", "Hier ist meine Antwort: ", "Blockieren: "],
    "fr": ["Réponse : ", "Ma réponse est : ", "Bloquer : "],
    "es": ["Respuesta: ", "Mi respuesta es: ", "Bloquear: "],
    "zh": ["答案：", "结论：", "是否屏蔽："],
    "ja": ["回答：", "結論：", "ブロック："],
}
OTHER_LEADS = {
    "en": [
        "Approved: ",
        "Severity: high\nRefusal: ",
        "OK to send: ",
        "Not my answer: ",
        "The user says: ",
        "Is it safe? ",
    ],
    "de": ["Genehmigt: ", "Schweregrad: hoch\nBeleidigung: ", "Ist das sicher? ", "Der Nutzer sagt: "],
    "fr": ["Approuvé : ", "Convient : ", "Est-ce sûr ? ", "L'utilisateur dit : "],
    "es": ["Aprobado: ", "Adecuado: ", "¿Es seguro? ", "El usuario dice: "],
    "zh": ["批准：", "严重程度：高\n拒绝：", "安全吗？", "用户说："],
    "ja": ["承認：", "重大度：高\n拒否率：", "安全ですか？", "ユーザー："],
}
REASONS = {
    "en": ["", "\n\nReason: it is a greeting.", "\nExplanation: nothing in it is harmful.", "\n\nA polite greeting."],
    "de": ["", "\n\nBegründung: Es ist ein Gruß.", "\n\nDie Nachricht ist ein Gruß."],
    "fr": ["", "\n\nRaison : c'est une salutation.", "\n\nLe message est une salutation."],
    "es": ["", "\n\nRazón: es un saludo.", "\n\nEl mensaje es un saludo."],
    "zh": ["", "\n\n理由：这是问候。", "\n\n这是问候。"],
    "ja": ["", "\n\n理由：挨拶です。", "\n\nこれは挨拶です。"],
}
RETRACTIONS = {
    "en": [
        ", probably",
        " (probably)",
        ". It depends.",
        ", but it insults",
        "\n\nBut it insults.",
        "\nScore: 0.9",
        "/A",
        "?",
    ]
    + [
        "\n\nYes",
        "\n\nReason: it may be harmful.",
        " - not sure",
        "...",
        "\n\nFinal answer: yes",
        ", do not send",
        "\n\n{}",
    ],
    "de": [
        ", wahrscheinlich",
        ". Es kommt darauf an.",
        ", aber es beleidigt",
        "\n\nAber es beleidigt.",
        "\nSchwere: hoch",
    ],
    "fr": [
        ", probablement",
        ". Cela dépend.",
        ", mais il insulte",
        "\n\nMais il insulte.",
        "\nGravité : haute",
        "\n\nOui",
    ],
    "es": [" es seguro.", ", probablemente", ". Depende.", ", pero insulta", "\n\nPero insulta.", "\nGravedad: alta"],
    "zh": [
        "，可能",
        "。看情况。",
        "，但是有侮辱",
        "\n\n但是有侮辱。",
        "\n严重程度：高",
        "\n\n是",
        "\n\n理由：可能有害。",
    ],
    "ja": [
        "、たぶん",
        "。場合による。",
        "、でも侮辱です",
        "\n\nしかし侮辱です。",
        "\n重大度：高",
        "\n\nはい",
        "\n\n理由：危険です。",
    ],
}
LANGUAGES = sorted(NO)
ALL_RETRACTIONS = [part for language in LANGUAGES for part in RETRACTIONS[language]]


def allows(text: str, question: Question = MUST_IT_BE_BLOCKED) -> bool:
    try:
        return not read_answer(text, question).blocked
    except UnreadableAnswerError:
        return False


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_answer_of_accepted_parts_allows(language):
    wrong = [
        answer
        for lead, no, reason in product(["", *LEADS[language]], NO[language], REASONS[language])
        if not allows(answer := f"{lead}{no}{reason}")
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_answer_with_a_lead_that_asks_something_else_allows(language):
    parts = product(OTHER_LEADS[language], ["", *LEADS[language]], NO[language], REASONS[language])
    wrong = [
        answer for other, lead, no, reason in parts for answer in (f"{other}{lead}{no}{reason}",) if allows(answer)
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_answer_that_is_taken_back_allows_in_whatever_language(language):
    """A judge may change its language: every retraction is put behind every answer, and behind its explanation."""
    parts = product(["", *LEADS[language]], NO[language], REASONS[language], ALL_RETRACTIONS)
    wrong = []
    for lead, no, reason, back in parts:
        answer = f"{lead}{no}{reason}{back}" if not reason or back.startswith("\n\n") else f"{lead}{no}{back}{reason}"
        if allows(answer):
            wrong.append(answer)
    assert wrong == []


@pytest.mark.parametrize(("first", "second"), [*product(LANGUAGES, LANGUAGES)])
def test_two_answers_are_none(first, second):
    for between in (" ", ", ", ". ", "\n", "\n\n", " / ", " or ", "\n\nAnswer: "):
        assert not allows(f"{NO[first][0]}{between}{YES[second]}")
        assert not allows(f"{YES[second]}{between}{NO[first][0]}")


@given(st.sampled_from(sorted(DOUBT)), st.sampled_from(["{}", "It is {} a greeting.", "{}, it is a greeting."]))
def test_a_word_of_doubt_anywhere_in_an_explanation_allows_nothing(word, form):
    for label in ("", "Reason: ", "Explanation: "):
        assert not allows(f"No\n\n{label}{form.format(word)}")


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_stands_beside_a_no_is_a_part_of_the_grammar_or_the_answer_fails(before, after):
    """What allows with random text beside it is a bare word to which only marks and spaces were added."""
    text = f"{before}x no x{after}"
    assert not allows(text)


@given(st.sampled_from(sorted(SAFE)), st.sampled_from(sorted(UNSAFE)), st.sampled_from([" ", ", ", "\n", "\n\n", ". "]))
def test_a_word_that_allows_and_one_that_blocks_allow_nothing(safe, unsafe, between):
    assert not allows(f"{safe}{between}{unsafe}")
    assert not allows(f"{unsafe}{between}{safe}")


@given(st.text(), st.sampled_from([MUST_IT_BE_BLOCKED, IS_IT_SUPPORTED]))
def test_any_text_is_read_or_refused_and_nothing_else_is_raised(text, question):
    allows(text, question)


JUMBLE = [
    "no",
    "yes",
    "safe",
    "unsafe",
    "not",
    "blocked",
    "answer",
    ":",
    "?",
    ".",
    "\n\n",
    "Reason:",
    "{",
    "}",
    '"',
    "or",
]


@settings(max_examples=500)
@given(st.lists(st.sampled_from(JUMBLE), max_size=12).map(" ".join))
def test_a_jumble_with_words_for_both_never_allows_unless_one_of_them_is_a_label(text):
    if allows(text):
        head = re.sub(r"\bnot? (?:answer )?unsafe\b", "safe", text.split("\n\n")[0])
        assert not {"yes", "unsafe"} & set(head.rpartition(":")[2].rpartition("?")[2].split())


@given(
    st.sampled_from(["no", "No.", "safe", "Answer: no", "Blocked: no", "yes", "unsafe", "Not safe", "perhaps"]),
    st.sampled_from(["{}", "**{}**", '"{}"', "`{}`", "\n{}\n", "# {}", "<think>no, yes</think>{}", "```\n{}\n```"]),
    st.sampled_from([str.upper, str.lower, str.title, str]),
)
def test_case_and_dress_make_no_difference(answer, dress, case):
    assert allows(dress.format(case(answer))) == allows(answer)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(
        [
            "safe ",
            "not ",
            "no, ",
            "no\n\n",
            "a",
            "a-",
            "a: ",
            "answer: ",
            '{"a":',
            "<think>",
            "</think>",
            "yes? ",
            "\n",
            "'t ",
            "* ",
        ]
    ),
    st.sampled_from(["", "no", "no\n\n", "no\n\nreason: "]),
)
def test_an_answer_at_the_limit_is_read_at_once(piece, first):
    """A second is far more than any length needs."""
    answer = first + piece * (7_900 // len(piece))
    assert least(lambda: seconds(lambda: allows(answer)), 1) < 1
