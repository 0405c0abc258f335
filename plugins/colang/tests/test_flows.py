from __future__ import annotations

import pytest

TERMS = """
    define subflow flow
      \"\"\"What it is for.\"\"\"
      $allowed = execute check_terms(text=$bot_message)  # asks

      if not $allowed
        bot refuse to respond
        stop
"""
ACTIONS = """
    from handrail_colang import action

    @action(name="check_terms")
    async def check(text):
        return "swordfish" not in text
"""


async def test_a_refusal_keeps_the_text_back(make, collect):
    (error,) = await collect(make(TERMS, actions=ACTIONS))
    assert error.error["param"] == "flow"
    assert error.error["code"] == "content_blocked"


async def test_what_the_flow_allows_is_delivered(make, collect):
    assert "".join(await collect(make(TERMS, actions=ACTIONS, answer="All is well."))) == "All is well."


async def test_the_whole_answer_is_judged_as_the_stream_is(make):
    assert await make(TERMS, actions=ACTIONS).generate_async("?") == "I'm sorry, I can't respond to that."


async def test_a_flow_judges_each_window_of_a_long_stream(make, collect):
    seen = []
    flow = "define flow flow\n  execute note(text=$bot_message)"
    rails = make(flow, answer="word " * 100, streaming={"chunk_size": 20, "context_size": 5})
    rails.register_action(lambda text: seen.append(text), "note")
    assert "".join(await collect(rails)) == "word " * 100
    assert len(seen) > 3


async def test_all_of_the_body_runs_not_only_its_first_action(make, collect):
    flow = """
        define flow flow
          $first = execute one
          $second = execute two
          if not $second
            stop
    """
    rails = make(flow)
    rails.register_action(lambda: True, "one").register_action(lambda: False, "two")
    (error,) = await collect(rails)
    assert error.error["code"] == "content_blocked"


async def test_an_assignment_rewrites_the_answer(make, collect):
    flow = 'define flow flow\n  $bot_message = $bot_message.replace("swordfish", "***")'
    assert "".join(await collect(make(flow))) == "The secret word is ***, my friend."


async def test_an_assignment_rewrites_what_the_model_is_asked(make):
    flow = 'define flow flow\n  $user_message = $user_message + "!"'
    rails = make(flow, output=(), input_=["flow"])
    response = await rails.generate_async("hi", options={"log": {"llm_calls": True}})
    assert "hi!" in response.log.llm_calls[0].prompt


CONDITIONS = [
    ('"swordfish" in $bot_message', True),
    ('"x" not in $bot_message', True),
    ("len($bot_message) > 1000", False),
    ("1 + 2 * 3 == 7 and not False", True),
    ("1 > 2 or 2 >= 2", True),
    ("-1 < 0 and (1 != 1)", False),
    ('$bot_message.lower().startswith("the")', True),
    ("$config.rails.output.parallel", False),
    ('"a" in ["a", "b"] and None == None', True),
    ('$user_message == "?"', True),
]


@pytest.mark.parametrize(("condition", "holds"), CONDITIONS)
async def test_conditions(make, condition, holds):
    rails = make(f'define flow flow\n  if {condition}\n    bot "no"\n    stop\n  else\n    pass')
    result = await rails.check_async(
        [{"role": "user", "content": "?"}, {"role": "assistant", "content": "The swordfish"}]
    )
    assert result.status == ("blocked" if holds else "passed")


async def test_branches_are_tried_in_order(make):
    flow = """
        define flow flow
          if $bot_message == "a"
            $bot_message = "1"
          elif $bot_message == "b"
            $bot_message = "2"
          else if $bot_message == "c"
            $bot_message = "3"
          else
            $bot_message = "4"
    """
    rails = make(flow)
    for text, expected in zip("abcd", "1234", strict=True):
        assert (await rails.check_async([{"role": "assistant", "content": text}])).content == expected


async def test_what_the_bot_says_is_the_reason(make):
    flow = """
        define bot deny
          "Not $user_message."
        define flow flow
          do other
        define subflow other
          bot deny
          stop
    """
    result = await make(flow).check_async([{"role": "user", "content": "bombs"}, {"role": "assistant", "content": "x"}])
    assert (result.status, result.reason) == ("blocked", "Not bombs.")


async def test_an_exception_event_is_the_category(make):
    flow = """
        define flow flow
          if $config.enable_rails_exceptions
            create event TermsRailException(message="Terms were found.")
          else
            bot refuse to respond
          stop
    """
    rails = make(flow, config={"enable_rails_exceptions": True})
    result = await rails.check_async([{"role": "assistant", "content": "x"}])
    assert (result.category, result.reason) == ("TermsRailException", "Terms were found.")


async def test_flows_of_colang_content_are_rails_too():
    from handrail import LLMRails, RailsConfig

    config = RailsConfig.from_content(
        'define flow no\n  bot "no"\n  stop', config={"models": [], "rails": {"output": {"flows": ["no"]}}}
    )
    assert (await LLMRails(config).check_async([{"role": "assistant", "content": "x"}])).status == "blocked"
