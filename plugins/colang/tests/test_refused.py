"""What cannot be read or run is an error when the configuration is loaded, with its place."""

from __future__ import annotations

import re

import pytest


def test_a_syntax_error_shows_line_and_caret(problem):
    text = problem("define flow flow\n  if $x ==\n    stop")
    assert "rails.co:2:11: Colang syntax error\n      if $x ==\n              ^" in text


DIALOG = 'define user greet\n  "Hello"\ndefine flow\n  user greet\n'
REFUSED = [
    ("define flow\n  stop", "rails.co:1:1: a flow without a name that does not begin with 'user ...'"),
    (DIALOG + "  user leave\n", "rails.co:5:3: 'user leave': a dialog of several turns is not supported"),
    ("define flow flow\n  $x = 1\n  user greet", "rails.co:3:3: 'user greet': the turn of the user comes first"),
    ("define flow flow\n  $x = 1\n  user ...", "rails.co:3:3: 'user ...': the turn of the user comes first"),
    ("define flow flow\n  when user greet\n    stop", "rails.co:2:3: 'when user greet' is not supported"),
    ("define flow flow\n  while True\n    stop", "rails.co:2:3: 'while True' is not supported"),
    ("define flow flow\n  $x = ...", "rails.co:2:8: '...' (a value that the model makes up) is not supported"),
    ('define flow flow\n  bot "hi"', "rails.co:2:3: 'bot ...' must be followed by 'stop'"),
    ("define flow flow\n  bot greet the user\n  stop", "rails.co:2:3: 'bot greet the user' has no text"),
    ("define flow flow\n  create event Ping\n  stop", "rails.co:2:3: 'create event Ping' is not supported"),
    ("define flow flow\n  do nothing known", "rails.co:2:3: 'do nothing known' names no flow"),
    ("define flow flow\n  do flow", "rails.co:2:3: 'do flow' leads back to the flow 'flow'"),
    ("define flow flow\n  $x = open('a')", "rails.co:2:8: the function 'open' is not supported"),
    ("define flow flow\n  $x = $y.format(1)", "rails.co:2:8: the method 'format' is not supported"),
    ("define flow flow\n  $x = $y._secret", "rails.co:2:8: the attribute '_secret' is not supported"),
    ("define flow flow\n  pass\ndefine flow flow\n  pass", "rails.co:3:1: flow 'flow' is defined already at"),
    ('define flow flow\n  $x = "\\x"', "rails.co:2:8: it cannot be read: (unicode error)"),
    ("define flow flow\n  $x = " + "not " * 5000 + "1", "rails.co:1:1: it is nested too deeply to be read"),
    ("define flow flow\n    stop\n  stop", "rails.co:3:3: the indentation is uneven"),
    ("import core\n\nflow main\n  activate x", "rails.co:3:1: 'flow main' is not supported"),
    (
        'define flow flow\n  create event Ping(message="x")\n  stop',
        "rails.co:2:3: 'create event Ping' is not supported",
    ),
]


@pytest.mark.parametrize(("colang", "message"), REFUSED)
def test_a_construct_that_cannot_run_is_refused_by_name_and_place(problem, colang, message):
    assert message in problem(colang)


def test_every_problem_is_reported_at_once(problem):
    text = problem('define flow flow\n  when x\n  user ...\ndefine user greet\n  "Hello"\n' + "\n" * 20 + "user ...")
    assert re.findall(r"rails.co:(\d+):", text) == ["2", "3", "26"]


def test_colang_2_is_refused(problem):
    assert "rails.co:1:1: Colang 2.x is not supported" in problem("flow main", config={"colang_version": "2.x"})


def test_a_flow_that_is_named_but_not_defined_is_refused(problem):
    assert "unknown rail 'flow'" in problem("define flow other\n  stop")


def test_python_that_raises_is_refused_with_its_line(problem):
    assert "actions.py:2:1: it raised RuntimeError: no" in problem(
        "define flow flow\n  stop", actions="x = 1\nraise RuntimeError('no')"
    )


def test_an_init_that_raises_is_refused_with_its_line(problem):
    init = "def init(app):\n    raise RuntimeError('no')"
    assert "config.py:2:1: init(app) raised RuntimeError: no" in problem(
        "define flow flow\n  stop", files={"config": init}
    )


def test_an_init_that_wants_what_is_not_built_yet_is_told_what_there_is(problem):
    init = "def init(app):\n    app.llm.temperature = 0"
    text = problem("define flow flow\n  stop", files={"config": init})
    assert "config.py:2:1: init(app) raised AttributeError: app has no 'llm'" in text
    assert "It has config, register_action, register_action_param" in text


def test_settings_of_a_flow_are_refused(problem):
    config = {"rails": {"output": {"flows": ["flow"]}, "config": {"flow": {"level": 3}}}}
    assert "flow 'flow' has no settings, and is given level" in problem("define flow flow\n  stop", config=config)


EXECUTED = [
    (
        "execute word_check(level=3)",
        "rails.co:2:3: 'word_check' is the installed rail 'word check', which takes nothing",
    ),
    (
        "execute self_check_output",
        "rails.co:2:3: action 'self_check_output': no prompt for the task 'self_check_output'",
    ),
]


@pytest.mark.parametrize(("statement", "message"), EXECUTED)
def test_a_rail_that_cannot_be_executed_is_refused_with_its_place(problem, word_check, statement, message):
    assert message in problem(f"define flow flow\n  {statement}", registry=word_check)


def test_a_rail_of_the_answer_cannot_be_executed_before_there_is_one(problem):
    config = {"prompts": [{"task": "self_check_output", "content": "Is it bad? {{ bot_response }}"}]}
    text = problem("define flow flow\n  execute self_check_output", output=(), input_=["flow"], config=config)
    assert "rails.co:2:3: 'self_check_output' judges the answer, which an input rail has not seen yet" in text
