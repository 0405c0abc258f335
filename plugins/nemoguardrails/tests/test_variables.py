"""What a call's dialog and rails set: for the rails that come later, and for a caller who asks for it."""

from __future__ import annotations

import pytest
from handrail import Chunk
from nemoguardrails import LLMRails, RailsConfig
from nemoguardrails.actions import ActionResult

SORRY = "I'm sorry, I can't respond to that."
ABOUT_THE_SEA = {"role": "user", "content": "Why are there tides?"}
ABOUT_ELSE = {"role": "user", "content": "What is for lunch?"}
DIALOG = """
define user ask about the sea
  "why are there tides"

define flow
  user ask about the sea
  $check_facts = True
  bot answer from the report

define subflow check the facts
  if $check_facts == True
    $check_facts = False
    $accuracy = execute check_accuracy
    if $accuracy < 0.5
      bot refuse to respond
      stop
"""
RETRIEVED = """
define user ask about the sea
  "why are there tides"

define flow
  user ask about the sea
  execute retrieve
  bot answer from the report
"""
FACTS = "Evidence: {{ evidence }} Answer: {{ response }} Is it supported, yes or no?"


class Model:
    """Answers with a sentence; says of no message what it means; judges by a word of the evidence."""

    async def stream(self, messages, params):
        asked = messages[-1]["content"]
        if "Which of these intents" in asked:
            yield Chunk("none")
        elif "Evidence" in asked:
            yield Chunk("yes" if "Evidence: the moon" in asked else "no")
        else:
            for word in ("The", "moon", "pulls", "it."):
                yield Chunk(f"{word} ")


def make(colang, flows, **config):
    output = {"flows": flows, "streaming": {"enabled": True, "stream_first": False}}
    yaml = {"models": [{"type": "main", "engine": "scripted"}], "rails": {"output": output}, **config}
    return LLMRails(RailsConfig.from_content(colang, config=yaml), Model())


async def said(rails, message, **context):
    answer = await rails.generate_async(messages=[{"role": "context", "content": context}, message])
    chunks = [chunk async for chunk in rails.stream_async(messages=[{"role": "context", "content": context}, message])]
    return answer["content"], "".join(chunks)


async def test_what_a_dialog_sets_turns_a_rail_of_its_answer_on():
    rails = make(DIALOG, ["check the facts"]).register_action(lambda: 0.0, "check_accuracy")
    whole, streamed = await said(rails, ABOUT_THE_SEA)
    assert whole == SORRY
    assert "content_blocked" in streamed
    whole, streamed = await said(rails, ABOUT_ELSE)
    assert whole == streamed == "The moon pulls it. "


async def test_where_the_variables_of_dialogs_are_not_kept_such_a_rail_fails_which_blocks():
    rails = make(DIALOG, ["check the facts"]).register_action(lambda: 1.0, "check_accuracy")
    async with rails.stream(messages=[ABOUT_THE_SEA]) as stream:
        events = [event async for event in stream]
    assert stream.response.stop.rail == "check the facts"
    assert "moon" not in "".join(getattr(event, "text", "") for event in events)


@pytest.mark.parametrize(("topic", "blocked"), [("the moon", False), ("lunch", True)])
async def test_what_a_dialog_retrieves_is_evidence_for_an_installed_rail(topic, blocked):
    def retrieve(context):
        return ActionResult(context_updates={"relevant_chunks": context["topic"]})

    prompts = [{"task": "self_check_facts", "content": FACTS}]
    rails = make(RETRIEVED, ["self check facts"], prompts=prompts).register_action(retrieve)
    whole, streamed = await said(rails, ABOUT_THE_SEA, topic=topic)
    assert (whole == SORRY) is blocked
    assert ("content_blocked" in streamed) is blocked


COPIES = """
define flow look
  $copy = $bot_message
  $size = len($bot_message)
  if $size > {limit}
    bot refuse to respond
    stop
"""


@pytest.mark.parametrize(("limit", "copy", "size"), [(100, "The moon pulls it. ", 19), (5, None, None)])
async def test_variables_of_one_flow_come_back_but_not_those_of_a_blocked_answer(limit, copy, size):
    rails = make(COPIES.format(limit=limit), ["look"])
    response = await rails.generate_async(messages=[ABOUT_ELSE], options={"output_vars": ["copy", "size", "none"]})
    assert response.output_data == {"copy": copy, "size": size, "none": None}
    response = await rails.generate_async(messages=[ABOUT_ELSE], options={"output_vars": True})
    assert (response.output_data["copy"], response.output_data["size"]) == (copy, size)
    assert ("moon" in repr(response)) is (copy is not None)


async def test_nor_what_a_dialog_has_put_into_a_blocked_answer():
    dialog = DIALOG.replace("bot answer", "$told = execute look_up\n  bot $told\n  bot answer")
    rails = make(dialog, ["check the facts"]).register_action(lambda: 0.0, "check_accuracy")
    rails.register_action(lambda: "the secret", "look_up")
    response = await rails.generate_async(messages=[ABOUT_THE_SEA], options={"output_vars": True})
    assert response.output_data["told"] is None
    assert "secret" not in repr(response)


async def test_what_a_flow_sets_stays_in_its_call():
    rails = make(COPIES.format(limit=100), ["look"])
    await rails.generate_async(messages=[ABOUT_ELSE], options={"output_vars": True})
    response = await rails.generate_async(
        messages=[ABOUT_ELSE], options={"rails": {"output": False}, "output_vars": True}
    )
    assert "copy" not in response.output_data
