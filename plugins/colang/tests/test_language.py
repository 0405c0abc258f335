"""The texts and statements of files in Colang are read as people write them."""

from __future__ import annotations

import pytest

ASKED = [{"role": "user", "content": "why?"}]


async def answer(rails):
    return await rails.generate_async("why?")


REFUSES = [
    "define subflow flow\n  $x = None\n  if $x is None\n    stop",
    "define subflow flow\n  $x = 1\n  if $x is not None\n    stop",
    "define subflow flow\n  priority 10\n  stop",
    "define extension flow flow\n  stop",
    "define parallel flow flow\n  stop",
    "define parallel extension flow flow\n  stop",
    "import core\n\ndefine flow flow\n  stop",
    "define flow flow\n  if $bot_message:\n    stop",
    "define flow flow\n  if not $bot_message:\n    pass\n  else:\n    stop",
    "define flow flow\n  if $bot_message \\\n      and True\n    stop",
    'define flow flow\n  if $bot_message[:4] == "The " and $bot_message[-2:] and $bot_message[1:3] == "he"\n    stop',
    "define flow flow\n  if 1 < len($bot_message) < 100\n    stop",
    'define flow flow\n  $said = "no" if "swordfish" in $bot_message else "yes"\n  if $said == "no"\n    stop',
    "define flow flow\n  $n = 1\n  $n += 7 // 2\n  $n -= 1\n  if $n == 3\n    stop",
    "define flow flow\n  set $n = 1\n  if $n == 1\n    stop",
    'define flow flow\n  $known = {"a": [1], "b": {}}\n  if $known["a"] == [1] and "b" in $known.keys()\n    stop',
    "define flow flow\n  if $bot_message.isdigit()\n    pass\n  else\n    stop",
    'define flow flow\n  if "swordfish" in $bot_message\n    pass\n    stop\n  done',
]
PASSES = [
    'define flow flow\n  if "swordfish" in $bot_message\n    return\n  stop',
    'define flow flow\n  if "swordfish" in $bot_message\n    done\n  stop',
    "define flow flow\n  if $bot_message is None\n    stop",
    "define flow flow\n  if 1 < len($bot_message) < 2\n    stop",
    "define flow flow\n  if $bot_message[:2] == 'no'\n    stop",
]


@pytest.mark.parametrize("colang", REFUSES)
async def test_it_refuses(make, colang):
    assert await answer(make(colang)) == "I'm sorry, I can't respond to that."


@pytest.mark.parametrize("colang", PASSES)
async def test_it_lets_pass(make, colang):
    assert "swordfish" in await answer(make(colang))


@pytest.mark.parametrize("place", ["define bot say no\n  {}", "define bot say no {}"])
async def test_a_text_may_go_over_lines_whose_indentation_is_left_out(make, place):
    text = '"I cannot talk\n     about that."'
    rails = make(place.format(text) + "\n\ndefine flow flow\n  bot say no\n  stop")
    assert await answer(rails) == "I cannot talk\nabout that."


SETS = "define subflow first\n  $role = execute get_role\n\ndefine subflow flow\n  if $role == 'guest'\n    stop"
ROLE = "from handrail_colang import ActionResult, action\n@action()\nasync def get_role():\n    return {}\n"


@pytest.mark.parametrize("result", ["'guest'", "ActionResult('guest', context_updates={'tier': 'free'})"])
async def test_a_variable_that_an_input_rail_sets_is_there_for_an_output_rail(make, result):
    rails = make(SETS, input_=["first"], actions=ROLE.format(result))
    assert await answer(rails) == "I'm sorry, I can't respond to that."


async def test_a_caller_gets_the_variables_that_flows_have_set(make):
    updates = ROLE.format("ActionResult('guest', context_updates={'tier': 'free'})")
    rails = make(SETS.replace("guest", "admin"), input_=["first"], actions=updates)
    result = await rails.generate_async("why?", options={"output_vars": ["role", "tier"]})
    assert result.output_data == {"role": "guest", "tier": "free"}


async def test_no_call_sees_the_variables_of_another(make):
    rails = make(SETS, input_=["first"], actions=ROLE.format("'guest'"))
    assert await answer(rails) == "I'm sorry, I can't respond to that."
    options = {"rails": ["output"], "output_vars": ["role"]}
    assert (await rails.generate_async("why?", options=options)).output_data == {"role": None}


THINKS = {"text": "All is well.", "reasoning": "a sensitive thought"}
LOOKS = 'define flow flow\n  if "sensitive" in $bot_thinking\n    stop'


async def test_a_flow_that_reads_the_reasoning_judges_it(make):
    assert await answer(make(LOOKS, answer=THINKS)) == "I'm sorry, I can't respond to that."
    assert await answer(make(LOOKS, answer={**THINKS, "reasoning": "a thought"})) == "All is well."


def test_reasoning_and_answer_come_apart_so_one_flow_cannot_judge_both(problem):
    both = 'define flow flow\n  if $bot_thinking == "x" or $bot_message == "x"\n    stop'
    assert "reads $bot_thinking and judges the answer too" in problem(both)
    assert "which an input rail has not seen yet" in problem(LOOKS, output=(), input_=["flow"])
