"""Installed rails under the conditions of existing configurations: own actions, `$task=`, variables of prompts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from handrail import ConfigurationError
from nemoguardrails import LLMRails, RailsConfig
from nemoguardrails.actions.rail_outcome import RailOutcome

SORRY = "I'm sorry, I can't respond to that."
HELLO = [{"role": "user", "content": "Hello!"}]


@pytest.fixture
def rails(settings):
    return LLMRails(RailsConfig.from_content(config=settings(stream_first=False)))


async def no(context=None, **others):
    return RailOutcome.block() if "moon" in context["bot_message"] else RailOutcome.allow()


async def test_an_action_that_is_registered_late_takes_the_rails_place(rails):
    assert (await rails.generate_async(messages=HELLO))["content"] == "The moon pulls the sea."
    rails.register_action(no, "self_check_output")
    assert (await rails.generate_async(messages=HELLO))["content"] == SORRY
    (error,) = [chunk async for chunk in rails.stream_async(messages=HELLO)]
    assert error.error["code"] == "content_blocked"
    assert not any(call.task == "self_check_output" for call in rails.explain().llm_calls)


async def test_so_does_one_on_the_runtime(rails):
    rails.runtime.register_action(no, "self_check_output")
    assert (await rails.generate_async(messages=HELLO))["content"] == SORRY


def test_an_action_that_could_not_take_a_rails_place_is_refused(settings):
    config = settings(flows=["phrase check"])
    config["rails"]["config"] = {"phrase check": {"phrases": ["x"]}}
    rails = LLMRails(RailsConfig.from_content(config=config))
    with pytest.raises(ConfigurationError, match="cannot take the place of the rail 'phrase check'"):
        rails.register_action(no, "phrase_check")


async def test_a_prompt_for_forms_sake_refuses_everything_until_an_action_takes_the_rails_place(settings, caplog):
    config = settings(stream_first=False)
    config["prompts"][0]["content"] = "..."
    rails = LLMRails(RailsConfig.from_content(config=config))
    assert "'self check output' refuses everything until an action takes its place" in caplog.text
    assert (await rails.generate_async(messages=HELLO))["content"] == "I'm sorry, an internal error has occurred."
    rails.register_action(lambda **others: RailOutcome.allow(), "self_check_output")
    assert (await rails.generate_async(messages=HELLO))["content"] == "The moon pulls the sea."


YAML = 'bot_messages:\n  refuse to respond: [No "thanks".]\n  greet: Good day!\nuser_messages:\n  greet: [hello]\n'
SAYS_NO = "define flow no\n  bot refuse to respond\n  stop\n\ndefine flow\n  user greet\n  bot greet\n"


@pytest.mark.parametrize("how", ["yaml", "mapping", "folder"])
async def test_messages_in_yaml_are_what_users_say_and_bots_answer(settings, tmp_path, how):
    config = settings(flows=())
    if how == "folder":
        (tmp_path / "config.yml").write_text(yaml.safe_dump({**config, **yaml.safe_load(YAML)}), "utf-8")
        (tmp_path / "rails.co").write_text(SAYS_NO, "utf-8")
        made = RailsConfig.from_path(tmp_path)
    elif how == "yaml":
        made = RailsConfig.from_content(SAYS_NO, YAML, config)
    else:
        made = RailsConfig.from_content(SAYS_NO, config={**config, **yaml.safe_load(YAML)})
    assert not [note for note in made.notes if "_messages" in note]
    assert await LLMRails(made).generate_async("hello") == "Good day!"
    refusing = made + RailsConfig.from_content(config={"rails": {"input": {"flows": ["no"]}}})
    assert await LLMRails(refusing).generate_async("hello") == 'No "thanks".'


def test_a_rail_of_a_plugin_that_is_disabled_is_not_offered(settings):
    config = {**settings(), "plugins": {"disable": ["handrail-self-check"]}}
    with pytest.raises(ConfigurationError, match="unknown rail 'self check output'"):
        LLMRails(RailsConfig.from_content(config=config))


VARIABLES = ["general_instructions", "sample_conversation", "relevant_chunks", "last_user_message", "last_bot_message"]


@pytest.mark.parametrize("variable", VARIABLES)
async def test_a_prompt_may_use_the_variables_that_are_always_there(settings, variable):
    config = settings(judge="no")
    config["prompts"][0]["content"] += f" {{{{ {variable} }}}}"
    config["instructions"] = [{"type": "general", "content": "Be brief."}]
    rails = LLMRails(RailsConfig.from_content(config=config))
    assert (await rails.generate_async(messages=HELLO))["content"] == "The moon pulls the sea."
    prompt = next(call.prompt for call in rails.explain().llm_calls if call.task == "self_check_output")
    shown = {"general_instructions": "Be brief.", "last_user_message": "Hello!"}.get(variable, "")
    assert prompt.rstrip().endswith(shown)


def test_a_prompt_that_asks_for_the_reasoning_is_refused(settings):
    config = settings()
    config["prompts"][0]["content"] += " {{ bot_thinking }}"
    with pytest.raises(ConfigurationError, match=r"judge it in a flow that reads \$bot_thinking"):
        LLMRails(RailsConfig.from_content(config=config))


async def test_what_a_caller_gives_as_relevant_chunks_is_used(settings):
    config = settings(judge="no")
    config["prompts"][0]["content"] += " {{ relevant_chunks }}"
    rails = LLMRails(RailsConfig.from_content(config=config))
    await rails.generate_async(messages=[{"role": "context", "content": {"relevant_chunks": "Facts."}}, *HELLO])
    assert any(call.prompt.endswith("Facts.") for call in rails.explain().llm_calls)


def with_tasks(settings, **answers):
    config = settings(judge="no")
    scripted = [{"contains": name, "text": answer} for name, answer in answers.items()]
    config["models"][1]["parameters"]["answers"] = scripted
    config["rails"]["output"]["flows"] = [f"self check output $task={name}" for name in answers]
    config["prompts"] = [
        {"task": f"self_check_output $task={name}", "content": f"{name}: should it be blocked? {{{{ bot_response }}}}"}
        for name in answers
    ]
    return config


@pytest.mark.parametrize(("second", "said"), [("no", "The moon pulls the sea."), ("yes", SORRY)])
async def test_a_rail_may_be_named_once_for_each_of_several_tasks(settings, second, said):
    rails = LLMRails(RailsConfig.from_content(config=with_tasks(settings, manners="no", harm=second)))
    assert (await rails.generate_async(messages=HELLO))["content"] == said


def test_a_task_without_a_prompt_is_refused(settings):
    config = with_tasks(settings, manners="no")
    config["prompts"] = []
    with pytest.raises(ConfigurationError, match=r"no prompt for the task 'self_check_output \$task=manners'"):
        LLMRails(RailsConfig.from_content(config=config))


def test_the_commands_know_them_too(settings, tmp_path):
    (tmp_path / "config.yml").write_text(json.dumps(with_tasks(settings, manners="yes")), "utf-8")
    program = str(Path(sys.executable).with_name("nemoguardrails"))
    command = [program, "chat", str(tmp_path), "--streaming", "--message", "Hello"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 3, done.stderr


def test_a_prompt_of_the_task_general_is_noted(settings):
    config = settings()
    config["prompts"].append({"task": "general", "content": "{{ user_input }}"})
    assert any("'general' is not used" in note for note in RailsConfig.from_content(config=config).notes)


async def test_a_dialog_answers_before_the_model_does(settings):
    colang = (
        'define user greet\n  "hello"\n\ndefine bot greet\n  "Good day!"\n\ndefine flow\n  user greet\n  bot greet\n'
    )
    rails = LLMRails(RailsConfig.from_content(colang_content=colang, config=settings(judge="no")))
    assert (await rails.generate_async(messages=HELLO))["content"] == "Good day!"
    assert (await rails.generate_async("Why is the sky blue?")) == "The moon pulls the sea."
    rails.update_llm(rails.composition.models["main"].provider)
    assert (await rails.generate_async(messages=HELLO))["content"] == "Good day!"
