"""The log says what flows and dialogs have executed; nothing of a blocked answer is in it."""

from __future__ import annotations

import json

import pytest
from nemoguardrails import LLMRails, RailsConfig
from nemoguardrails.actions.llm.utils import llm_call
from nemoguardrails.testing import FakeLLMModel

COLANG = """
define user ask who
  "who are you"

define flow introduce
  user ask who
  $name = execute look_up(key="name", level=$level, times=2, exact=True, of=["a", 1])
  bot "I am $name."

define subflow check terms
  $said = execute repeat(text=$bot_message)
  $allowed = execute check_terms
  if not $allowed
    stop
"""
OPTIONS = {"log": {"activated_rails": True}}


@pytest.fixture
def rails():
    config = {"models": [], "rails": {"output": {"flows": ["check terms"]}}}
    rails = LLMRails(RailsConfig.from_content(COLANG, json.dumps(config)), FakeLLMModel(["who", "It is swordfish."]))

    async def check_terms(context, llm):
        return "swordfish" not in context["bot_message"] or "yes" in await llm_call(llm, "May it pass?")

    rails.register_action(check_terms, "check_terms")
    rails.register_action(lambda text: text, "repeat")
    rails.register_action(lambda key, level, times, exact, of: f"{key} {level}", "look_up")
    return rails


async def asked(rails, question, options=OPTIONS):
    messages = [{"role": "context", "content": {"level": 3}}, {"role": "user", "content": question}]
    return await rails.generate_async(messages=messages, options=options)


async def test_actions_of_rails_and_of_dialogs_have_their_names_arguments_and_results(rails):
    response = await asked(rails, "who are you")
    found = {rail.name: rail for rail in response.log.activated_rails}
    (looked_up,) = found["introduce"].executed_actions
    assert found["introduce"].type == "dialog"
    assert (looked_up.action_name, looked_up.return_value) == ("look_up", "name 3")
    assert looked_up.action_params == {"key": "name", "level": "$level", "times": 2, "exact": True, "of": ["a", 1]}
    repeated, checked = found["check terms"].executed_actions
    assert (repeated.action_params, repeated.return_value) == ({"text": "$bot_message"}, "I am name 3.")
    assert (checked.action_name, checked.return_value) == ("check_terms", True)


async def test_an_action_has_its_requests_to_models_though_only_the_rails_are_asked_for(rails):
    rails.update_llm(FakeLLMModel(["none", "It is swordfish.", "yes"]))
    response = await asked(rails, "what is the word?")
    assert response.response[0]["content"] == "It is swordfish."
    assert response.log.llm_calls is None
    (rail,) = (rail for rail in response.log.activated_rails if rail.type == "output")
    assert [[call.completion for call in action.llm_calls] for action in rail.executed_actions] == [[], ["yes"]]


async def test_what_an_action_made_of_a_blocked_answer_does_not_come_back(rails):
    rails.update_llm(FakeLLMModel(["none", "It is swordfish.", "no"]))
    response = await asked(rails, "what is the word?")
    (rail,) = (rail for rail in response.log.activated_rails if rail.type == "output")
    assert rail.stop
    assert rail.decisions == ["execute repeat", "execute check_terms", "block", "refuse to respond", "stop"]
    assert [action.return_value for action in rail.executed_actions] == [None, False]
    assert "swordfish" not in repr(response)


async def test_a_check_without_a_generation_has_them_too(rails):
    options = {"rails": ["output"], **OPTIONS}
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "Fine."}]
    response = await rails.generate_async(messages=messages, options=options)
    (rail,) = response.log.activated_rails
    assert [action.action_name for action in rail.executed_actions] == ["repeat", "check_terms"]
