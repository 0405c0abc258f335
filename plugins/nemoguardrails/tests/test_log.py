"""The records of a log: existing code makes, dumps and prints them."""

from __future__ import annotations

import json

import pytest
from nemoguardrails import LLMRails, RailsConfig
from nemoguardrails.logging.explain import ExplainInfo, LLMCallInfo
from nemoguardrails.rails.llm.options import (
    ActivatedRail,
    ExecutedAction,
    GenerationLog,
    GenerationOptions,
    GenerationStats,
)
from nemoguardrails.testing import FakeLLMModel

HELLO = [{"role": "user", "content": "Hello!"}]
RAIL = 'define subflow no fish\n  if "fish" in $user_message\n    bot refuse to respond\n    stop\n'
EVERYTHING = {"activated_rails": True, "llm_calls": True, "internal_events": True, "colang_history": True}


@pytest.fixture
def rails():
    config = {"models": [], "rails": {"input": {"flows": ["no fish"]}}}
    return LLMRails(RailsConfig.from_content(RAIL, config=config), FakeLLMModel(["Good day."]))


async def test_a_log_is_dumped_with_all_of_its_records(rails):
    response = await rails.generate_async(messages=HELLO, options={"log": EVERYTHING})
    dumped = json.loads(response.model_dump_json())["log"]
    assert [(rail["type"], rail["name"], rail["stop"]) for rail in dumped["activated_rails"]] == [
        ("input", "no fish", False),
        ("generation", "generate user intent", False),
    ]
    assert dumped["llm_calls"][0]["completion"] == "Good day."
    assert dumped["stats"]["llm_calls_count"] == 1
    assert dumped["stats"]["dialog_rails_duration"] is None


async def test_events_of_a_call_say_what_was_asked_found_and_answered(rails):
    events = (await rails.generate_async(messages=HELLO, options={"log": EVERYTHING})).log.internal_events
    assert [event["type"] for event in events] == [
        "UserMessage",
        "InputRailFinished",
        "BotMessage",
        "StartUtteranceBotAction",
        "Listen",
    ]
    assert (events[0]["text"], events[3]["script"]) == ("Hello!", "Good day.")


async def test_events_have_nothing_of_a_message_that_was_refused(rails):
    asked = [{"role": "user", "content": "a fish named swordfish"}]
    log = (await rails.generate_async(messages=asked, options={"log": EVERYTHING})).log
    assert [event["type"] for event in log.internal_events][-2:] == ["StartUtteranceBotAction", "Listen"]
    assert "swordfish" not in str(log.internal_events)


def test_records_need_no_more_than_their_names():
    assert GenerationLog().model_dump() == {
        "activated_rails": [],
        "stats": GenerationStats().model_dump(),
        "llm_calls": None,
        "internal_events": None,
        "colang_history": None,
    }
    assert LLMCallInfo().llm_model_name == "unknown"
    assert ActivatedRail(type="input", name="x").model_dump()["duration"] is None


def test_the_summary_has_a_line_for_each_kind_of_rail_and_each_rail(capsys):
    stats = GenerationStats(
        input_rails_duration=1.0,
        dialog_rails_duration=1.5,
        output_rails_duration=2.0,
        total_duration=5.0,
        llm_calls_count=2,
        llm_calls_duration=3.0,
        llm_calls_total_prompt_tokens=4,
        llm_calls_total_completion_tokens=5,
        llm_calls_total_tokens=9,
    )
    action = ExecutedAction(action_name="judge", llm_calls=[LLMCallInfo(task="judge", duration=0.25)])
    rail = ActivatedRail(type="input", name="no fish", duration=1.0, executed_actions=[action])
    GenerationLog(activated_rails=[rail], stats=stats).print_summary()
    assert capsys.readouterr().out.splitlines() == [
        "",
        "# General stats",
        "",
        "- Total time: 5.00s",
        "  - [1.00s][20.0%]: INPUT Rails",
        "  - [1.50s][30.0%]: DIALOG Rails",
        "  - [2.00s][40.0%]: OUTPUT Rails",
        "  - [0.50s][10.0%]: Processing overhead ",
        "- 2 LLM calls, 3.00s total duration, 4 total prompt tokens, 5 total completion tokens, 9 total tokens.",
        "",
        "# Detailed stats",
        "",
        "- [1.00s] INPUT (no fish): 1 actions (judge), 1 llm calls [0.25s]",
        "",
        "",
    ]


def test_a_summary_without_a_total_is_printed_too(capsys):
    GenerationLog(activated_rails=[ActivatedRail(type="output", name="x")]).print_summary()
    assert "- [0.00s] OUTPUT (x): 0 actions (), 0 llm calls []" in capsys.readouterr().out


def test_the_summary_of_requests_names_their_tasks(capsys):
    calls = [LLMCallInfo(task="general", duration=1.5, total_tokens=10), LLMCallInfo(task="judge", duration=0.5)]
    ExplainInfo(llm_calls=calls).print_llm_calls_summary()
    ExplainInfo().print_llm_calls_summary()
    assert capsys.readouterr().out.splitlines() == [
        "Summary: 2 LLM call(s) took 2.00 seconds and used 10 tokens.",
        "",
        "1. Task `general` took 1.50 seconds and used 10 tokens.",
        "2. Task `judge` took 0.50 seconds and used None tokens.",
        "",
        "No LLM calls were made.",
    ]


async def test_variables_of_a_call_are_those_that_existing_code_reads(rails):
    data = (await rails.generate_async(messages=HELLO, options={"output_vars": True})).output_data
    assert data["last_bot_message"] == data["bot_message"] == "Good day."
    assert data["generation_options"]["output_vars"] is True
    named = {"output_vars": ["last_bot_message", "nothing"]}
    refused = await rails.generate_async(messages=[{"role": "user", "content": "fish"}], options=named)
    assert refused.output_data == {"last_bot_message": "I'm sorry, I can't respond to that.", "nothing": None}


def test_a_list_of_rails_is_checked_as_existing_code_does():
    values = {"rails": ["input", "output"]}
    assert GenerationOptions.check_fields(values) is values
    assert values["rails"]["input"] is values["rails"]["output"] is True
    assert values["rails"]["dialog"] is False


async def test_options_of_another_type_are_a_type_error(rails):
    with pytest.raises(TypeError, match="options is str"):
        await rails.generate_async("Hi", options="log")
