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


CALCULATES = [
    'f"<{$bot_message}>" == "<" + $bot_message + ">"',
    "f'{len($bot_message)}' == str(len($bot_message))",
    """f'{$bot_message[:3]!r:>7}|{$bot_message["s" in $bot_message]}' == "  'The'|h" """,
    'f"{{no}} {1 + 1:.1f}" == "{no} 2.0"',
    "2 ** 3 ** 2 == 512 and -2 ** 2 == -4",
    "$bot_message[:6:2] == 'Tes' and $bot_message[::-1].startswith('.dneirf')",
    '"%s is %05.1f" % $pair == "a is 001.5"',
    '"ab" * 2 == "abab" and 2 * "ab" == "abab"',
    '"""The""" in $bot_message',
    "1e3 == 1000 and .5 == 0.5 and 2.5e-1 == 0.25",
    '"$bot_message" == $bot_message',
    '$bot_message.partition(" ")[0] == "The" and $bot_message.swapcase().startswith("tHE")',
]


@pytest.mark.parametrize("condition", CALCULATES)
async def test_it_calculates_as_python(make, condition):
    given = "define flow flow\n  $pair = execute pair\n"
    pair = "from handrail_colang import action\n@action()\nasync def pair():\n    return ('a', 1.5)\n"
    rails = make(f"{given}  if {condition.strip()}\n    return\n  bot no 'No.'\n  stop", actions=pair)
    assert "swordfish" in await answer(rails)


TOO_LARGE = ["9 ** 99999", "'a' * 2000000", "'%9999d' % 1", "'%*d' % 1", "'%(a)s' % {'a': 1}", "[1] * 2"]


@pytest.mark.parametrize("value", TOO_LARGE)
async def test_no_value_is_as_large_as_one_likes(make, value):
    rails = make(f"define flow flow\n  $x = {value}\n  if not $x\n    stop")
    assert await answer(rails) == "I'm sorry, an internal error has occurred."


@pytest.mark.parametrize("inner", ["", "user_message", "$x = 1", "$bot_message:{9}", "$bot_message:99999", "$a", "("])
async def test_a_fault_in_an_f_string_is_told_with_its_place(make, inner):
    colang = f'define flow flow\n  $x = f"a {{{inner}}}"\n  if not $x\n    stop'
    if inner == "$a":  # can be read, and has no value
        assert await answer(make(colang)) == "I'm sorry, an internal error has occurred."
        return
    with pytest.raises(ValueError, match=r"rails\.co:2:8: the f-string cannot be read"):
        make(colang)


@pytest.mark.parametrize("argument", ['"$bot_message"', 'text="$bot_message"', "text='$bot_message'"])
async def test_a_text_that_is_a_variable_alone_gives_an_action_its_value(make, argument):
    check = (
        "from handrail_colang import action\n@action()\nasync def check(text):\n    return 'swordfish' not in text\n"
    )
    colang = f"define flow flow\n  $ok = execute check({argument})\n  if not $ok\n    bot no 'No.'\n    stop"
    assert await answer(make(colang, actions=check)) == "No."


@pytest.mark.parametrize("event", ["BotMessage(text={})", "StartUtteranceBotAction(script={})"])
async def test_an_event_says_what_the_bot_says(make, event):
    colang = f'"""Why."""\n\ndefine flow flow\n  $who = "we"\n  create event {event}\n  stop'
    assert await answer(make(colang.format('"No, say $who."'))) == "No, say we."
    assert await answer(make(colang.format('"No, " + $who'))) == "No, we"


async def test_what_a_user_says_is_never_filled_with_variables(make):
    said = '$secret = "swordfish"\n  $said = "No: " + $user_message'
    rails = make(f"define flow flow\n  {said}\n  create event BotMessage(text=$said)\n  stop")
    assert await rails.generate_async("$secret {$secret} {{ secret }}") == "No: $secret {$secret} {{ secret }}"
