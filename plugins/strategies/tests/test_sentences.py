"""Where sentences end."""

from __future__ import annotations

import pytest

# Each text with a bar wherever a sentence ends.
SENTENCES = {
    "marks": "One. |Two! |Three? |Four?! |Five",
    "abbreviations": "Dr. Smith met Mrs. Jones vs. Gov. Brown. |They left.",
    "initials": "J. R. R. Tolkien lived in the U.S. Senate, e.g. in Washington. |So did I. |He left.",
    "numbers": "It costs 3.14 or 1.000.000. |Version 2.0. |It was 1998. |Then came 1999.",
    "numbered": "See No. 5, fig. 3 and vol. 120. |He said no. |Then he left.",
    "dates": "On Jan. 5 it began. |Am 3. Oktober endet es. |Gut.",
    "addresses": "Read https://example.com/a.b?c=d.e and mail a.b@c.org. |Then see www.x.org! |Done.",
    "files": "Open main.py or .env. |Then run it.",
    "ellipses": "And so on... yes. |Wait... |What? |Nothing… |He left… and came back.",
    "quotes": 'He said "Stop!" and left. |"Really?" she asked. |"No." |(It was late.) |He said “go.” |Then',
    "markup": "**One.** |*Two.* |`Three.` |Four.",
    "lower case after a full stop": "A new ver. of it. |Yes.",
    "Chinese": "你好。|今天3.5度，很冷！|他说：「走吧。」|然后走了。|好的……不。|OK?|好",
    "Japanese": "はい。|そうですか？|『いいえ。』|わかりました！|（はい。）|終わり",
    "Korean": "안녕하세요. |잘 지내요? |네!",
    "Arabic": "مرحبا. |كيف حالك؟ |قال د. أحمد نعم. |شكرا",
    "Urdu": "یہ ایک جملہ ہے۔ |دوسرا؟ |تیسرا",
    "Hindi": "नमस्ते। |आप कैसे हैं? |मैं ठीक हूँ॥ |और",
    "Armenian": "Բարեւ։ |Ինչպե՞ս ես։ |Լավ",
    "Amharic": "ሰላም። |እንዴት ነህ፧ |ደህና",
    "Burmese and Khmer": "မင်္ဂလာပါ။ |ဟုတ်ကဲ့။ |សួស្តី។ |បាទ",
    "Greek": "Γεια σου. |Τι κάνεις; Καλά. |Ναι!",
    "Russian": "Это ул. Ленина. |Он пришёл в 5 ч. утра. |Да!",
    "German": "Das ist z. B. gut, d. h. bzw. Hr. Müller sagt es. |»Ja.« |„Nein.“ |Ende.",
    "Spanish": "¿Qué tal? |¡Bien! |El Sr. López llegó. |«Sí.» |Fin.",
    "French": "M. Dupont est là. |« Oui ! » |Ah bon ? |Oui.",
    "a list": "Do this:\n|- one thing. |And more\n|- another\n|1. First\n|2. Second. |Third\n\n|End",
    "Markdown blocks": "Title\n|# Head\n|> quoted\n|| a | b |\n|End",
    "blank lines": "A heading\n\n|Some text\r\n\r\n|More\u2029\u2029|End",
    "wrapped lines": "A sentence that\ngoes on here. |Next",
    "a line's end after a mark": "One.\n|two!\n|Mr.\n|three",
    "code": "See:\n|```python\na = 1. \nb = x.\n\nC = 2\n```\n|After it. |Then.",
    "code with tildes": "~~~\nA. B\n```\nC. D\n~~~\n|Yes. |No",
    "a longer fence": "````\n```\nA. B\n```\nC. D\n````\n|End. |Yes",
    "code at the end": "So:\n|```\nA. B. C",
    "a closed block at the end": "So:\n|```\nA. B.\n```",
    "code within a line": "```one``` Two. |Three.",
    "white space only": " \n \n ",
    "leading white space": "  \n\n|One. |Two.",
    "marks only": "...",
    "nothing": "",
}


@pytest.mark.parametrize("name", SENTENCES)
def test_sentences_end_where_they_should(name, units_of):
    marked = SENTENCES[name]
    if name == "Markdown blocks":  # it has bars of its own
        expected = ["Title\n", "# Head\n", "> quoted\n", "| a | b |\nEnd"]
    else:
        expected = [part for part in marked.split("|") if part]
    assert units_of("".join(expected)) == expected


def test_further_abbreviations_can_be_configured(units_of):
    text = "The Abt. Nord won. It was easy."
    assert units_of(text) == ["The Abt. ", "Nord won. ", "It was easy."]
    assert units_of(text, abbreviations=["Abt."]) == ["The Abt. Nord won. ", "It was easy."]


def test_paragraphs_end_at_blank_lines_but_not_within_code(units_of):
    expected = ["One. Two.\nThree\n\n", "# Head\n \n\n", "```\na\n\nb\n```\nAfter it\n\n", "- item\n- item\n\n", "End"]
    assert units_of("".join(expected), "paragraph") == expected


def test_a_sentence_that_is_too_long_is_cut_at_the_best_place(units_of):
    assert units_of("one two three, four five six seven eight nine", max_tokens=5) == [
        "one two three, ",
        "four five six seven ",
        "eight nine",
    ]
    assert units_of("a" * 20, max_tokens=2) == ["a" * 16, "aaaa"]


def test_code_is_cut_at_lines_only_where_it_is_too_long(units_of):
    lines = [f"line number {number}\n" for number in range(6)]
    text = "```\n" + "".join(lines) + "```\n"
    assert units_of(text) == [text]
    cut = units_of(text, max_tokens=12)
    assert "".join(cut) == text
    assert all(unit.endswith("\n") for unit in cut)
    assert len(cut) == 4


def test_text_without_spaces_or_marks_is_cut_at_the_cap(units_of):
    cut = units_of("字" * 1000, max_tokens=100)
    assert [len(unit) for unit in cut] == [100] * 10


def test_a_long_run_of_one_character_never_stands_still(units_of):
    for character in ".!。 \n`\"'-#1":
        text = character * 3000
        cut = units_of(text, max_tokens=10)
        assert "".join(cut) == text
