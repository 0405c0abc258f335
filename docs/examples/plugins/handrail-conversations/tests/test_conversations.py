"""What these rails in particular do."""

from __future__ import annotations

import pytest
from handrail import LLMRails, RailsConfig
from handrail_conversations.pseudonyms import Restoring
from handrail_testkit import pieces_of

pytestmark = pytest.mark.anyio

TALK = (
    "Write to person-226690@pseudonym.invalid, and person-633659@pseudonym.invalid, "
    "but no person-000003@pseudonym.invalid: person-"
)


def rails_of(answer, **config):
    models = [{"type": "main", "engine": "scripted", "parameters": {"answers": [answer]}}]
    flows = {"input": {"flows": ["pseudonyms"]}, "output": {"flows": ["pseudonyms"], "streaming": {"enabled": True}}}
    return LLMRails(RailsConfig.from_content(config={"models": models, "rails": flows | config}))


async def test_the_model_reads_pseudonyms_and_the_reader_addresses():
    rails = rails_of(TALK)
    async with rails.stream("I am ana@example.org, and my brother bo@example.org; again: ana@example.org.") as stream:
        async for _ in stream:
            pass
    asked = stream.response.llm_calls[0].prompt
    assert "example.org" not in asked
    assert asked.count("person-226690@") == 2
    assert stream.response.text == TALK.replace("person-226690@pseudonym.invalid", "ana@example.org").replace(
        "person-633659@pseudonym.invalid", "bo@example.org"
    )


@pytest.mark.parametrize("split", [1, 2, 3, 7])
def test_a_pseudonym_is_put_back_however_it_comes(split):
    session = Restoring({"person-226690@pseudonym.invalid": "ana@example.org"})
    out = [session.feed(piece).text for piece in pieces_of(TALK, split)]
    assert "".join([*out, session.finish().text]) == TALK.replace("person-226690@pseudonym.invalid", "ana@example.org")


async def test_calls_share_no_addresses_and_an_address_in_the_history_keeps_its_pseudonym():
    rails = rails_of("It is person-226690@pseudonym.invalid.")
    first = [{"role": "user", "content": "I am ana@example.org."}]
    history = [*first, {"role": "assistant", "content": "Good."}, {"role": "user", "content": "I am bo@example.org."}]
    told = await rails.generate_async(messages=first, options={})
    assert "ana@example.org" in str(told.response)
    again = await rails.generate_async(messages=history, options={})
    assert "bo@example.org" not in str(again.response)
    assert "person-226690@" in again.llm_calls[0].prompt
    assert "person-633659@" in again.llm_calls[0].prompt


async def test_after_three_strikes_a_conversation_is_over_and_others_go_on():
    strikes = {"three strikes": {"phrases": ["blockhead"]}}
    rails = rails_of("Good.", input={"flows": ["three strikes"]}, config=strikes)

    async def say(conversation, *said):
        messages = [{"role": "user", "content": text} for text in said]
        return (await rails.check_async(messages, conversation=conversation)).content

    assert await say("one", "Blockhead!") == "Please don't. Warnings left: 2."
    assert await say("one", "Hello, blockhead.") == "Please don't. Warnings left: 1."
    assert await say("one", "Hello.") == "Hello."
    assert await say("one", "Such a blockhead.") == "This conversation is over."
    assert await say("one", "Hello.") == "This conversation is over."
    assert await say("two", "Hello.") == "Hello."
