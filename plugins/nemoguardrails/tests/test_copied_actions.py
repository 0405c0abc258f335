"""Actions that were copied from the original, in the versions in which people have them, judge as they did there."""

from __future__ import annotations

import pytest
from handrail import Chunk
from handrail.errors import InvalidRequestError
from nemoguardrails import LLMRails, RailsConfig
from nemoguardrails.llm.output_parsers import is_content_safe
from nemoguardrails.llm.taskmanager import LLMTaskManager

SORRY = "I'm sorry, I can't respond to that."
YAML = """
models: [{type: main, engine: scripted}]
rails: {input: {flows: [self check input]}}
prompts: [{task: self_check_input, content: "Should this be blocked? {{ user_input }}"}]
"""
IMPORTS = """
from typing import Optional

from nemoguardrails.actions import action
from nemoguardrails.actions.actions import ActionResult
from nemoguardrails.actions.llm.utils import llm_call
from nemoguardrails.context import llm_call_info_var
from nemoguardrails.llm.params import llm_params
from nemoguardrails.llm.taskmanager import LLMTaskManager
from nemoguardrails.llm.types import Task
from nemoguardrails.logging.explain import LLMCallInfo
from nemoguardrails.rails.llm.config import RailsConfig
from nemoguardrails.utils import new_event_dict


@action(is_system_action=True)
async def self_check_input(
    llm_task_manager: LLMTaskManager, context: Optional[dict] = None, llm=None, config: Optional[RailsConfig] = None
):
    task = Task.SELF_CHECK_INPUT
    values = {"user_input": context.get("user_message")}
    prompt = llm_task_manager.render_task_prompt(task=task, context=values)
    stop = llm_task_manager.get_stop_tokens(task=task)
    llm_call_info_var.set(LLMCallInfo(task=task.value))
"""
OLDEST = """
    with llm_params(llm, temperature=config.lowest_temperature):
        answer = await llm_call(llm, prompt, stop=stop)
    allowed = "yes" not in answer.lower().strip()
    if not allowed:
        return ActionResult(return_value=False, events=[new_event_dict("mask_prev_user_message", intent="none")])
    return allowed
"""
PARSED = """
    answer = await llm_call(llm, prompt, stop=stop, llm_params={"temperature": config.lowest_temperature})
    if llm_task_manager.has_output_parser(task):
        result = llm_task_manager.parse_task_output(task, output=answer)
    else:
        result = llm_task_manager.parse_task_output(task, output=answer, forced_output_parser="is_content_safe")
    return result[0]
"""
ASKED_DIRECTLY = """
    answer = await llm.generate_async(prompt, stop=["."], max_tokens=3)
    return "yes" not in answer.content.lower()
"""
NEWEST = PARSED.replace("result[0]", "result.text[0]")
EVENTS = OLDEST.replace("mask_prev_user_message", "hide_prev_turn")


class Model:
    """Judges, or answers."""

    async def stream(self, messages, params):
        asked = messages[-1]["content"]
        yield Chunk(("Yes." if "tuna" in asked else "No.") if "blocked?" in asked else "The moon.")


@pytest.fixture
def guarded(tmp_path):
    def guarded(body):
        (tmp_path / "config.yml").write_text(YAML, "utf-8")
        (tmp_path / "actions.py").write_text(IMPORTS + body.lstrip("\n"), "utf-8")
        return LLMRails(RailsConfig.from_path(tmp_path), Model())

    return guarded


@pytest.mark.parametrize("body", [OLDEST, PARSED, NEWEST, ASKED_DIRECTLY], ids=["oldest", "parsed", "newest", "direct"])
async def test_a_copied_self_check_judges(guarded, body):
    rails = guarded(body)
    assert await rails.generate_async("Is tuna good?") == SORRY
    assert await rails.generate_async("Why are there tides?") == "The moon."
    assert [call.task for call in rails.explain().llm_calls] == ["self_check_input", "general"]


async def test_an_event_that_would_change_a_conversation_makes_its_rail_fail(guarded):
    answer = await guarded(EVENTS).generate_async("Is tuna good?")
    assert answer == "I'm sorry, an internal error has occurred."


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        ("No", [True]),
        ("yes", [False]),
        ("safe", [True]),
        ("unsafe\nS1", [False, "S1"]),
        ("Not safe.", [False]),
        ("", [False]),
        ("It depends.", [False]),
    ],
)
def test_the_stock_parser_lets_pass_only_what_says_so(answer, read):
    assert is_content_safe(answer) == read


def test_a_task_manager_has_the_stock_parser_and_those_that_are_registered():
    manager = LLMTaskManager(RailsConfig.from_content(yaml_content=YAML))
    assert manager.parse_task_output("self_check_input", "no", forced_output_parser="is_content_safe").text == [True]
    manager.register_output_parser(str.upper, "upper")
    assert manager.parse_task_output("self_check_input", "no", forced_output_parser="upper").text == "NO"
    assert manager.parse_task_output("self_check_input", "no").text == "no"


async def test_a_misspelt_kind_of_rails_turns_nothing_off(guarded):
    with pytest.raises(InvalidRequestError, match="'inptu' is unknown"):
        await guarded(NEWEST).generate_async("Is tuna good?", options={"rails": ["inptu", "dialog"]})


async def test_the_last_answer_is_a_variable_of_flows():
    colang = 'define flow look\n  if "tuna" in $last_bot_message\n    bot refuse to respond\n    stop\n'
    config = {"models": [{"type": "main", "engine": "scripted"}], "rails": {"output": {"flows": ["look"]}}}
    rails = LLMRails(RailsConfig.from_content(colang, config=config), Model())
    assert await rails.generate_async("?") == "The moon."
    history = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "tuna"}]
    assert (await rails.generate_async(messages=[*history, history[0]]))["content"] == SORRY
