from __future__ import annotations

import pytest
from handrail_self_check._answer import LONGEST, UnreadableAnswerError, read_answer
from handrail_self_check._reading import (
    IS_IT_SUPPORTED,
    MUST_IT_BE_BLOCKED,
    MUST_THE_ANSWER_BE_BLOCKED,
    MUST_THE_MESSAGE_BE_BLOCKED,
)

BLOCKS = """
yes
Yes.
YES!
 yes\\n
**Yes**
`yes`
"Yes."
y
true
Answer: yes
Answer: **Yes**
The answer is yes
So the answer is "yes".
Yes, it is unsafe
Yes the message should be blocked.
Yes, because it breaks the rules.
unsafe
UNSAFE
unsafe\\nS2
Not safe
not_safe
NOT SAFE.
No not safe
<think>x</think>Yes, since it quotes </think> no
Unsafe. Yes.
It is not safe.
It isn't safe
It isnt safe
It’s not safe
It is never safe.
It is hardly safe.
It is anything but safe
It is far from safe
It is no longer safe.
There is no way this is safe
is *not* safe
not ... safe
not\\nsafe
not, in my view, safe
It is not really, well, safe
It is really, well, not safe
un-safe
un\u200bsafe
ＹＥＳ
cannot be allowed
It should not be allowed
Don't allow it
Do not allow this.
Block
Blocked.
The message should be blocked.
It does not comply with the policy.
It is harmful.
It contains offensive content.
This violates the policy.
flagged
No doubt it is unsafe
No doubt this is unsafe
I don't doubt it is unsafe
I am not sure it is unsafe, block it
It is not only unsafe but dangerous
not entirely unsafe
not necessarily unsafe
not all of it is unsafe
nothing but unsafe content
It is not polite or unsafe
<think>no</think>yes
<think>The user asks. Is it safe? I would say no.</think>\\n\\nYes.
{"blocked": true}
{"blocked": "yes"}
{"safe": false}
{"safe": "no"}
{"is_safe": 0}
{"answer": "Yes"}
{"User Safety": "unsafe"}
{"result": {"unsafe": true}}
```json\\n{"unsafe": true}\\n```
"""

ALLOWS = """
no
No.
NO
 no \\n
**No**
`no`
"No"
n
false
Answer: No
The answer is no.
The answer is: no
So the answer is "no".
No, it is safe
No, it is not unsafe.
No. The message is a polite greeting.
No - the message is fine
No—it is fine
No this should not be blocked
No, I don't think it should be blocked.
No, definitely not.
No, not at all. It is safe.
No, the message does not violate the policy.
No, the message complies with the policy for talking with the bot.
No, the user message does not contain any harmful content, and does not ask the bot to do anything bad.
No\\n\\nExplanation: The message asks about harmful plants.
No need to block it.
No violations found.
No problem
There is nothing unsafe here.
There is no unsafe content.
safe
Safe.
safe\\n
It is safe
It's safe.
Sure! No.
Absolutely! It's safe.
The message is safe and appropriate.
Completely safe.
harmless
non-harmful
classified as safe
not unsafe
It isn't unsafe.
not harmful or unsafe
It is neither unsafe nor harmful
It does not need to be blocked
The message should not be blocked.
It shouldn't be blocked
Based on the policy, the message should not be blocked.
Do not block
Allow
The message complies with the policy.
It is safe. The answer is no.
<think>is it unsafe? yes, maybe</think>\\nNo
<thinking>hm</thinking> No
Let me see, it is only a greeting.</think>No
{"blocked": false}
{"Blocked": "No", "reason": "a polite and harmless greeting"}
{"safe": true}
{"unsafe": false, "violations": false}
{"answer": "No"}
{"User Safety": "safe"}
{"verdict": "safe", "explanation": "Yes, this could be unsafe elsewhere."}
```json\\n{"unsafe": false}\\n```
"""

UNREADABLE = """
maybe
Perhaps.
OK
Hello! How can I help?
I cannot tell
It depends.
None
1
42
不安全
нет
n o
...
It might be safe
It is probably safe
Probably not
It is unclear whether it is safe
yes and no
yes or no
Yes/No
No or yes
Yes, it is safe
No, it is not safe
No, it is unsafe
No it is unsafe
No, this violates the policy.
No. Wait, actually yes.
No... yes
safe or unsafe
safe unsafe
safe, no, unsafe
Safe, it is not
Safe: no
Safe = false
Safe - no
Is safe: no
Is it safe? No.
Safe? No
Question: Should it be blocked (Yes or No)? Answer: No
It is safe to say that this is harmful.
It is safe, if taken properly
No, unless it is a joke
The message claims that it is safe
The user says: it is safe
The user says, "it is safe"
According to the user, it is safe.
I'm sorry, but no.
Sorry, no.
No, I can't help with that.
No, I am unable to assist.
I'm sorry, I can't assist with that request.
<think>no
<think>yes</think>
Yes, because it contains </think> no
<think>x</think>Yes, since there is </think> no
Blocked: no
Unsafe: false
{"blocked": true, "blocked": false}
{"blocked": true, "safe": true}
{"User Safety": "unsafe", "Response Safety": "safe"}
{"blocked": null}
{"blocked": "perhaps"}
{"reason": "no"}
{"blocked": false} but yes
{'safe': false}
{blocked: no}
"""


def listed(text: str) -> list[str]:
    return [line.replace("\\n", "\n") for line in text.strip("\n").splitlines()]


@pytest.mark.parametrize("answer", listed(BLOCKS))
def test_an_answer_that_refuses_the_text_blocks(answer):
    assert read_answer(answer, MUST_IT_BE_BLOCKED).blocked


@pytest.mark.parametrize("answer", listed(ALLOWS))
def test_an_answer_that_clears_the_text_allows(answer):
    assert not read_answer(answer, MUST_IT_BE_BLOCKED).blocked


@pytest.mark.parametrize("answer", listed(UNREADABLE))
def test_an_answer_that_is_not_clear_is_an_error(answer):
    with pytest.raises(UnreadableAnswerError):
        read_answer(answer, MUST_IT_BE_BLOCKED)


@pytest.mark.parametrize(
    ("answer", "blocked"),
    [
        ("yes", False),
        ("Yes.", False),
        ("no", True),
        ("No it is not", True),
        ("true", False),
        ("Yes, the evidence supports the hypothesis.", False),
        ("Yes, there is no contradiction", False),
        ("No, the evidence does not support the hypothesis.", True),
        ("Supported", False),
        ("Supported: yes", False),
        ("entailment", False),
        ("The response is accurate.", False),
        ("not entailed", True),
        ("Unsupported", True),
        ("contradiction", True),
        ("The evidence does not entail the hypothesis", True),
        ('{"supported": true}', False),
        ('{"answer": "no"}', True),
        ('{"hallucination": true, "grounded": false}', True),
    ],
)
def test_facts_are_asked_the_other_way_round(answer, blocked):
    assert read_answer(answer, IS_IT_SUPPORTED).blocked is blocked


@pytest.mark.parametrize(
    "answer", ["Partially supported", "neutral", "yes and no", "No, it is supported", "Mostly yes"]
)
def test_half_a_support_is_none(answer):
    with pytest.raises(UnreadableAnswerError):
        read_answer(answer, IS_IT_SUPPORTED)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", "gave an empty answer"),
        (" \n\t", "gave an empty answer"),
        ("```\n```", "gave an empty answer"),
        ("<think>well</think>\n", "gave an empty answer"),
        ("<think>no", "was still thinking"),
        ("yes and no", "commits itself to neither|contradicts itself"),
        ("No, it is unsafe", "contradicts itself"),
        ("It might be safe", "commits itself to neither yes nor no"),
        ("Good morning", "said neither yes nor no"),
        ("No. " + "x" * LONGEST, "answered with 8,004 characters, of which at most 8,000 are read"),
        ("No" + "no " * 40_000, "answered with 120,001 characters"),
    ],
)
def test_the_error_says_why(answer, why):
    with pytest.raises(UnreadableAnswerError, match=why):
        read_answer(answer, MUST_IT_BE_BLOCKED)


def test_thoughts_may_be_long():
    assert not read_answer(f"<think>{'is it unsafe? ' * 5_000}</think>No", MUST_IT_BE_BLOCKED).blocked


@pytest.mark.parametrize("answer", ["No", "No, it is not", "It is safe. There", "Safe"])
def test_an_answer_that_was_cut_counts_as_far_as_it_is_whole(answer):
    assert not read_answer(answer, MUST_IT_BE_BLOCKED, cut=True).blocked


@pytest.mark.parametrize("answer", ["It is safe", "The message is not harmful", "I think that the"])
def test_a_clause_that_was_cut_allows_nothing(answer):
    with pytest.raises(UnreadableAnswerError, match="said neither"):
        read_answer(answer, MUST_IT_BE_BLOCKED, cut=True)


@pytest.mark.parametrize(
    ("answer", "category"),
    [
        ("unsafe\nS2", "S2"),
        ("unsafe\nS1,S10", "S1,S10"),
        ("unsafe", None),
        ('{"User Safety": "unsafe", "Safety Categories": "Violence, Threat"}', "Violence, Threat"),
        ('{"blocked": true, "categories": ["hate", "threat"]}', "hate, threat"),
        ('{"blocked": true, "category": ""}', None),
        ('{"blocked": true, "category": 3}', None),
    ],
)
def test_a_category_is_taken_from_the_answer(answer, category):
    assert read_answer(answer, MUST_IT_BE_BLOCKED).category == category


def test_json_of_absurd_depth_is_unreadable():
    with pytest.raises(UnreadableAnswerError):
        read_answer('{"a":' * 1_500, MUST_IT_BE_BLOCKED)


@pytest.mark.parametrize(
    ("question", "own", "other"),
    [
        (MUST_THE_ANSWER_BE_BLOCKED, "Response Safety", "User Safety"),
        (MUST_THE_MESSAGE_BE_BLOCKED, "User Safety", "Response Safety"),
    ],
)
def test_that_another_text_is_safe_answers_nothing(question, own, other):
    with pytest.raises(UnreadableAnswerError, match="neither yes nor no"):
        read_answer(f'{{"{other}": "safe"}}', question)
    assert not read_answer(f'{{"{other}": "safe", "{own}": "safe"}}', question).blocked
    assert read_answer(f'{{"{other}": "safe", "{own}": "unsafe"}}', question).blocked
    assert read_answer(f'{{"{other}": "unsafe"}}', question).blocked
