"""Installed rails that flows execute, as people's own copies of the standard flows do."""

from __future__ import annotations

import pytest

ASKED = [{"role": "user", "content": "why?"}]


def talk(answer):
    return [*ASKED, {"role": "assistant", "content": answer}]


def judged_by(answer, task="self_check_output"):
    variable = {"self_check_input": "user_input", "self_check_output": "bot_response"}.get(task, "evidence")
    content = f"Is this bad? Answer yes or no. {{{{ {variable} }}}}"
    if task == "self_check_facts":
        content = "Is the response supported by the evidence? {{ evidence }} {{ response }}"
    scripted = {"engine": "scripted", "parameters": {"answers": [answer]}}
    return {
        "models": [{"type": "main", **scripted}, {"type": task, **scripted}],
        "prompts": [{"task": task, "content": content}],
    }


# The flow as it stood up to version 0.20, and as it stands since.
OLD = """
    define flow self check output
      $allowed = execute self_check_output
      if not $allowed
        if $config.enable_rails_exceptions
          create event OutputRailException(message="Output not allowed.")
        else
          bot refuse to respond
        stop
"""
NEW = """
    define bot refuse to respond
      "I'm sorry, I can't respond to that."

    define flow self check output
      $response = execute self_check_output
      if $response.is_blocked
        do mask blocked user input
        bot refuse to respond
        stop
"""


@pytest.mark.parametrize("flow", [OLD, NEW])
@pytest.mark.parametrize(("judge", "status"), [("yes", "blocked"), ("no", "passed")])
async def test_a_copy_of_the_standard_flow_wins_and_asks_the_installed_rail(make, flow, judge, status):
    rails = make(flow, output=["self check output"], config=judged_by(judge))
    result = await rails.check_async(talk("because"))
    assert result.status == status
    assert [call.task for call in rails.explain().llm_calls] == ["self_check_output"]


async def test_the_reason_is_the_installed_rails_and_the_user_is_told_what_the_flow_says(make):
    rails = make(NEW, output=["self check output"], config=judged_by("yes"))
    result = await rails.check_async(talk("because"))
    assert (result.content, result.reason) == (
        "I'm sorry, I can't respond to that.",
        "the judge said the answer must be blocked",
    )


async def test_settings_are_those_of_the_installed_rail_whose_name_a_flow_has_taken(make):
    config = judged_by("no")
    config["rails"] = {"output": {"flows": ["self check output"]}, "config": {"self check output": {"cache_size": 5}}}
    rails = make(OLD, output=(), config=config)
    for _ in range(2):
        assert (await rails.check_async(talk("because"))).status == "passed"
    assert rails.explain().llm_calls == ()


REFUSAL = 'define bot refuse to respond\n  "Let us talk of something else."'


async def test_the_configurations_own_refusal_is_what_installed_rails_tell_a_user(make, word_check):
    rails = make(REFUSAL, output=["word check"], registry=word_check)
    assert (await rails.check_async(talk("swordfish"))).content == "Let us talk of something else."
    assert await rails.generate_async("?") == "Let us talk of something else."


async def test_a_refusal_in_yaml_wins_over_the_one_in_colang(make, word_check):
    config = {"rails": {"output": {"flows": ["word check"], "refusal": "Not that."}}}
    rails = make(REFUSAL, config=config, registry=word_check)
    assert (await rails.check_async(talk("swordfish"))).content == "Not that."


async def test_a_refusal_with_something_to_fill_in_is_for_flows_alone(make, word_check):
    rails = make(REFUSAL.replace("Let us", "$user_message? Let us"), output=["word check"], registry=word_check)
    assert (await rails.check_async(talk("swordfish"))).content == "I'm sorry, I can't respond to that."


async def test_such_a_flow_guards_a_stream(make, collect):
    flow = OLD.replace("execute self_check_output", "execute SelfCheckOutputAction")
    (error,) = await collect(make(flow, output=["self check output"], config=judged_by("yes")))
    assert error.error["param"] == "self check output"
    assert error.error["code"] == "content_blocked"


async def test_an_input_rail_executes_the_one_of_the_input(make):
    flow = OLD.replace("output", "input").replace("Output", "Input")
    rails = make(flow, output=(), input_=["self check input"], config=judged_by("yes", "self_check_input"))
    assert (await rails.check_async(ASKED)).status == "blocked"


@pytest.mark.parametrize(("judge", "status"), [("yes", "passed"), ("no", "blocked")])
async def test_facts_compare_with_a_threshold(make, judge, status):
    flow = "define flow flow\n  $accuracy = execute self_check_facts\n  if $accuracy < 0.5\n    stop"
    rails = make(flow, config=judged_by(judge, "self_check_facts"))
    context = {"role": "context", "content": {"relevant_chunks": "The moon pulls."}}
    assert (await rails.check_async([context, *talk("The moon pulls.")])).status == status


@pytest.mark.parametrize("condition", ["$x == False", "False == $x", "$x != True", "$x < 1", "not $x", "$x.is_blocked"])
async def test_every_way_to_look_at_a_refusal_sees_it(make, word_check, condition):
    rails = make(f"define flow flow\n  $x = execute word_check\n  if {condition}\n    stop", registry=word_check)
    assert (await rails.check_async(talk("swordfish"))).status == "blocked"
    assert (await rails.check_async(talk("tuna"))).status == "passed"


async def test_a_refusal_that_nobody_looks_at_is_carried_out(make, word_check):
    rails = make("define flow flow\n  execute word_check", registry=word_check)
    assert (await rails.check_async(talk("swordfish"))).reason == "a password"


@pytest.mark.parametrize("target", ["", "$bot_message = "])
async def test_what_the_rail_rewrites_is_rewritten(make, word_check, target):
    rails = make(f"define flow flow\n  {target}execute word_check", registry=word_check)
    assert (await rails.check_async(talk("my friend"))).content == "my foe"
    assert (await rails.check_async(talk("my tuna"))).content == "my tuna"
    assert (await rails.check_async(talk("my swordfish"))).status == "blocked"


async def test_a_stream_rail_can_be_executed(make, word_check):
    rails = make("define flow flow\n  execute upper_check", registry=word_check)
    assert (await rails.check_async(talk("quiet"))).content == "QUIET"


async def test_another_text_may_be_judged(make, word_check):
    flow = "define flow flow\n  $ok = execute word_check(text=$user_message)\n  if not $ok\n    stop"
    rails = make(flow, registry=word_check)
    assert (await rails.check_async([{"role": "user", "content": "swordfish"}, *talk("x")[1:]])).status == "blocked"


async def test_an_action_of_the_same_name_wins_also_when_it_is_registered_later(make, word_check):
    rails = make("define flow flow\n  $ok = execute word_check\n  if not $ok\n    stop", registry=word_check)
    assert (await rails.check_async(talk("swordfish"))).status == "blocked"
    rails.register_action(lambda: True, "word_check")
    assert (await rails.check_async(talk("swordfish"))).status == "passed"


async def test_a_dialog_that_only_passes_the_answer_on_is_no_dialog(make):
    flow = """
        define user input
          "..."

        define flow
          user input
          bot $llm_output

        define flow flow
          if "no" in $bot_message
            stop
    """
    assert (await make(flow).check_async(talk("no"))).status == "blocked"
