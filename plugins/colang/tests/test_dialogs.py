"""Dialogs of one turn: what is written down is answered as it is written down, and the model answers the rest."""

from __future__ import annotations

import pytest
from handrail_colang import dialogs_of_program

GREETING = """
define user express greeting
  "hello"
  "hi there"

define bot express greeting
  "Good day!"

define flow greeting
  user express greeting
  bot express greeting
"""
POLITICS = """
define user ask about politics
  "who should I vote for?"

define bot refuse politics
  "I do not talk about politics, $times times."

define bot offer help
  "Anything else?"

define flow
  user ask about politics
  $times = execute count
  bot refuse politics
  bot offer help
"""
COUNT = "from handrail_colang import action\n@action()\nasync def count():\n    return 3\n"


class Model:
    """Says of a message what it means, or answers it, and remembers what it was asked."""

    def __init__(self, intent="none"):
        self.intent = intent
        self.asked = []

    async def stream(self, messages, params):
        from handrail import Chunk

        self.asked.append(messages[-1]["content"])
        yield Chunk(self.intent if "Which of these intents" in self.asked[-1] else "The model's answer.")


@pytest.fixture
def talking(make):
    """Make `LLMRails` that follow the dialogs, as `nemoguardrails.LLMRails` does, with a model behind them."""

    def talking(colang, model, **arguments):
        taken = []
        token = dialogs_of_program.set(taken)
        try:
            rails = make(colang, output=arguments.pop("output", ()), **arguments)
        finally:
            dialogs_of_program.reset(token)
        return rails.update_llm(taken[0].in_front_of(model))

    return talking


@pytest.mark.parametrize("said", ["hello", "Hello!", "  HI   there "])
async def test_the_words_of_an_example_are_enough_and_the_model_is_not_asked(talking, said):
    model = Model()
    assert await talking(GREETING, model).generate_async(said) == "Good day!"
    assert not model.asked


@pytest.mark.parametrize(
    "answer", ["express greeting", "  Express Greeting\n", '"express greeting"', "user express greeting"]
)
async def test_the_model_is_asked_what_other_words_mean(talking, answer):
    model = Model(answer)
    assert await talking(GREETING, model).generate_async("a very good morning to you") == "Good day!"
    assert len(model.asked) == 1


@pytest.mark.parametrize("answer", ["none", "", "express greetings warmly", "I think express greeting, but not surely"])
async def test_an_answer_that_names_no_intent_is_none(talking, answer):
    model = Model(answer)
    assert await talking(GREETING, model).generate_async("why is the sky blue?") == "The model's answer."
    assert len(model.asked) == 2


async def test_results_of_actions_are_filled_into_what_the_bot_says_and_its_lines_are_one_answer(talking):
    rails = talking(POLITICS, Model(), actions=COUNT)
    assert await rails.generate_async("Who should I vote for") == (
        "I do not talk about politics, 3 times.\nAnything else?"
    )


async def test_an_action_that_fails_is_answered_by_an_apology_without_its_words(talking, caplog):
    rails = talking(POLITICS, Model())
    apology = "I'm sorry, an internal error has occurred."
    assert await rails.generate_async("Who should I vote for") == apology

    async def count():
        raise OSError("no route to ledger.internal")

    rails.register_action(count, "count")
    assert "".join([chunk async for chunk in rails.stream_async("Who should I vote for")]) == apology
    assert "OSError" in caplog.text
    assert "ledger" not in caplog.text


async def test_a_dialog_that_stops_refuses(talking):
    rails = talking(GREETING.replace("  bot express greeting\n", "  stop\n"), Model())
    assert await rails.generate_async("hello") == "I'm sorry, I can't respond to that."


async def test_output_rails_judge_what_a_dialog_says(talking):
    rails = talking(GREETING + '\ndefine flow flow\n  if "day" in $bot_message\n    stop', Model(), output=["flow"])
    assert await rails.generate_async("hello") == "I'm sorry, I can't respond to that."


async def test_an_intent_without_examples_is_known_by_its_name(talking):
    colang = GREETING.replace('define user express greeting\n  "hello"\n  "hi there"\n', "")
    assert await talking(colang, Model("express greeting")).generate_async("hello") == "Good day!"


async def test_the_model_words_what_the_configuration_has_no_words_for(talking):
    model = Model()
    rails = talking(GREETING.replace('define bot express greeting\n  "Good day!"\n', ""), model)
    assert await rails.generate_async("hello") == "The model's answer."
    rails = talking(POLITICS.replace('define bot offer help\n  "Anything else?"\n', ""), model, actions=COUNT)
    said = await rails.generate_async("who should I vote for?")
    assert said == "I do not talk about politics, 3 times.\nThe model's answer."


async def test_a_dialog_streams(talking):
    assert "".join([chunk async for chunk in talking(GREETING, Model()).stream_async("hello")]) == "Good day!"


async def test_results_of_tools_are_no_turn_of_the_user(talking):
    rails = talking(GREETING, Model())
    messages = [{"role": "user", "content": "hello"}, {"role": "tool", "content": "x", "tool_call_id": "1"}]
    assert (await rails.generate_async(messages=messages))["content"] == "The model's answer."


async def test_a_model_that_cannot_be_asked_what_a_message_means_fails_the_call(talking):
    class Broken:
        async def stream(self, messages, params):
            raise OSError("no network")
            yield

    with pytest.raises(OSError, match="no network"):
        await talking(GREETING, Broken()).generate_async("good morning")


def test_dialogs_that_nobody_follows_are_refused_once_with_the_place_of_the_first(problem):
    told = problem(GREETING + EXTENDED, output=())
    assert "rails.co:9:1: dialogs are followed only in programs" in told
    assert told.count("dialogs are followed") == 1


EXTENDED = """
define user ask about politics
  "who should I vote for?"

define flow
  user ask about politics
  bot "Nobody knows."

define flow first
  priority 3
  user ask about politics
  bot "That is private."

define extension flow check
  priority 2
  user ask about politics
  $allowed = execute check
  if not $allowed
    bot "Not today."
    stop
"""


@pytest.mark.parametrize(("allowed", "said"), [(True, "That is private."), (False, "Not today.")])
async def test_an_extension_runs_before_the_flow_of_the_greatest_priority_and_can_stop_it(talking, allowed, said):
    rails = talking(EXTENDED, Model())
    rails.register_action(lambda: allowed, "check")
    assert await rails.generate_async("Who should I vote for?") == said


async def test_an_extension_that_fails_keeps_what_it_stands_before_from_being_said(talking):
    rails = talking(EXTENDED, Model())
    assert await rails.generate_async("Who should I vote for?") == "I'm sorry, an internal error has occurred."


ANYTHING = """
define flow
  user ...
  $answer = execute look_up(question=$last_user_message)
  bot $answer
"""


@pytest.mark.parametrize(("colang", "asked"), [(ANYTHING, 0), (GREETING + ANYTHING, 1)])
async def test_a_dialog_for_anything_answers_what_no_other_does(talking, colang, asked):
    model = Model()
    rails = talking(colang, model)
    rails.register_action(lambda question: f"You asked: {question}", "look_up")
    assert await rails.generate_async("Why are there tides?") == "You asked: Why are there tides?"
    assert len(model.asked) == asked
    if asked:
        assert await rails.generate_async("hello") == "Good day!"


async def test_what_a_dialog_for_anything_answers_is_judged(talking):
    look = '\ndefine flow look\n  if "swordfish" in $bot_message\n    bot refuse to respond\n    stop\n'
    rails = talking(ANYTHING + look, Model(), output=["look"])
    rails.register_action(lambda question: "It is swordfish.", "look_up")
    assert await rails.generate_async("?") == "I'm sorry, I can't respond to that."


def test_the_user_who_says_anything_later_is_a_turn_too_many(problem):
    assert "a dialog of several turns" in problem('define flow\n  user ...\n  bot "x"\n  user ...\n  bot "y"\n')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ n }} things{% if n > 2 %}, many{% endif %}", "3 things, many"),
        ("Dear $who.name, {$n} of {{ $n }}.", "Dear Ann, 3 of 3."),
        ("{{ who.tags | join(', ') }} cost $5", "x, y cost $5"),
    ],
)
async def test_a_text_is_filled_by_names_attributes_and_jinja(talking, text, said):
    colang = GREETING.replace("Good day!", text).replace(
        "  bot express", "  $who = execute who\n  $n = 3\n  bot express"
    )
    rails = talking(colang, Model())
    rails.register_action(lambda: {"name": "Ann", "tags": ["x", "y"]}, "who")
    assert await rails.generate_async("hello") == said


def test_a_text_that_is_not_valid_jinja_is_refused(problem):
    assert "rails.co:6:1: the text is not valid Jinja" in problem(GREETING.replace("Good day!", "{% if %}"))


async def test_what_an_action_returns_is_no_template(talking):
    rails = talking(ANYTHING, Model())
    rails.register_action(lambda question: "{{ config }} $config", "look_up")
    assert await rails.generate_async("?") == "{{ config }} $config"


async def test_a_subflow_that_only_dialogs_do_may_talk(talking, problem):
    colang = (
        GREETING.replace("  bot express greeting\n", "  do greet\n") + "define subflow greet\n  bot express greeting\n"
    )
    assert await talking(colang, Model()).generate_async("hello") == "Good day!"
    assert "must be followed by 'stop'" in problem(colang, output=["greet"])


async def test_examples_may_go_on_and_a_text_may_stand_under_its_message(talking):
    colang = GREETING.replace('  "hi there"\n', '  "hi there"\n  ...\n')
    colang = colang.replace('define bot express greeting\n  "Good day!"\n', "")
    colang = colang.replace("  bot express greeting\n", '  bot express greeting\n    "Good evening!"\n')
    assert await talking(colang, Model()).generate_async("hi there") == "Good evening!"


def test_a_dialog_that_is_named_as_a_rail_is_refused_by_its_place(problem):
    reason = problem(GREETING, output=["greeting"])
    assert "rails.co:9:1: the flow 'greeting' is a dialog, which cannot be a rail" in reason


async def test_a_dialog_may_begin_with_what_the_user_says(talking):
    rails = talking('define flow\n  user "hello there"\n  bot "Hi!"\n', Model("none"))
    assert await rails.generate_async("Hello, there!") == "Hi!"
    assert await rails.generate_async("goodbye") == "The model's answer."
