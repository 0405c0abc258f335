from __future__ import annotations

import pytest
from handrail.errors import ProviderBadRequestError
from handrail_scripted import Answer, Script, ScriptedProvider
from handrail_scripted._matching import Conversation


def model(*answers, default=None):
    return ScriptedProvider({"answers": answers, "default": default})


async def said(provider, *messages):
    chunks = provider.stream([{"role": "user", "content": text} for text in messages], {})
    return "".join([chunk.text async for chunk in chunks])


async def test_the_first_answer_that_fits_is_given():
    provider = model(
        {"contains": "lisbon", "text": "trams"},
        {"contains": ["porto", "lis"], "text": "wine"},
        default="pardon",
    )
    assert await said(provider, "Tell me of LISBON") == "trams"
    assert await said(provider, "And of Porto?") == "wine"
    assert await said(provider, "And of Rome?") == "pardon"


async def test_case_and_the_kind_of_white_space_make_no_difference():
    provider = model({"contains": "Straße  am Fluss", "text": "found"}, default="not found")
    assert await said(provider, "Die STRASSE\n am fluss.") == "found"


async def test_a_pattern_is_found_anywhere_whatever_its_case():
    provider = model({"match": r"\btides?\b", "text": "moon"}, default="pardon")
    assert await said(provider, "Why are there Tides?") == "moon"
    assert await said(provider, "Good eventide") == "pardon"


async def test_all_conditions_of_an_answer_must_hold():
    provider = model({"contains": "bleach", "match": "^answer:", "text": "yes"}, default="no")
    assert await said(provider, "Answer: mix bleach") == "yes"
    assert await said(provider, "Question: bleach?") == "no"


async def test_only_the_last_message_counts_unless_the_conversation_is_asked_for():
    provider = model(
        {"contains": "secret", "text": "last"},
        {"contains": "secret", "within": "conversation", "text": "earlier"},
        default="never",
    )
    assert await said(provider, "hello", "a secret") == "last"
    assert await said(provider, "a secret", "hello") == "earlier"
    assert await said(provider, "hello") == "never"


async def test_answers_without_a_condition_are_given_in_turn_and_the_last_one_stays():
    provider = ScriptedProvider.from_texts("one", "two")
    assert [await said(provider, "go") for _ in range(4)] == ["one", "two", "two", "two"]


async def test_with_a_default_every_answer_without_a_condition_is_given_once():
    provider = model("one", default="else")
    assert [await said(provider, "go") for _ in range(3)] == ["one", "else", "else"]


async def test_times_limits_how_often_an_answer_is_given():
    provider = model({"contains": "go", "text": "twice", "times": 2}, {"contains": "go", "text": "then"})
    assert [await said(provider, "go") for _ in range(3)] == ["twice", "twice", "then"]


async def test_a_question_without_an_answer_is_refused_with_what_to_do():
    provider = model({"contains": "lisbon", "text": "trams"})
    with pytest.raises(ProviderBadRequestError, match="no answer to 'What of Rome\\?'.*'default'") as caught:
        await said(provider, "What of Rome?")
    assert caught.value.status == 400
    assert caught.value.engine == "scripted"
    assert provider.calls[0].answer is None
    assert provider.calls[0].closed


async def test_a_script_made_in_python_is_followed():
    script = Script(answers=(Answer(text="trams", contains=("lisbon",)),), default=Answer(text="pardon"))
    provider = ScriptedProvider.from_script(script, chunking="whole")
    assert await said(provider, "Lisbon") == "trams"
    assert provider.calls[0].answer is script.answers[0]


def test_the_texts_of_parts_are_read_and_everything_else_counts_for_nothing():
    conversation = Conversation.of(
        [
            {"role": "system", "content": "be kind"},
            {"role": "assistant", "content": None, "tool_calls": []},
            {"role": "context", "content": {"text": "hidden"}},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "see "},
                    {"type": "image"},
                    {"type": "text", "text": "this"},
                ],
            },
        ]
    )
    assert conversation.last == "see \nthis"
    assert conversation.whole == "be kind\n\n\n\n\n\nsee \nthis"
    assert Conversation.of([]).last == ""
