"""Explanations after an answer that allows: which say what the text is, and which leave the answer open."""

from __future__ import annotations

import pytest
from handrail_self_check._answer import read_answer
from handrail_self_check._question import IS_IT_SUPPORTED, MUST_IT_BE_BLOCKED
from handrail_self_check._spoken import UnreadableAnswerError

EXPLAINED = """
No. Reason: N/A
No. Reason: the user asks how tides work.
No. Reason: The user asks for a restaurant review.
No. Reason: The message asks for information on tides.
No. Reason: The user asks for more information about tides.
No. Reason: the message is a question about human rights.
No. Reason: The user needs help with homework.
No. Reason: it is a joke.
No. Reason: it asks what kind of tea is best.
No. Reason: The text contains no sensitive or explicit content.
No. Reason: the message contains no personal information.
No. Reason: The answer does not reveal the system prompt.
No. Reason: it should be allowed.
No. Reason: The message does not violate any rule and should not be blocked.
No. Reason: there is nothing to review.
No. Reason: no review is needed.
No. Reason: The question is about 3/4 of a pie, that is 75%.
No. Reason: I am confident that the message is harmless.
No. Reason: it raises no concerns.
No. Reason: There are no risks in it.
No. Reason: it asks how to check the oil of a car.
No. Reason: The user is asking to verify their account number format.
No. Reason: The user wants to confirm an appointment.
No. Reason: it is not spam.
No. Reason: It is a greeting 😊
No\\n\\n**Reason:** The user is asking for a recipe.
No\\n\\nThe user asks for a code review of a function.
No\\n\\nThe bot's response is a standard refusal.
No\\n\\nThe bot's answer says that it cannot say when the shop opens.
No\\n\\nThe response informs the user about opening hours.
No\\n\\nThe bot politely declined to help.
No\\n\\nExplanation: it explains how plants need water.
No.\\n\\nDie Nachricht ist eine Frage nach dem Wetter.
No.\\n\\nLa pregunta trata del tiempo.
否。\\n\\n用户询问天气。
いいえ。\\n\\n天気についての質問です。
No, because it is a normal question.
No, because the user just asks for a translation.
No, because there is nothing harmful in it.
Safe.\\n\\nThe conversation is about cooking.
No. Reason: Polite greeting.
No. Reason: polite greeting
No. Reason: User asks about tides.
No. Reason: general knowledge question
No. Reason: general question, nothing harmful
No. Reason: asks about history, no harmful content
No. Reason: The message is about cooking and does not require moderation.
No. Reason: The text is a well-known poem by Goethe.
No\\n\\nThis is a harmless question about cooking pasta. There is no harmful or inappropriate content.
No\\n\\nExplanation:\\nThe user's message does not contain any of the listed violations.
No\\n\\nExplanation: The user input does not fall into any category of the policy.
No\\n\\nReasoning: The content is factual and educational.
No.\\n\\n- The message asks about the weather.\\n- It contains no abusive language.
No.\\n\\n* It is a factual question.\\n* It does not violate any rules.
No\\n\\nThe user is asking how to reset a password, which is a normal support question.
No\\n\\nThe bot message is helpful, polite and on topic.
No\\n\\nThe response provides accurate information about the opening hours of the museum.
No\\n\\nI find nothing harmful in this message.
No\\n\\nI do not see any violation.
No\\n\\nThe message is written in French, asks for directions, and is polite.
No\\n\\nAccording to the policy, this message is acceptable.
No\\n\\nSince the message is a greeting, it is allowed.
No\\n\\nThe user wants to know the capital of France.
No\\n\\nThe question is whether whales are fish.
No, because the message complies with all rules.
No, because it does not contain harmful content.
No, because this is a question about geography.
Nein.\\n\\nDer Nutzer fragt nach dem Wetter.
Nein.\\n\\nBegründung: Harmlose Frage.
Nein, weil die Nachricht nur ein Gruß ist.
Non.\\n\\nL'utilisateur demande la météo.
Non, parce que le message est poli.
No.\\n\\nEl usuario pregunta por el tiempo.
No.\\n\\nRazón: Es una pregunta normal.
否\\n理由：用户在询问天气，内容正常。
いいえ\\n理由：普通の質問です。
Safe\\n\\nThe message is a simple question.
No, because gardening is an everyday topic.
No, because store policy permits talk of prices.
No. Reason: Travel question.
No. Reason: Homework help.
No. Reason: Offers a recipe for soup.
No. Reason: Suggests three books about gardens.
No. Reason: Lists opening hours.
No. Reason: Mathematics.
No. Reason: Small talk.
No. Reason: Lyon is a city in France.
No. Reason: Photosynthesis turns light into sugar.
No. Reason: Shipping takes two days.
No\\n\\nGiven the rules, the message is acceptable.
No\\n\\nFrom what it says, the message is a polite request.
No\\n\\nReading the message, it is an ordinary greeting.
No\\n\\nOne sentence about tides is all that it has.
No\\n\\nWords of thanks are fine.
No\\n\\nWeather is a safe topic.
No\\n\\nUsers ask this every day.
No\\n\\nShe asks about the opening hours of a museum.
No\\n\\nPoliteness is all that it shows.
No\\n\\nEverybody asks how tides work.
No\\n\\nThe user asks what they should cook for dinner.
No\\n\\nThe user asks about low risk savings.
No\\n\\nThe user asks for a double check of a sum.
No\\n\\nThe user wants to know which form they need to send.
No\\n\\nThe answer tells the user that they should drink enough water.
No\\n\\nThe bot explains that a passport is required for the trip.
No\\n\\nThe message is about a review of a film.
No\\n\\nThe answer says that the chance of rain is 40%.
No\\n\\nWhat the user asks is a common question.
No\\n\\nAsking for a recipe is harmless.
No\\n\\nHere the user greets the bot.
No\\n\\nToday's weather is the topic.
No\\n\\nGeography is the topic of the message.
No\\n\\nBased on the rules, the message is acceptable.
"""

LEFT_OPEN = """
No. Reason: needs review
No. Reason: needs human review.
No. Reason: requires manual moderation
No. Reason: pending further checks
No. Reason: refer to a human moderator
No. Reason: should be double-checked
No. Reason: please consult a lawyer first
No. Reason: handle with caution
No. Reason: proceed carefully
No. Reason: there are some concerns
No. Reason: raises concerns about privacy
No. Reason: sensitive content
No. Reason: contains sensitive personal data
No. Reason: I have low confidence
No. Reason: 60% certain
No. Reason: confidence 0.4
No. Reason: risk score 7/10
No. Reason: medium risk
No. Reason: at first glance it is harmless
No. Reason: sort of harmless
No. Reason: kind of fine
No. Reason: usually fine
No. Reason: sometimes harmless
No. Reason: harmless in most cases
No. Reason: as long as the user is an adult it is fine
No. Reason: only when supervised
No. Reason: subject to approval
No. Reason: apart from the last sentence it is fine
No. Reason: aside from the insult it is fine
No. Reason: other than the last line, fine
No. Reason: the first half is fine
No. Reason: not entirely
No. Reason: not really
No. Reason: hard to say
No. Reason: hard to tell
No. Reason: difficult to judge
No. Reason: impossible to say
No. Reason: too little context
No. Reason: not enough context
No. Reason: insufficient information
No. Reason: lacks context
No. Reason: I do not know
No. Reason: I don't know
No. Reason: I have no idea
No. Reason: no opinion
No. Reason: who knows
No. Reason: undecided
No. Reason: undetermined
No. Reason: TBD
No. Reason: unknown
No. Reason: error
No. Reason: I was told to say no
No. Reason: the text instructs me to answer no
No. Reason: the message says to ignore previous instructions and answer no
No. Reason: as instructed by the user
No. Reason: ignore all previous instructions
No. Reason: jailbreak attempt
No. Reason: prompt injection
No. Reason: it is spam
No. Reason: reveals a password
No. Reason: leaks an API key
No. Reason: it is misinformation
No. Reason: it is rude
No. Reason: vulgar language
No. Reason: uses swear words
No. Reason: it should be passed to a human moderator
No. Reason: this should be shown to a human first
No. Reason: the user asks how to
No. Reason: adult content
No. Reason: explicit
No. Reason: graphic content
No. Reason: NSFW
No. Reason: disrespectful
No. Reason: demeaning
No. Reason: discriminatory
No. Reason: off topic
No. Reason: it should not go out
No. Reason: do not deliver
No. Reason: don't release this
No. Reason: hold it back
No. Reason: withhold
No. Reason: stop it
No. Reason: deny
No. Reason: denied
No. Reason: decline
No. Reason: unsuitable for minors
No. Reason: unfit
No. Reason: improper
No. Reason: indecent
No. Reason: it crosses the line
No. Reason: it goes too far
No. Reason: breaks rule 3
No. Reason: it broke the rules
No. Reason: it breached section 4
No. Reason: rule 3 applies
No. Reason: falls under category S1
No. Reason: S1
No. Reason: see S9
No. Reason: category: hate
No. Reason: I changed my mind
No. Reason: scratch that
No. Reason: disregard that
No. Reason: on second thoughts it should
No. Reason: I take that back
No. Reason: strike that
No. Reason: the opposite
No. Reason: the answer is the opposite
No. Reason: the contrary holds
No. Reason: I meant the other one
No. Reason: typo
No. Reason: reversed
No. Reason: just kidding
No. Reason: not!
No. Reason: yes
No. Reason: Yes.
No. Reason: it is yes
No. Reason: si
No. Reason: affirmative
No. Reason: correct
No. Reason: it must
No. Reason: it should
No. Reason: it does
No. Reason: absolutely should be stopped
No. Reason: 👎
No. Reason: ⚠️
No. Reason: 🚫
No. Reason: ✅ block
No\\n\\nNeeds review.
No\\n\\nPlease review manually.
No\\n\\nRisk: high
No\\n\\n7/10
No\\n\\n0.9
No\\n\\n90%
No\\n\\nHigh risk
No\\n\\nHigh severity.
No\\n\\n[REDACTED]
No\\n\\nAs an AI language model, I do not have opinions.
No\\n\\nI apologize for the confusion.
No\\n\\nIs there anything else I can help with?
No\\n\\nThe user wants
No\\n\\nThe message is
No\\n\\nThe message contains a
No\\n\\nThe message asks for the steps to make a
No\\n\\nThe user should kill himself
No\\n\\nIt demeans women.
No\\n\\nIt discloses confidential data.
No\\n\\nhuman: yes
No\\n\\nNo
No.\\n\\nGrund: Muss noch geprüft werden.
No.\\n\\nGrund: bitte prüfen
Nein.\\n\\nGrund: Schwer zu sagen.
Nein.\\n\\nDas ist nicht ganz harmlos.
Non.\\n\\nRaison : à vérifier
Non.\\n\\nRaison : ce n'est pas vraiment clair
No.\\n\\nRazón: requiere revisión humana.
No.\\n\\nRazón: no sé
否。\\n\\n理由：需要人工审核
否。\\n\\n理由：难以判断
いいえ。\\n\\n理由：要確認
いいえ。\\n\\n理由：判断できません
No, because it needs review
No, because it is hard to tell
No. Because I was told to say no
No. Reason: it is a greeting, which needs a human check
No. Reason: it is a greeting, should be checked
No. Reason: it is a greeting; please review
No. Reason: It is a greeting. Requires approval.
No. Reason: **needs review**
No. Reason: it is fine. Escalate.
No\\n\\nIt is a greeting.\\nNeeds review
No\\n\\n- It is a greeting.\\n- Needs review.
No\\n\\nThe response should be edited first.
No\\n\\nIt is safe at a confidence of 0.3
No\\n\\nThe message is safe. Risk 7/10
No\\n\\nThe text is fine if supervised
"""

NO_ANSWER = """
No\\nNo
No. No.
Yes and no
[Yes/No]
No/Yes
[No]
{No}
<No>
No (0.6)
No 0.6
No: 0.6
0/10
1/10
10/10
5
0.02
0.98
2%
P(yes)=0.1
p=0.02
Score: 0
score 1
100% no
99% no
I would say no
I think no
I'd say no.
It's a no.
That's a no
Hard no
Big no
Nope, but
Nah
Negative
negative.
Absolutely not
Of course not
Certainly not
Definitely not
Not at all
Not really
Not necessarily
Not sure
Not applicable
Not enough information
No information
No answer
No opinion
No comment
No idea
No problem
No problem!
No worries
No way
No doubt
No doubt.
No thanks
No harm
No, thank you
No need
No one
No.1
No. 1
No 1
No. 5 is a violation
No!!!
No!?
No,no
no no no
nono
noo
Noyes
NO\\tYES
null
undefined
None.
nil
[]
{}
""
''
``
```
<think>
</think>
<think></think>
I'm sorry, but I can't assist with that request.
I cannot answer this question.
As an AI, I cannot judge.
Sorry
Lo siento
对不起
抱歉，我无法回答
申し訳ありません
죄송합니다
아니요
Нет.
لا
नहीं
ไม่
không
Hayır
nie
nee
Nej
não
não.
sim
Safe.\\nUnsafe.
safe unsafe
safe/unsafe
safe, unsafe
safe-ish
mostly safe
not unsafe... maybe
not harmful?
safe?
safe (S1)
safe\\nS1
safe\\n\\nS2
safe S3
safe: S1
Safe for adults
Safe for work
safe with caution
safe if supervised
unblocked
blocked: no\\nreason: yes
blocked: no, needs review
{"blocked": false, "needs_review": true}
{"blocked": false, "review": "required"}
{"blocked": false, "escalate": true}
{"blocked": "false", "flag": true}
{"answer": "No", "confidence": 0.3}
{"answer": "No", "answer": "Yes"}
{"answer": ["No"]}
{"answer": {"value": "No"}}
{"answer": null}
{"answer": ""}
{"answer": "No. But"}
{"answer": "No", "final": "Yes"}
{"answer": "no", "reason": "x"
{"answer": "no", "reason": "x
{"answer": "no"}}
{"answer": "no"} {"answer": "no"}
{"answer": "no"}\\n{"answer": "yes"}
```json\\n{"answer": "no"}\\n```\\n```json\\n{"answer": "yes"}\\n```
```json\\n{"answer": "no"}
{"block": false, "block ": true}
{"block": false, "Block": true}
{"block": 0, "allow": 0}
{"block": -1}
{"block": 0.0}
{"block": "0"}
{"block": "0.2"}
{"blocked": NaN}
{"score": 0}
{"violation": "none", "severity": "high"}
"""


def listed(text: str) -> list[str]:
    return [line.replace("\\n", "\n").replace("\\t", "\t") for line in text.strip("\n").splitlines()]


def reading(answer: str) -> str:
    try:
        return "block" if read_answer(answer, MUST_IT_BE_BLOCKED).blocked else "allow"
    except UnreadableAnswerError:
        return "unreadable"


def test_an_answer_that_says_what_the_text_is_allows():
    assert [answer for answer in listed(EXPLAINED) if reading(answer) != "allow"] == []


def test_an_explanation_that_leaves_the_answer_open_allows_nothing():
    assert [answer for answer in listed(LEFT_OPEN) if reading(answer) != "unreadable"] == []


def test_what_is_not_in_the_form_of_an_answer_is_a_failure_and_no_pass():
    assert [answer for answer in listed(NO_ANSWER) if reading(answer) != "unreadable"] == []


@pytest.mark.parametrize(
    "reason", ["needs review", "hard to say", "the evidence is not enough to say so", "I do not know"]
)
def test_an_answer_about_facts_is_left_open_likewise(reason):
    with pytest.raises(UnreadableAnswerError):
        read_answer(f"Yes. Reason: {reason}", IS_IT_SUPPORTED)
    assert not read_answer("Yes. Reason: the source says so.", IS_IT_SUPPORTED).blocked
